"""Of which one type are the values of a column that came in several pieces?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_EXACT = 2**53


def join_batches(batches: "Sequence[pa.RecordBatch]", *, is_typed: bool) -> "pa.Table":
    """Return the rows of all; where the file has no types, a column that is null in one has none in it."""
    import pyarrow as pa

    tables = [pa.Table.from_batches([batch if is_typed else _untyped(batch)]) for batch in batches]
    schema = shared_schema(tables)
    return pa.concat_tables([table.cast(schema) for table in tables])


def shared_schema(tables: "Sequence[pa.Table]") -> "pa.Schema":
    """Return the types that hold what stands in all tables, whose columns have the same names.

    Nulls fit every type, whole numbers are floats where that loses none, all else are texts.
    """
    import pyarrow as pa

    first = tables[0].schema
    if all(table.schema == first for table in tables):
        return first
    return pa.schema([(name, _shared_type([table.column(name) for table in tables])) for name in first.names])


def _shared_type(columns: "list[pa.ChunkedArray[Any]]") -> "pa.DataType":
    import pyarrow as pa

    found = {column.type: column for column in columns if not pa.types.is_null(column.type)}
    if len(found) <= 1:
        return next(iter(found), pa.null())
    if set(found) == {pa.int64(), pa.float64()} and all(map(_is_exact, columns)):
        return pa.float64()
    return pa.string()


def _is_exact(column: "pa.ChunkedArray[Any]") -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_integer(column.type):
        return True
    limits = pc.min_max(column).as_py()
    return all(limit is None or abs(limit) <= _EXACT for limit in limits.values())


def _untyped(batch: "pa.RecordBatch") -> "pa.RecordBatch":
    import pyarrow as pa

    columns = [pa.nulls(len(one)) if one.null_count == len(one) else one for one in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
