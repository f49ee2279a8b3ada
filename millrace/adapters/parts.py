"""How do accepted rows become bytes that depend on nothing else, and are they still the same when read?"""

import errno
import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from millrace.domain.config import ContractSection
from millrace.domain.dataset import Part
from millrace.domain.kinds import ColumnType
from millrace.durable import sync
from millrace.errors import MillraceError, NoSpaceError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROW_GROUP_ROWS = 131_072

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class MissingPartError(MillraceError):
    """A part the dataset lists is not there."""

    def __init__(self, path: Path, part: Part) -> None:
        self.path, self.part = path, part
        super().__init__(
            f"{path}: no such file, wanted {part.bytes:,} bytes of batch {part.batch}. "
            f"Run `millrace data restore {path.parent.name}`"
        )


class CorruptPartError(MillraceError):
    """The bytes of a part are not those the dataset lists."""

    def __init__(self, path: Path, found: str, wanted: str) -> None:
        self.path, self.found, self.wanted = path, found, wanted
        super().__init__(
            f"{path}: found {found}, wanted {wanted}. Run `millrace data restore {path.parent.name}`"
        )


class MissingColumnsError(MillraceError):
    """No part of the dataset has these columns."""

    def __init__(self, folder: Path, missing: list[str], found: list[str]) -> None:
        self.folder, self.missing, self.found = folder, missing, found
        super().__init__(
            f"{folder}: no part has {', '.join(missing)}; they have {', '.join(found)}. "
            "Take the column out of model.toml, or ingest batches that have it"
        )


