"""What is in the accepted parts of a dataset, taken together?"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.tables.scan import scan_batches
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType
from millrace.domain.table_scan import TableScan

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 131_072


def scan_parts(paths: Iterable[Path], types: Mapping[str, ColumnType], sample_rows: int) -> TableScan | None:
    """Read parts that have the same columns to their end once, in bounded memory; None without rows.

    Parameters
    ----------
    types
        What the contract calls the columns: a part keeps whole numbers and truth values that may be null
        as floats.
    """
    return scan_batches(_batches(paths, types), FormatSection(), sample_rows, is_typed=True)


def part_columns(path: Path) -> tuple[str, ...]:
    """Name the columns of a part."""
    import pyarrow.parquet as pq

    return tuple(pq.read_schema(path).names)


def count_nulls(path: Path) -> dict[str, int]:
    """Return how many rows of a part have no value, by column."""
    import pyarrow.parquet as pq

    meta = pq.read_metadata(path)
    counts: dict[str, int] = {}
    for group in range(meta.num_row_groups):
        for place in range(meta.num_columns):
            column = meta.row_group(group).column(place)
            counts[column.path_in_schema] = (
                counts.get(column.path_in_schema, 0) + column.statistics.null_count
            )
    return counts


def _batches(paths: Iterable[Path], types: Mapping[str, ColumnType]) -> Iterator["pa.RecordBatch"]:
    import pyarrow.parquet as pq

    order: list[str] | None = None
    for path in paths:
        with pq.ParquetFile(path) as file:
            order = order or file.schema_arrow.names
            for batch in file.iter_batches(_BATCH_ROWS, columns=order):
                yield _retyped(batch.select(order), types)


def _retyped(batch: "pa.RecordBatch", types: Mapping[str, ColumnType]) -> "pa.RecordBatch":
    import pyarrow as pa

    wanted = {ColumnType.INT: pa.int64(), ColumnType.BOOL: pa.bool_()}
    columns = []
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        plain = wanted.get(types[name]) if name in types else None
        is_kept_as_float = plain is not None and pa.types.is_floating(values.type)
        columns.append(_cast(values, plain) if is_kept_as_float else values)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _cast(floats: "pa.Array", plain: "pa.DataType") -> "pa.Array":
    """Return the values as what they were; a part of another contract may hold what they cannot be."""
    import pyarrow as pa

    try:
        return floats.cast(plain)
    except pa.ArrowInvalid:
        return floats
