"""How do records become columns, and of which types?

A segment holds rows of many models and bundles. Its rows of one model, day and kind become one table, whose
columns are the union of what its records had. Inputs stand under `input.<name>`, as a feature may well be
called `label` or `at`.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any

import pyarrow as pa

from millrace.domain.canonical import value_text
from millrace.domain.prediction import Answered, Labelled, Record, Shadowed

INPUT = "input."

MOMENT = pa.timestamp("us", tz="UTC")

_WAITING_ROWS = 65_536

_ROUNDING = 1e-3

LAST_SECOND = datetime(9999, 12, 31, tzinfo=UTC).timestamp()

_ID = {"request_id": pa.string(), "row": pa.int64(), "at": MOMENT}
_SCORED = {"answer": pa.list_(pa.float64()), "latency_us": pa.int64()}
_BUNDLE = {"digest": pa.string(), "generation": pa.int64()}
_FAILED = {"error": pa.string()}


class Kind(StrEnum):
    """What the rows of a table are."""

    ANSWERS = "answers"
    SHADOWS = "shadows"
    LABELS = "labels"


FIXED: dict[Kind, dict[str, pa.DataType]] = {
    Kind.ANSWERS: {**_ID, **_BUNDLE, "role": pa.string(), **_SCORED, **_FAILED},
    Kind.SHADOWS: {**_ID, **_BUNDLE, **_SCORED, **_FAILED},
    Kind.LABELS: {**_ID, "key_columns": pa.list_(pa.string()), "key": pa.list_(pa.string())},
}
"""The columns each kind always has; the others' types are those of their values."""


@dataclass(frozen=True)
class Place:
    """Where rows belong: the day, in UTC, is the one they were answered, or the label came."""

    model: str
    day: date
    kind: Kind


Row = tuple[Any, ...]
Columns = dict[str, list[Any]]
Schema = dict[str, pa.DataType]


def chunks_of(
    records: Iterable[Record], waiting_rows: int = _WAITING_ROWS
) -> Iterator[tuple[Place, Columns]]:
    """Yield the rows of records by place, whenever `waiting_rows` have come together, and at the end.

    Within a place, rows of the same columns keep their order.
    """
    waiting: dict[tuple[Place, tuple[str, ...]], list[Row]] = {}
    count = 0
    for record in records:
        for place, names, row in _rows_of(record):
            waiting.setdefault((place, names), []).append(row)
            count += 1
        if count >= waiting_rows:
            yield from _transpose(waiting)
            waiting, count = {}, 0
    yield from _transpose(waiting)


def is_over(record: Record, since: datetime) -> bool:
    """Whether no row of a record is from the day of `since` or later: it need not become columns.

    Within a day every record counts, for the types of its columns are those of all of them.
    """
    match record:
        case Answered() | Shadowed():
            return are_over((one.at for one in record.rows), since)
        case Labelled():
            return are_over((record.at,), since)
        case _:
            return True


def are_over(times: Iterable[float], since: datetime) -> bool:
    """Whether all times, in seconds since 1970, are surely before the day, in UTC, of `since`."""
    start = datetime.combine(since.astimezone(UTC).date(), time.min, UTC).timestamp() - _ROUNDING
    return all(max(at, 0.0) < start for at in times)


def _transpose(waiting: dict[tuple[Place, tuple[str, ...]], list[Row]]) -> Iterator[tuple[Place, Columns]]:
    for (place, names), rows in waiting.items():
        yield place, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _rows_of(record: Record) -> Iterator[tuple[Place, tuple[str, ...], Row]]:
    match record:
        case Answered():
            return _answered_rows(record)
        case Shadowed():
            return _shadowed_rows(record)
        case Labelled():
            return _labelled_rows(record)
        case _:
            return iter(())


def _answered_rows(record: Answered) -> Iterator[tuple[Place, tuple[str, ...], Row]]:
    names = (*FIXED[Kind.ANSWERS], *(INPUT + name for name in record.columns))
    bundle, error = (record.digest, record.generation, record.role), record.error
    for one in record.rows:
        at = _moment(one.at)
        row = (one.request_id, one.row, at, *bundle, _numbers(one.answer), one.latency_us, error, *one.inputs)
        yield Place(record.model, at.date(), Kind.ANSWERS), names, row