class PartWriter:
    """Writes one part row group by row group. Its bytes depend on the rows alone, not on their chunks.

    Used as a context it is on disk (synced) at `path` when the block ends, and removed
    when the block raises.
    """

    def __init__(self, staging: Path, contract: ContractSection) -> None:
        import pyarrow.parquet as pq

        staging.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="part-", suffix=".parquet", dir=staging)
        self.path, self.rows = Path(name), 0
        self._schema = _arrow_schema(contract)
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        os.close(descriptor)
        self._writer = pq.ParquetWriter(name, self._schema, compression="zstd", store_schema=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._abandon()
            return
        try:
            self._finish()
        except OSError as failure:
            self._abandon()
            raise self._explained(failure) from failure

    def write(self, frame: "pd.DataFrame") -> None:
        """Take the rows of `frame`, which has the contract's columns."""
        import pyarrow as pa

        table = pa.Table.from_pandas(frame, schema=self._schema, preserve_index=False)
        self._waiting.append(table.replace_schema_metadata(None))
        self._waiting_rows += table.num_rows
        self.rows += table.num_rows
        try:
            self._write_full_groups()
        except OSError as failure:
            raise self._explained(failure) from failure

    def _write_full_groups(self) -> None:
        import pyarrow as pa

        while self._waiting_rows >= ROW_GROUP_ROWS:
            table = pa.concat_tables(self._waiting)
            self._write_group(table.slice(0, ROW_GROUP_ROWS))
            self._waiting = [table.slice(ROW_GROUP_ROWS)]
            self._waiting_rows -= ROW_GROUP_ROWS

    def _write_group(self, rows: "pa.Table") -> None:
        # One chunk per column: where pages end must not depend on how the rows arrived.
        self._writer.write_table(rows.combine_chunks(), row_group_size=ROW_GROUP_ROWS)

    def _finish(self) -> None:
        import pyarrow as pa

        if self._waiting_rows:
            self._write_group(pa.concat_tables(self._waiting))
        self._writer.close()
        sync(self.path)

    def _abandon(self) -> None:
        self.path.unlink(missing_ok=True)
        with suppress(OSError):  # the footer of a file that is gone has no room either
            self._writer.close()

    def _explained(self, failure: OSError) -> Exception:
        if failure.errno not in _NO_SPACE:
            return failure
        return NoSpaceError(str(self.path.parent), sum(table.nbytes for table in self._waiting))


def commit_part(staged: Path, folder: Path) -> tuple[str, int]:
    """Move a written part to the name its content gives it; return its SHA-256 and size."""
    with staged.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = staged.stat().st_size
    folder.mkdir(parents=True, exist_ok=True)
    staged.replace(folder / f"{digest}.parquet")
    sync(folder)
    return digest, size


def read_written(path: Path) -> "pd.DataFrame":
    """Return the rows of a part that is not committed yet, in the dtypes they will have."""
    import pyarrow.parquet as pq

    return _to_frame(pq.read_table(path))


def read_parts(
    folder: Path,
    parts: Sequence[Part],
    columns: Sequence[str] | None = None,
    having: "Mapping[str, pd.Series[Any]] | None" = None,
) -> "pd.DataFrame":
    """Return the rows of all parts in order, out of bytes whose SHA-256 is the one the dataset lists.

    Dtypes are those the contract gives, whatever the split into parts: int64 and bool
    become float64 where any of the rows is null. With `having` rows are those that have one of these values
    in each of its columns; no others are kept.
    """
    import pyarrow as pa

    tables = [_read_part(folder, part, columns, having) for part in parts]
    if not tables:
        return _to_frame(pa.table({name: pa.nulls(0) for name in columns or ()}))
    table = pa.concat_tables(tables, promote_options="permissive")
    missing = [name for name in columns or () if name not in table.column_names]
    if missing:
        raise MissingColumnsError(folder, missing, _column_names(folder, parts))
    return _to_frame(table.select(columns) if columns is not None else table)


def verify_part(folder: Path, part: Part) -> bytes:
    """Return the bytes of a part once they are proved to be those the dataset lists."""
    path = folder / f"{part.sha256}.parquet"
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingPartError(path, part) from error
    if len(content) != part.bytes:
        raise CorruptPartError(path, f"{len(content):,} bytes", f"{part.bytes:,}")
    digest = hashlib.sha256(content).hexdigest()
    if digest != part.sha256:
        raise CorruptPartError(path, f"sha256 {digest}", part.sha256)
    return content


def _read_part(
    folder: Path,
    part: Part,
    columns: Sequence[str] | None,
    having: "Mapping[str, pd.Series[Any]] | None" = None,
) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Parsed out of the very bytes that were hashed: nothing can change in between.
    source = pa.BufferReader(verify_part(folder, part))
    file = pq.ParquetFile(source, pre_buffer=False)
    if not having:
        return file.read(None if columns is None else list(columns))
    schema = file.schema_arrow
    names = [name for name in columns or schema.names if name in schema.names]
    if not {*having} <= {*schema.names}:
        return schema.empty_table().select(names)
    wanted = [(name, "in", pa.array(values).cast(schema.field(name).type)) for name, values in having.items()]
    return pq.read_table(source, columns=names, filters=wanted)


def _column_names(folder: Path, parts: Sequence[Part]) -> list[str]:
    names = {name for part in parts for name in _read_part(folder, part, None).column_names}
    return sorted(names)


def _to_frame(table: "pa.Table") -> "pd.DataFrame":
    import pyarrow as pa

    for position, column in enumerate(table.columns):
        if pa.types.is_boolean(column.type) and column.null_count:
            numbers = column.cast(pa.int8()).cast(pa.float64())
            table = table.set_column(position, table.column_names[position], numbers)
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    return frame


def _arrow_schema(contract: ContractSection) -> "pa.Schema":
    import pyarrow as pa

    plain = {
        ColumnType.FLOAT: pa.float64(),
        ColumnType.INT: pa.int64(),
        ColumnType.STRING: pa.string(),
        ColumnType.BOOL: pa.bool_(),
        ColumnType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    }
    counted = (ColumnType.INT, ColumnType.BOOL)
    return pa.schema(
        (name, pa.float64() if column.max_null_share > 0 and column.type in counted else plain[column.type])
        for name, column in contract.columns.items()
    )
