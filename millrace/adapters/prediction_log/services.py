"""Which services live, and what has each of them loaded?"""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import msgspec

from millrace.adapters.prediction_log.segment import (
    Damage,
    heads_of_services,
    list_segments,
    opened,
    read_records,
)
from millrace.domain.prediction import Alive, Record, Stopped
from millrace.durable import replace_file

FORGOTTEN_SECONDS = 7 * 24 * 3600.0
"""A service that was killed says nothing more; after so long nobody asks for it."""

_FILE = "services.json"

Word = Alive | Stopped
Words = dict[str, Word]


def read_services(folder: Path) -> list[Alive]:
    """Return the last word of every service that has not stopped: whether it is fresh is for the reader."""
    words: Words = {}
    # segments first: what compaction moves into the file meanwhile is then read twice, never missed
    for _, paths in groupby(sorted(list_segments(folder), key=_instance_of), _instance_of):
        for path in reversed(list(paths)):
            if _hear_segment(words, path):
                break
    hear(words, _remembered(folder))
    return [word for _, word in sorted(words.items()) if isinstance(word, Alive)]


def remember_services(folder: Path, heard: Words) -> None:
    """Keep the last word of each service when the segments with their words go."""
    words: Words = {}
    hear(words, _remembered(folder))
    hear(words, heard.values())
    newest = max((word.at for word in words.values()), default=0.0)
    fresh = [word for word in words.values() if word.at >= newest - FORGOTTEN_SECONDS]
    replace_file(folder / _FILE, msgspec.json.encode(fresh))


def hear(words: Words, records: Iterable[Record | Damage]) -> None:
    """Take in what services said of themselves."""
    for record in records:
        if isinstance(record, Alive | Stopped):
            before = words.get(record.instance)
            if before is None or before.at <= record.at:
                words[record.instance] = record


def _instance_of(path: Path) -> str:
    return path.stem.partition("-")[2].rpartition("-")[0]


def _hear_segment(words: Words, path: Path) -> bool:
    with opened(path) as found:
        heard = list(read_records(found[0], path.name, heads_of_services())) if found else []
    hear(words, heard)
    return any(isinstance(record, Alive | Stopped) for record in heard)


def _remembered(folder: Path) -> list[Word]:
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=list[Word])
    except FileNotFoundError:
        return []
