"""What did the rows of parquet files look like? One pass in bounded memory, on as many cores as there are."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.adapters.profiling.tables import count_table, trouble_with
from millrace.domain.kinds import ColumnType
from millrace.domain.profile import Counted, Profile, Tally
from millrace.errors import MillraceError

BLOCK_ROWS = 131_072
"""So many values are sorted at once: they stay in a core's cache, and memory stays bounded."""
MIN_VALUES, MAX_VALUES = 1_000_000, 16_000_000
"""So many values are a task: milliseconds and more, against one for sending it to another process."""
MAX_COLUMNS = 64
"""So many columns of a block are in memory at once."""
MAX_WAITING = 32
"""So many tasks are at work or waiting: each result is as large as the profile of its columns."""

_BUFFER_BYTES = 1 << 20
_DICTIONARY_BYTES = 1 << 16


class UnreadableFileError(MillraceError):
    """A file is no parquet, or not all of it."""

    def __init__(self, path: Path, found: str) -> None:
        self.path, self.found = path, found
        super().__init__(f"{path}: found {found}, needed a parquet file. Bring it back from a copy")


@dataclass(frozen=True)
class _Slice:
    """Some columns of some row groups of a file."""

    path: Path
    groups: tuple[int, ...]
    coded: tuple[str, ...]
    edges: Profile
    types: Mapping[str, ColumnType]
    metadata: pq.FileMetaData | None

    def __getstate__(self) -> dict[str, object]:
        # to read it again costs another process less than to be sent it; a thread has it already
        return {**self.__dict__, "metadata": None}


def profile_parquet(
    paths: Iterable[Path], reference: Profile, types: Mapping[str, ColumnType], executor: Executor
) -> Counted:
    """Profile the rows of files over the edges of `reference`, by tasks that any executor can run.

    Parameters
    ----------
    paths
        The files, each of which every worker of the executor can read.
    types
        The types of the categorical columns, and of the texts.
    executor
        Threads, processes or a cluster: what is sent and what comes back can be pickled.

    Raises
    ------
    UnreadableFileError
        If a file is no parquet.
    """
    edges = reference.emptied
    tally = Tally(edges)
    waiting: set[Future[Tally]] = set()
    for one in _slices(paths, edges, types, tally):
        waiting.add(executor.submit(_count_slice, one))
        if len(waiting) == MAX_WAITING:
            waiting = _take_in(tally, waiting)
    while waiting:
        waiting = _take_in(tally, waiting)
    return tally.counted


def _take_in(tally: Tally, waiting: set[Future[Tally]]) -> set[Future[Tally]]:
    done, left = wait(waiting, return_when=FIRST_COMPLETED)
    for one in done:
        tally.merge(one.result())
    return left


def _slices(
    paths: Iterable[Path], edges: Profile, types: Mapping[str, ColumnType], tally: Tally
) -> Iterator[_Slice]:
    """Yield what is to be counted, and note in the tally how many rows there are and what cannot be."""
    for path in paths:
        with _understood(path), pq.ParquetFile(path, pre_buffer=False) as file:
            metadata, schema = file.metadata, file.schema_arrow
        tally.rows += metadata.num_rows
        readable, found = [], {*schema.names}
        for name in (*tally.numeric, *tally.categorical):
            if name not in found:
                tally.missing[name] += metadata.num_rows
            elif reason := trouble_with(schema, name, tally, types):
                tally.unreadable[name] = reason
            else:
                readable.append(name)
        tally.extra |= found - {*tally.numeric, *tally.categorical}
        coded = _coded(metadata, {*tally.categorical})
        for groups, names in _parts(metadata, readable) if readable else ():
            yield _Slice(path, groups, coded, edges.of(frozenset(names)), types, metadata)


def _parts(metadata: pq.FileMetaData, names: list[str]) -> Iterator[tuple[tuple[int, ...], list[str]]]:
    """Cut a file into parts of about as many values, by row groups and by columns."""
    whole = metadata.num_rows * len(names)
    size = min(max(whole // MAX_WAITING, MIN_VALUES), MAX_VALUES)
    for groups, rows in _runs(metadata, size // len(names)):
        parts = max(ceil(rows * len(names) / size), ceil(len(names) / MAX_COLUMNS))
        width = ceil(len(names) / parts)
        for start in range(0, len(names), width):
            yield groups, names[start : start + width]


def _runs(metadata: pq.FileMetaData, enough_rows: int) -> Iterator[tuple[tuple[int, ...], int]]:
    groups: list[int] = []
    rows = 0
    for group in range(metadata.num_row_groups):
        groups.append(group)
        rows += metadata.row_group(group).num_rows
        if rows >= enough_rows or group + 1 == metadata.num_row_groups:
            if rows:
                yield tuple(groups), rows
            groups, rows = [], 0


def _coded(metadata: pq.FileMetaData, names: set[str]) -> tuple[str, ...]:
    """Name the columns that are read as codes of few texts, seven times as fast as the texts themselves.

    From block to block pyarrow adds to the dictionary: a large one would be carried, and grow, for ever.
    """
    return tuple(
        metadata.schema.column(place).path
        for place in range(metadata.num_columns)
        if metadata.schema.column(place).path in names
        and all(
            _is_coded(metadata.row_group(group).column(place)) for group in range(metadata.num_row_groups)
        )
    )


def _is_coded(chunk: pq.ColumnChunkMetaData) -> bool:
    start = chunk.dictionary_page_offset
    return start is not None and chunk.data_page_offset - start <= _DICTIONARY_BYTES


def _count_slice(one: _Slice) -> Tally:
    tally = Tally(one.edges)
    names = [*tally.numeric, *tally.categorical]
    with (
        _understood(one.path),
        pq.ParquetFile(
            one.path,
            metadata=one.metadata,
            read_dictionary=one.coded,
            pre_buffer=False,
            buffer_size=_BUFFER_BYTES,
        ) as file,
    ):
        blocks = file.iter_batches(BLOCK_ROWS, list(one.groups), names, use_threads=False)
        for block in blocks:
            count_table(pa.Table.from_batches([block]), tally, one.types)
    tally.rows = 0  # they are known, and other tasks have the other columns
    return tally


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(path, str(error)) from error
