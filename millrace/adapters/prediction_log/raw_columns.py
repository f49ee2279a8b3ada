"""Which few columns of a segment's records are wanted? The rest is passed over undecoded."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import IO, Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millrace.adapters.prediction_log.segment import Damage, decode_frames, heads_of_model
from millrace.adapters.prediction_log.tables import (
    INPUT,
    LAST_SECOND,
    MOMENT,
    Kind,
    are_over,
    array_of,
    texts_of,
    type_of,
)
from millrace.domain.prediction import Answer, Label, ShadowedRow


class _Answered(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="answered"):
    model: msgspec.Raw
    digest: str
    generation: int
    role: msgspec.Raw
    columns: tuple[str, ...]
    rows: msgspec.Raw
    error: str | None = None


class _Shadowed(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="shadowed"):
    model: msgspec.Raw
    digest: str
    generation: int
    rows: msgspec.Raw
    error: str | None = None


class _Labelled(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="labelled"):
    model: msgspec.Raw
    at: float
    columns: tuple[str, ...]
    labels: list[Label]


_head = msgspec.msgpack.Decoder(_Answered | _Shadowed | _Labelled)
_shadowed_rows = msgspec.msgpack.Decoder(list[ShadowedRow])
_NAME = (("request_id", str), ("row", int), ("at", float))

Places = tuple[tuple[str, int], ...]
"""Which inputs are wanted, and where a row has them."""


@dataclass
class _Gathered:
    """Rows of records that have the same columns, and of each record what it says of all its rows."""

    places: Places = ()
    rows: list[Any] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    heads: list[Any] = field(default_factory=list)

    def add(self, head: Any, rows: list[Any]) -> None:
        self.rows += rows
        self.counts.append(len(rows))
        self.heads.append(head)

    def of_heads(self, name: str, type_: pa.DataType) -> pa.Array:
        """Return what the records say as a column of rows."""
        said = pa.array([getattr(head, name) for head in self.heads], type_)
        return said.take(pa.array(np.repeat(np.arange(len(self.heads)), self.counts)))


def read_raw(
    file: IO[bytes], name: str, model: str, inputs: tuple[str, ...], since: datetime
) -> Iterator[tuple[Kind, pa.Table] | Damage]:
    """Yield the rows of a segment by kind, and its damages, as `read_records` does.

    Records whose rows are all from before the day of `since` are left out. The columns are those of
    `thin_schema`, in whatever types the values have.
    """
    gathered: dict[tuple[Kind, Places], _Gathered] = {}

    def decode(payload: bytes) -> None:
        _gather(gathered, _head.decode(payload), inputs, since)

    for found in decode_frames(file, name, heads_of_model(model), decode):
        if found is not None:
            yield found
    for (kind, _), rows in gathered.items():
        yield kind, _labels(rows) if kind is Kind.LABELS else _scored(rows, kind)


def _gather(
    gathered: dict[tuple[Kind, Places], _Gathered],
    record: _Answered | _Shadowed | _Labelled,
    inputs: tuple[str, ...],
    since: datetime,
) -> None:
    places: Places = ()
    match record:
        case _Answered():
            places = tuple((name, record.columns.index(name)) for name in inputs if name in record.columns)
            kind, rows = Kind.ANSWERS, _decoder_of(places)(record.rows)
        case _Shadowed():
            kind, rows = Kind.SHADOWS, _shadowed_rows.decode(record.rows)
        case _Labelled():
            kind, rows = Kind.LABELS, record.labels
    times = [record.at] if isinstance(record, _Labelled) else [row.at for row in rows]
    if not are_over(times, since):
        gathered.setdefault((kind, places), _Gathered(places)).add(record, rows)


@lru_cache
def _decoder_of(places: Places) -> Callable[[bytes], list[Any]]:
    """Return what decodes rows with the inputs at these places: what follows the last of them is skipped."""
    wanted = {place for _, place in places}
    fields = [(f"f{at}", Any if at in wanted else msgspec.Raw) for at in range(max(wanted, default=-1) + 1)]
    inputs = msgspec.defstruct("_Inputs", fields, array_like=True, frozen=True, gc=False)
    row = msgspec.defstruct(
        "_AnsweredRow",
        [*_NAME, ("inputs", inputs), ("answer", Answer | None), ("latency_us", int)],
        array_like=True,
        frozen=True,
        gc=False,
    )
    return msgspec.msgpack.Decoder(list[row]).decode  # type: ignore[valid-type]


def _scored(found: _Gathered, kind: Kind) -> pa.Table:
    columns = {
        **_named(found.rows),
        "at": _moments(np.array([row.at for row in found.rows])),
        "digest": found.of_heads("digest", pa.string()),
        "generation": found.of_heads("generation", pa.int64()),
        "answer": _answers([row.answer for row in found.rows]),
        "error": found.of_heads("error", pa.string()),
    }
    if kind is Kind.ANSWERS:
        columns["latency_us"] = pa.array([row.latency_us for row in found.rows], pa.int64())
        for name, place in found.places:
            field_ = f"f{place}"
            columns[INPUT + name] = _values([getattr(row.inputs, field_) for row in found.rows])
    return pa.table(columns)


def _labels(found: _Gathered) -> pa.Table:
    columns = {
        **_named(found.rows),
        "at": _moments(np.repeat([head.at for head in found.heads], found.counts)),
        "label": _values([row.label for row in found.rows]),
    }
    if any(head.columns for head in found.heads):
        columns["key_columns"] = found.of_heads("columns", pa.list_(pa.string()))
        keys = [None if row.key is None else texts_of(row.key) for row in found.rows]
        columns["key"] = pa.array(keys, pa.list_(pa.string()))
    return pa.table(columns)


def _named(rows: list[Any]) -> dict[str, pa.Array]:
    return {
        "request_id": pa.array([row.request_id for row in rows], pa.string()),
        "row": pa.array([row.row for row in rows], pa.int64()),
    }


def _answers(answers: list[Answer | None]) -> pa.Array:
    try:
        numbers = pa.array(answers, pa.float64())
    except pa.ArrowException:
        lists = [(one,) if isinstance(one, float) else one for one in answers]
        return pa.array(lists, pa.list_(pa.float64()))
    return pa.ListArray.from_arrays(np.arange(len(numbers) + 1, dtype=np.int32), numbers)


def _values(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):  # of several types
        return array_of(values, type_of(values))


def _moments(seconds: npt.NDArray[np.float64]) -> pa.Array:
    """Return times as compaction writes them, to the microsecond."""
    known = np.where(np.isfinite(seconds), np.clip(seconds, 0.0, LAST_SECOND), 0.0)
    rest, whole = np.modf(known)
    micros = whole.astype(np.int64) * 1_000_000 + np.rint(rest * 1e6).astype(np.int64)
    return pa.array(micros).cast(MOMENT)
