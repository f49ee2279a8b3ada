"""How do rows of a database become a parquet file that depends on nothing else?"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID

from millrace.errors import MillraceError

if TYPE_CHECKING:
    import pyarrow as pa

INT64 = range(-(2**63), 2**63)
EXACT = 2**53
"""Up to it a float holds every whole number."""

_FLOATS = frozenset({float, Decimal})
_TIMES = frozenset({date, datetime})
_TEXTS = frozenset({str, UUID})


class UnusableColumnError(MillraceError):
    """A column of the query holds what no column of a batch can."""

    def __init__(self, column: str, found: str) -> None:
        self.column, self.found = column, found
        super().__init__(
            f"column {column!r} of the query holds {found}; needed are numbers, texts, booleans, dates or "
            "times, one kind in a column. Leave it out of the query, or cast it there"
        )


def write_rows(
    chunks: Iterable[Sequence[Sequence[Any]]],
    names: Sequence[str],
    path: Path,
    about: str = "",
) -> int:
    """Write rows as parquet, in bounded memory and in their order; return how many they were.

    Whole decimals become whole numbers, others floats, dates and times without a zone become times in UTC,
    UUIDs text. A column's type
    follows from all its values: the chunks wait on disk until it is known. `about` is written into the
    file: the same rows under another watermark are another batch.

    Raises
    ------
    UnusableColumnError
        For values of another kind, of several kinds in one column, or whole numbers that would lose digits.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[str, pa.DataType] = {name: pa.null() for name in names}
    rows = 0
    with TemporaryDirectory(prefix="rows-", dir=path.parent) as folder:
        waiting: list[Path] = []
        for chunk in chunks:
            table = _to_table(chunk, names)
            types = {name: _wider(name, types[name], table.column(name).type) for name in types}
            waiting.append(Path(folder) / f"{len(waiting)}.arrow")
            with pa.ipc.new_file(waiting[-1], table.schema) as file:
                file.write_table(table)
            rows += table.num_rows
        schema = pa.schema(types.items())
        with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as writer:
            writer.add_key_value_metadata({"millrace.rows": about})
            for each in waiting:
                with pa.ipc.open_file(each) as file:
                    writer.write_table(_cast(file.read_all(), schema).combine_chunks())
                each.unlink()
    return rows


def _to_table(chunk: Sequence[Sequence[Any]], names: Sequence[str]) -> "pa.Table":
    import pyarrow as pa

    columns = zip(*chunk, strict=True)
    return pa.table({name: _to_array(name, column) for name, column in zip(names, columns, strict=True)})


def _to_array(name: str, values: Sequence[Any]) -> "pa.Array[Any]":
    import pyarrow as pa

    kinds = set(map(type, values)) - {type(None)}
    match kinds:
        case _ if not kinds:
            return pa.nulls(len(values))
        case _ if kinds == {bool}:
            return pa.array(values, pa.bool_())
        case _ if kinds <= {int, Decimal} and all(map(_is_whole, values)):
            return _whole_numbers(name, values)
        case _ if kinds <= {int, *_FLOATS}:
            _check_exact(name, (int(value) for value in values if _is_number_of_digits(value)))
            return pa.array(_floats(values), pa.float64())
        case _ if kinds <= _TEXTS:
            return pa.array([None if value is None else str(value) for value in values], pa.string())
        case _ if kinds <= _TIMES:
            return pa.array([_utc(value) for value in values], pa.timestamp("us", "UTC"))
        case _:
            raise UnusableColumnError(name, " and ".join(sorted(kind.__name__ for kind in kinds)))


def _is_whole(value: Any) -> bool:
    return (
        value is None or isinstance(value, int) or (value.is_finite() and value == value.to_integral_value())
    )


def _is_number_of_digits(value: Any) -> bool:
    return isinstance(value, int | Decimal) and _is_whole(value)


def _whole_numbers(name: str, values: Sequence[Any]) -> "pa.Array[Any]":
    import pyarrow as pa

    numbers = [None if value is None else int(value) for value in values]
    if not all(value is None or value in INT64 for value in numbers):
        raise UnusableColumnError(
            name, "whole numbers beyond 64 bits (a key is cast to text, an amount to double precision)"
        )
    return pa.array(numbers, pa.int64())


def _check_exact(name: str, numbers: Iterable[int]) -> None:
    """Refuse whole numbers beside fractions that a float cannot hold: two keys could become one."""
    if any(abs(value) > EXACT for value in numbers):
        raise UnusableColumnError(
            name, "fractions and whole numbers beyond 2**53, of which a float loses digits"
        )


def _cast(table: "pa.Table", schema: "pa.Schema") -> "pa.Table":
    """Bring a chunk to the types of all chunks."""
    import pyarrow as pa

    for field in schema:
        column = table.column(field.name)
        if field.type == pa.float64() and column.type == pa.int64():
            _check_exact(field.name, (value for value in column.to_pylist() if value is not None))
    return table.cast(schema)


def _floats(values: Sequence[Any]) -> list[float | None]:
    return [None if value is None else float(value) for value in values]


def _utc(value: date | datetime | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _wider(name: str, one: "pa.DataType", other: "pa.DataType") -> "pa.DataType":
    """Return the type that holds both."""
    import pyarrow as pa

    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if {one, other} == {pa.int64(), pa.float64()}:
        return pa.float64()
    raise UnusableColumnError(name, f"{one} and {other}")