def _shadowed_rows(record: Shadowed) -> Iterator[tuple[Place, tuple[str, ...], Row]]:
    names, bundle = tuple(FIXED[Kind.SHADOWS]), (record.digest, record.generation)
    for one in record.rows:
        at = _moment(one.at)
        row = (one.request_id, one.row, at, *bundle, _numbers(one.answer), one.latency_us, record.error)
        yield Place(record.model, at.date(), Kind.SHADOWS), names, row


def _labelled_rows(record: Labelled) -> Iterator[tuple[Place, tuple[str, ...], Row]]:
    names, at = (*FIXED[Kind.LABELS], "label"), _moment(record.at)
    for one in record.labels:
        key = (None, None) if one.key is None else (record.columns, texts_of(one.key))
        yield (
            Place(record.model, at.date(), Kind.LABELS),
            names,
            (one.request_id, one.row, at, *key, one.label),
        )


def _moment(seconds: float) -> datetime:
    """Return a time that dates can hold: one absurd clock must not stop all compaction."""
    return datetime.fromtimestamp(min(max(seconds, 0.0), LAST_SECOND) if math.isfinite(seconds) else 0, UTC)


def _numbers(answer: Any) -> tuple[float, ...] | None:
    return (answer,) if isinstance(answer, float) else answer


def texts_of(key: tuple[Any, ...]) -> tuple[str | None, ...]:
    """Return the values of a key as texts that are equal where they are."""
    return tuple(None if value is None else value_text(value) for value in key)


def infer(columns: Columns, kind: Kind) -> Schema:
    """Return the types of columns by their values."""
    fixed = FIXED[kind]
    return {name: fixed.get(name) or type_of(values) for name, values in columns.items()}


def type_of(values: list[Any]) -> pa.DataType:
    """Return the type that holds all values."""
    try:
        found = pa.array(values).type
    except (pa.ArrowException, OverflowError):
        kinds = {type(value) for value in values} - {type(None)}
        return pa.float64() if kinds <= {int, float} else pa.string()
    return pa.float64() if pa.types.is_unsigned_integer(found) else found


def unite(schemas: Iterable[Schema]) -> Schema:
    """Return the columns of all schemas, each with a type that holds the values of all.

    Nothing goes with everything, whole numbers become numbers, and what has nothing else in common text.
    """
    united: Schema = {}
    for schema in schemas:
        for name, type_ in schema.items():
            united[name] = _common(united[name], type_) if name in united else type_
    return united


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    return pa.float64() if {one, other} == {pa.int64(), pa.float64()} else pa.string()


def table_of(columns: Columns, schema: Schema) -> pa.Table:
    """Return a table of `schema`, with nulls in the columns that are not there."""
    rows = len(next(iter(columns.values())))
    arrays = [
        array_of(columns[name], type_) if name in columns else pa.nulls(rows, type_)
        for name, type_ in schema.items()
    ]
    return pa.table(arrays, schema=pa.schema(schema.items()))


def conform(table: pa.Table, schema: Schema) -> pa.Table:
    """Return a table in the columns and types of `schema`, which holds its values."""
    arrays = []
    for name, type_ in schema.items():
        if name not in table.column_names:
            arrays.append(pa.nulls(len(table), type_))
        elif pa.types.is_string(type_) and table[name].type != type_:
            arrays.append(array_of(table[name].to_pylist(), type_))
        else:
            # whole numbers beyond 2**53 are rounded, as in `array_of`: one must not hide a whole window
            arrays.append(table[name].cast(type_, safe=False))
    return pa.table(arrays, schema=pa.schema(schema.items()))


def join_tables(tables: list[pa.Table], kind: Kind) -> pa.Table:
    """Return all rows of tables as one; of none, a table without rows."""
    label = {"label": pa.null()} if kind is Kind.LABELS else {}
    schema = unite(
        [FIXED[kind] | label, *(dict(zip(one.schema.names, one.schema.types, strict=True)) for one in tables)]
    )
    empty = pa.schema(schema.items()).empty_table()
    return pa.concat_tables([empty, *(conform(one, schema) for one in tables)])


def array_of(values: list[Any], type_: pa.DataType) -> pa.Array:
    """Return values as a type that holds them all: see `unite`."""
    if pa.types.is_string(type_):
        values = [None if value is None else value_text(value) for value in values]
    elif pa.types.is_float64(type_):
        values = [None if value is None else float(value) for value in values]
    return pa.array(values, type_)
