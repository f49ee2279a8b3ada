"""What was asked, answered and found true in a time, as counts over a version's reference?"""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.adapters.prediction_log.compacted import list_compacted, stem_of
from millrace.adapters.prediction_log.counting import CountTable, LogTally, LogWindow
from millrace.adapters.prediction_log.parts import groups_of, list_set_aside
from millrace.adapters.prediction_log.segment import (
    Damage,
    heads_of_model,
    list_segments,
    opened,
    read_records,
)
from millrace.adapters.prediction_log.tables import INPUT, Kind, chunks_of, infer, is_over, table_of
from millrace.adapters.prediction_log.thin import LABEL
from millrace.domain.prediction import Record
from millrace.domain.profile import Reference

_TASK_BYTES = 8 << 20
_TASKS_AT_ONCE = 32
_BLOCK_ROWS, _BLOCK_VALUES = 131_072, 1 << 24
"""So much of a file is in memory at once, whoever wrote it, and whatever the number of its columns."""

_COUNTED = {Kind.ANSWERS: ("at", "digest", "answer"), Kind.LABELS: ("at", LABEL)}
_NEEDED = {Kind.ANSWERS: {"at", "digest", "answer"}, Kind.LABELS: {"at"}}

Files = tuple[tuple[Kind, Path], ...]


@dataclass(frozen=True)
class CountedLog:
    """A window of the log as counts: inputs of all rows, answers of one version, and labels that came.

    `troubles` says why inputs are not among them; of `damages` places nothing could be read.
    """

    window: Reference
    troubles: dict[str, str]
    damages: int


def profile_log(folder: Path, window: LogWindow, count_table: CountTable, executor: Executor) -> CountedLog:
    """Count a window: what is not compacted here, the files of what is by tasks that any executor can run.

    A row that was logged twice counts twice: to tell, one would have to keep the names of all rows.

    Parameters
    ----------
    folder
        The prediction log, which every worker of the executor can read.
    count_table
        Counts the inputs of a table.
    """
    tally = LogTally(window)
    # first: what is compacted meanwhile is then found there, and left out
    read = {path.stem for path in list_segments(folder) if _add_segment(tally, path, window, count_table)}
    tally.damages += sum(1 for _ in list_set_aside(folder, window.start))
    tasks = list(_tasks(folder, window, read))
    for start in range(0, len(tasks), _TASKS_AT_ONCE):
        waiting = [
            executor.submit(_count_files, files, window, count_table)
            for files in tasks[start : start + _TASKS_AT_ONCE]
        ]
        for one in waiting:
            tally.merge(one.result())
    inputs = tally.counted
    return CountedLog(
        Reference(inputs.profile, tally.target.profile, tally.answers.profile), inputs.troubles, tally.damages
    )


def _add_segment(tally: LogTally, path: Path, window: LogWindow, count_table: CountTable) -> bool:
    """Count what a segment holds; False if it is not there any more, or cannot be read."""
    try:
        with opened(path) as found:
            if found is None:
                return False
            for place, columns in chunks_of(_records(tally, path, *found, window)):
                if place.kind in _COUNTED:
                    table = table_of(columns, infer(columns, place.kind))
                    tally.add(place.kind, table, window, count_table)
    except (pa.ArrowException, OSError):
        tally.damages += 1
        return False
    return True


def _records(
    tally: LogTally, path: Path, file: IO[bytes], is_written: bool, window: LogWindow
) -> Iterator[Record]:
    for one in read_records(file, path.name, heads_of_model(window.model)):
        if not isinstance(one, Damage):
            if not is_over(one, window.start):
                yield one
        elif not (is_written and one.is_torn):  # else its writer is just at it
            tally.damages += 1


def _tasks(folder: Path, window: LogWindow, read: set[str]) -> Iterator[Files]:
    """Yield the files of the window by some megabytes, but for those that were read as segments."""
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC)
    task: list[tuple[Kind, Path]] = []
    size = 0
    for kind in _COUNTED:
        for path in sorted(list_compacted(folder, window.model, kind, start, end)):
            if stem_of(path) not in read:
                with suppress(FileNotFoundError):  # its time was over
                    size += path.stat().st_size
                    task.append((kind, path))
            if size >= _TASK_BYTES:
                yield tuple(task)
                task, size = [], 0
    if task:
        yield tuple(task)


def _count_files(files: Files, window: LogWindow, count_table: CountTable) -> LogTally:
    tally = LogTally(window)
    for kind, path in files:
        try:
            _add_file(tally, kind, path, window, count_table)
        except FileNotFoundError:
            continue  # its time was over
        except (pa.ArrowException, OSError):
            tally.damages += 1
    return tally


def _add_file(tally: LogTally, kind: Kind, path: Path, window: LogWindow, count_table: CountTable) -> None:
    metadata = pq.read_metadata(path)
    schema = metadata.schema.to_arrow_schema()
    if not {*schema.names} >= _NEEDED[kind]:
        raise pa.ArrowInvalid(f"{path} is no file of the log")
    inputs = [INPUT + column.name for column in window.schema.inputs]
    names = [name for name in (*_COUNTED[kind], *inputs) if name in schema.names]
    coded = [name for name in ("digest", LABEL, *inputs) if name in names]
    rows = max(1, min(_BLOCK_ROWS, _BLOCK_VALUES // len(names)))
    with pq.ParquetFile(path, metadata=metadata, read_dictionary=coded, pre_buffer=False) as file:
        for group in groups_of(metadata, kind, window.span):
            # one reader for each group: the texts of a column would grow from group to group
            for block in file.iter_batches(rows, [group], names, use_threads=False):
                tally.add(kind, pa.Table.from_batches([block]), window, count_table)
