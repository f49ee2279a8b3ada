"""A few columns of millions of logged rows: how are they read fast, once each, and in bounded memory?"""

import sys
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from millrace.adapters.prediction_log.compacted import list_compacted, stem_of
from millrace.adapters.prediction_log.keys import keyed_labels
from millrace.adapters.prediction_log.layout import damaged_folder
from millrace.adapters.prediction_log.names import BoolArray, UintArray, hash_ids, is_of_sample
from millrace.adapters.prediction_log.raw_columns import read_raw
from millrace.adapters.prediction_log.segment import Damage, list_segments, opened
from millrace.adapters.prediction_log.tables import Kind
from millrace.adapters.prediction_log.thin import LABEL, is_coded, micros_of, thin_schema, thinned
from millrace.domain.prediction import SLACK
from millrace.errors import MillraceError

MAX_ROWS = 2_000_000
"""Of more answered rows a share is read: the bounds that are judged by are narrow long before."""

_OVERFULL = 1.25
_THREADS = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableLogError(MillraceError):
    """A file of the log is not what compaction wrote."""

    def __init__(self, path: Path, found: str) -> None:
        self.path, self.found = path, found
        super().__init__(
            f"{path}: found {found}, needed the parquet that compaction wrote. "
            "Bring the file back from a copy, or move it out of the log's folder: its rows are missing then"
        )


@dataclass(frozen=True)
class Span:
    """The rows of a model in `[since, until)`, with these of their inputs."""

    model: str
    since: datetime
    until: datetime
    inputs: tuple[str, ...] = ()

    def end_of(self, kind: Kind) -> datetime | None:
        """Return before when rows of a kind are of interest: labels may come at any time."""
        return {Kind.ANSWERS: self.until, Kind.SHADOWS: self.until + SLACK, Kind.LABELS: None}[kind]


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one kind, with the hash of each one's request."""

    table: pa.Table
    ids: UintArray

    def sample(self, share: float) -> "Part":
        """Return the rows of a share of the requests; labels that name no request stay."""
        if share >= 1.0:
            return self
        return self.take(is_of_sample(self.ids, share) | self.table["request_id"].is_null().to_numpy())

    def take(self, chosen: BoolArray) -> "Part":
        """Return the chosen rows."""
        return self if chosen.all() else Part(self.table.filter(pa.array(chosen)), self.ids[chosen])


@dataclass
class Parts:
    """What was read, by kind in the order of the segments; `share` of all requests.

    A file that cannot be read is an error where it `is_strict`, and else one of the `damages`.
    """

    max_rows: int = MAX_ROWS
    share: float = 1.0
    is_strict: bool = True
    damages: list[Damage] = field(default_factory=list)
    _found: dict[Kind, list[tuple[str, Part]]] = field(default_factory=lambda: {kind: [] for kind in Kind})

    def add(self, stem: str, kind: Kind, part: Part) -> None:
        """Take rows in; where there are too many, a smaller share of all is kept."""
        self._found[kind].append((stem, part.sample(self.share)))
        while sum(len(one.ids) for _, one in self._found[Kind.ANSWERS]) > _OVERFULL * self.max_rows:
            self.share /= 2
            for found in self._found.values():
                found[:] = [(stem, one.sample(self.share)) for stem, one in found]

    def whole(self, kind: Kind, inputs: tuple[str, ...]) -> Part:
        """Return all rows of a kind."""
        parts = [part for _, part in sorted(self._found[kind], key=lambda one: one[0])]
        tables = [thin_schema(kind, inputs).empty_table(), *(part.table for part in parts)]
        ids = [np.empty(0, np.uint64), *(part.ids for part in parts)]
        return Part(pa.concat_tables(tables), np.concatenate(ids))


def read_parts(folder: Path, span: Span, max_rows: int = MAX_ROWS, *, is_strict: bool = True) -> Parts:
    """Read what is not compacted first: what becomes so meanwhile is then found there, and left out.

    Raises
    ------
    UnreadableLogError
        At the first compacted file that is none, where it `is_strict`.
    """
    rows = _count_compacted(folder, span, Kind.ANSWERS, is_strict=is_strict)
    parts = Parts(max_rows, min(1.0, max_rows / max(1, rows)), is_strict)
    read = {stem for path in list_segments(folder) for stem in _add_segment(parts, path, span)}
    parts.damages += list_set_aside(folder, span.since)
    files = [
        (kind, path) for kind in Kind for path in _files_of(folder, span, kind) if stem_of(path) not in read
    ]
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda file: _read_file(file[1], file[0], span, parts), files)
        for (kind, path), part in zip(files, found, strict=True):
            if part is not None:
                parts.add(stem_of(path), kind, part)
    return parts


