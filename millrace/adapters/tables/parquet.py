"""What does a parquet file hold?"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.tables.errors import UnreadableTableError
from millrace.adapters.tables.names import checked_names

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNK_CELLS = 8_000_000
"""1,000 columns of 262,144 rows would be 2 GB."""
_MIN_ROWS = 1_024


def read_parquet(path: Path, chunk_rows: int) -> Iterator["pa.RecordBatch"]:
    """Yield the rows in their order and types.

    Raises
    ------
    UnreadableTableError
        If it is no such file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # pre_buffer took 1.6 GB for one pass over a file of 1.4 GB, without it 0.3 GB.
        with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            names = checked_names(path, file.schema_arrow.names)
            schema = pa.schema(
                [field.with_name(name) for field, name in zip(file.schema_arrow, names, strict=True)]
            )
            yield pa.RecordBatch.from_pylist([], schema=schema)
            fitting = max(_MIN_ROWS, min(chunk_rows, _CHUNK_CELLS // max(1, len(names))))
            for batch in file.iter_batches(batch_size=fitting):
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableTableError(path, str(error).strip().rstrip(".").replace("\n", " ")) from error


def refuse_nested(path: Path, schema: "pa.Schema", names: Collection[str] | None = None) -> None:
    """Refuse columns whose values are no single text, number, time or truth, among `names` or at all.

    Raises
    ------
    UnreadableTableError
        With the first such column and its type.
    """
    import pyarrow as pa

    kinds = pa.types
    for field in schema:
        if names is not None and field.name not in names:
            continue
        inner = field.type.value_type if kinds.is_dictionary(field.type) else field.type
        if kinds.is_nested(inner) or _is_binary(inner):
            raise UnreadableTableError(
                path,
                f"column {field.name!r} holds values of type {field.type}",
                "A column is to hold texts, numbers, times or booleans: write its parts as columns",
            )


def _is_binary(type_: "pa.DataType") -> bool:
    from pyarrow import types

    return bool(types.is_binary(type_) or types.is_large_binary(type_) or types.is_fixed_size_binary(type_))