def read_parts_by_key(
    folder: Path, span: Span, max_rows: int = MAX_ROWS, *, is_strict: bool = True
) -> tuple[Parts, Span]:
    """Read them with every column by which labels name rows; return the span with these columns too.

    Raises
    ------
    UnreadableLogError
        At the first compacted file that is none, where it `is_strict`.
    """
    parts = read_parts(folder, span, max_rows, is_strict=is_strict)
    named = {name for one in keyed_labels(parts.whole(Kind.LABELS, ()).table) for name in one.columns}
    unread = sorted(named - {*span.inputs})
    if not unread:
        return parts, span
    wider = replace(span, inputs=(*span.inputs, *unread))
    return read_parts(folder, wider, max_rows, is_strict=is_strict), wider


def count_since(folder: Path, span: Span, kind: Kind) -> int:
    """Count the rows of a kind, or some more: of what is compacted the numbers of row groups are read alone.

    Raises
    ------
    UnreadableLogError
        If a compacted file is none.
    """
    parts = Parts(sys.maxsize)
    read = {stem for path in list_segments(folder) for stem in _add_segment(parts, path, span)}
    return len(parts.whole(kind, span.inputs).ids) + _count_compacted(folder, span, kind, leave=read)


def _count_compacted(
    folder: Path, span: Span, kind: Kind, *, is_strict: bool = True, leave: Collection[str] = ()
) -> int:
    rows, untold = 0, Parts(is_strict=is_strict)
    for path in _files_of(folder, span, kind):
        if stem_of(path) not in leave:
            with suppress(FileNotFoundError), _understood(path, untold):  # its time may be over
                metadata = pq.read_metadata(path)
                rows += sum(metadata.row_group(one).num_rows for one in groups_of(metadata, kind, span))
    return rows


def _files_of(folder: Path, span: Span, kind: Kind) -> Iterator[Path]:
    return list_compacted(folder, span.model, kind, span.since, span.end_of(kind))


def _add_segment(parts: Parts, path: Path, span: Span) -> Iterator[str]:
    """Take in what a segment holds; yield its name if it is still there."""
    with nullcontext() if parts.is_strict else _understood(path, parts), opened(path) as found:
        if found is None:
            return
        file, is_written = found
        for one in read_raw(file, path.name, span.model, span.inputs, span.since):
            if not isinstance(one, Damage):
                kind, table = one
                parts.add(path.stem, kind, _part_of(table, kind, span))
            elif not (is_written and one.is_torn):  # else its writer is just at it
                parts.damages.append(one)
        yield path.stem


def list_set_aside(folder: Path, since: datetime) -> Iterator[Damage]:
    """Yield the damaged segments that were written to since then, whenever they were set aside."""
    for path in sorted(damaged_folder(folder).glob("*@*.seg")):
        if path.stat().st_mtime >= since.timestamp():
            yield Damage(
                path.name, int(path.stem.rpartition("@")[2]), "it was set aside when it was compacted"
            )


def _read_file(path: Path, kind: Kind, span: Span, parts: Parts) -> Part | None:
    with suppress(FileNotFoundError), _understood(path, parts):  # its time may be over
        metadata = pq.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
        wanted = [name for name in (*thin_schema(kind, span.inputs).names, LABEL) if name in schema.names]
        coded = [name for name in wanted if is_coded(name) and schema.field(name).type == pa.string()]
        with pq.ParquetFile(path, metadata=metadata, read_dictionary=coded, pre_buffer=False) as file:
            table = file.read_row_groups(groups_of(metadata, kind, span), wanted, use_threads=False)
        return _part_of(table, kind, span).sample(parts.share)
    return None


@contextmanager
def _understood(path: Path, parts: Parts) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:  # a value: parquet, and none of the log
        if parts.is_strict:
            raise UnreadableLogError(path, str(error)) from error
        parts.damages.append(Damage(path.name, 0, str(error)))


def groups_of(metadata: pq.FileMetaData, kind: Kind, span: Span) -> list[int]:
    """Return the row groups that hold rows of the time."""
    at, end = metadata.schema.to_arrow_schema().names.index("at"), span.end_of(kind)
    groups = []
    for group in range(metadata.num_row_groups):
        # columns are counted by their leaves here, and `at` stands before the first list
        known = metadata.row_group(group).column(at).statistics
        if known is None or (known.max >= span.since and (end is None or known.min < end)):
            groups.append(group)
    return groups


def _part_of(table: pa.Table, kind: Kind, span: Span) -> Part:
    thin = thinned(table, kind, span.inputs)
    at, end = micros_of(thin["at"]), span.end_of(kind)
    is_wanted = at >= _micros(span.since)
    if end is not None:
        is_wanted &= at < _micros(end)
    ids = [hash_ids(chunk) for chunk in thin["request_id"].chunks] or [np.empty(0, np.uint64)]
    return Part(thin, np.concatenate(ids)).take(is_wanted)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
