"""What became true of rows that were answered: how does it get into the prediction log?"""

import dataclasses
import math
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import msgspec

from millrace.adapters import clock
from millrace.domain.kinds import Task
from millrace.domain.pointer import Durability
from millrace.domain.prediction import Label, Labelled
from millrace.serving.http import REQUEST_ID, Head, Receive, RefusedError, ensure_json, read_body
from millrace.serving.predict import until_logged
from millrace.serving.requests import (
    MAX_PROBLEMS,
    InvalidRowsError,
    MalformedRequestError,
    Problem,
    RequestSchema,
    cut,
    malformed,
    refuse_repeated_fields,
    shown,
)

if TYPE_CHECKING:
    from millrace.serving.served import Served
    from millrace.serving.service import Service

_FIELDS = ("label", "request_id", "row", "key")
_BY_REQUEST = "the x-request-id of an answer: 1 to 128 letters, digits and any of . _ : -"

MAX_KEY_SETS = 16
"""Sets of columns that the keys of one request may have: each is a schema to compile."""
MAX_SCHEMAS = 64

_schemas: "WeakKeyDictionary[Served, dict[tuple[str, ...], RequestSchema]]" = WeakKeyDictionary()

Grouped = dict[tuple[str, ...], list[Label]]
"""Labels by the columns of their keys; those that name a request have none."""


async def take_labels(service: "Service", served: "Served", head: Head, receive: Receive) -> int:
    """Log one label or many, and return how many.

    Raises
    ------
    RefusedError
        With every reason why none was taken.
    """
    ensure_json(head)
    body = await read_body(receive, head, service.receiving)
    with service.turns:
        grouped = _read(served, _decode(body, service.limits.max_rows), service.limits.max_rows)
        now, waits = clock.timestamp(), []
        for columns, labels in grouped.items():
            privacy = served.make_privacy(columns)
            private = [
                label if label.key is None else msgspec.structs.replace(label, key=privacy.apply(label.key))
                for label in labels
            ]
            record = Labelled(served.model, now, privacy.columns, private)
            if served.pointer.settings.durability is Durability.DURABLE:
                waits.append(service.journal.write_durable(record))
            else:
                service.journal.write(record)
        await until_logged(waits)
    count = sum(map(len, grouped.values()))
    service.metrics.labels.labels(served.model).inc(count)
    return count


def key_names(served: "Served") -> tuple[str, ...]:
    """Name the columns a label's key may have: what a request carries and the log keeps."""
    left_out = served.pointer.settings.left_out
    return tuple(name for name in served.schema.names if name not in left_out)


def _decode(body: bytes, max_labels: int) -> list[Any]:
    try:
        parsed = msgspec.json.decode(body)
        refuse_repeated_fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused_body(malformed(error, "a label, or an array of labels")) from error
    except MalformedRequestError as error:
        raise _refused_body(error) from error
    labels = parsed if isinstance(parsed, list) else [parsed]
    if not labels:
        raise _refused_body(MalformedRequestError("found an empty array, needed at least one label"))
    if len(labels) > max_labels:
        raise RefusedError(
            413,
            "too_many_rows",
            f"found {len(labels):,} labels, allowed are {max_labels:,} in one request",
        )
    return labels


def _read(served: "Served", given: list[Any], max_rows: int) -> Grouped:
    reader, grouped, problems = _LabelReader(served, max_rows), Grouped(), list[Problem]()
    for at, one in enumerate(given):
        found = reader.read(at, one)
        if isinstance(found, list):
            problems += found
            if len(problems) >= MAX_PROBLEMS:
                break
        else:
            columns, label = found
            grouped.setdefault(columns, []).append(label)
    if problems:
        first, more = problems[0], len(problems) - 1
        raise RefusedError(
            422,
            "invalid_labels",
            f"label {first.row}{'' if first.field is None else f', field {first.field!r}'}: "
            f"found {first.found}, allowed is {first.allowed}. No label was taken"
            + (f"; {more} more problems" if more else ""),
            problems[:MAX_PROBLEMS],
        )
    return grouped


class _LabelReader:
    """Reads labels for what answers now."""

    def __init__(self, served: "Served", max_rows: int) -> None:
        schema = served.champion.schema
        self._is_number, self._classes = schema.task is Task.REGRESSION, served.classes
        self._max_rows = max_rows
        self._names = key_names(served)
        self._unlogged = [column.name for column in schema.key if column.name not in self._names]
        self._needed = [column.name for column in schema.key]
        self._columns = {column.name: column for column in served.schema.columns}
        self._schemas = _schemas.setdefault(served, {})
        self._sets = set[tuple[str, ...]]()

    def read(self, at: int, given: Any) -> list[Problem] | tuple[tuple[str, ...], Label]:
        """Return the columns of its key and the label, or what is wrong with it."""
        if not isinstance(given, dict):
            return [Problem(at, None, shown(given), "an object with 'label' and 'request_id' or 'key'")]
        if problems := list(islice(self._misshapen(at, given), MAX_PROBLEMS)):
            return problems
        columns = self._key_columns(given)
        key = None
        if columns:
            self._sets.add(columns)
            if len(self._sets) > MAX_KEY_SETS:
                found = "keys of more sets of columns than one request may have"
                return [Problem(at, "key", found, f"at most {MAX_KEY_SETS} sets of columns in one request")]
            try:
                (key,) = self._schema(columns).check([given["key"]])
            except InvalidRowsError as error:
                return [dataclasses.replace(problem, row=at) for problem in error.problems]
        text = self._label(given["label"])
        assert text is not None  # noqa: S101 - `_misshapen` has found it to be one
        return columns, Label(text, given.get("request_id"), int(given.get("row", 0)), key)

    def _misshapen(self, at: int, given: dict[str, Any]) -> Iterator[Problem]:
        for name in given.keys() - set(_FIELDS):
            yield Problem(at, cut(name), "an unknown field", f"one of {', '.join(_FIELDS)}")
        if "label" not in given:
            yield Problem(at, "label", "nothing", self._allowed)
        elif self._label(given["label"]) is None:
            yield Problem(at, "label", shown(given["label"]), self._allowed)
        if ("request_id" in given) == ("key" in given):
            found = "both request_id and key" if "key" in given else "neither request_id nor key"
            yield Problem(at, "request_id", found, "one of the two")
        elif "request_id" in given:
            yield from self._wrong_request(at, given)
        else:
            yield from self._wrong_key(at, given)

    def _wrong_request(self, at: int, given: dict[str, Any]) -> Iterator[Problem]:
        request_id, row = given["request_id"], given.get("row", 0)
        if not isinstance(request_id, str) or not REQUEST_ID.fullmatch(request_id.encode()):
            yield Problem(at, "request_id", shown(request_id), _BY_REQUEST)
        # JSON has one kind of number: 3.0 is what some clients write for 3
        if type(row) not in {int, float} or row % 1 or not 0 <= row < self._max_rows:
            yield Problem(at, "row", shown(row), f"a whole number from 0 to {self._max_rows - 1}")

    def _wrong_key(self, at: int, given: dict[str, Any]) -> Iterator[Problem]:
        if self._unlogged:
            unlogged = ", ".join(self._unlogged)
            yield Problem(
                at, "key", "a key", f"'request_id': {unlogged} is not logged, so no key names a row"
            )
            return
        if "row" in given:
            yield Problem(at, "row", shown(given["row"]), "no row where a key names it")
        key = given["key"]
        if not isinstance(key, dict) or not key:
            allowed = f"an object with columns of {', '.join(self._names)}"
            yield Problem(at, "key", shown(key), allowed)
            return
        for name in key:
            if name not in self._names:
                found = "a column that the log leaves out" if name in self._columns else "an unknown column"
                yield Problem(at, cut(name), found, f"one of {', '.join(self._names)}")
        for name in self._needed:
            if name not in key:
                yield Problem(at, name, "nothing", "a value for each key column of the model")

    def _key_columns(self, given: dict[str, Any]) -> tuple[str, ...]:
        return tuple(name for name in self._names if name in given.get("key", ()))

    def _schema(self, columns: tuple[str, ...]) -> RequestSchema:
        if columns not in self._schemas:
            if len(self._schemas) >= MAX_SCHEMAS:
                self._schemas.clear()
            # null names no row
            typed = [dataclasses.replace(self._columns[name], nullable=False) for name in columns]
            self._schemas[columns] = RequestSchema(typed)
        return self._schemas[columns]

    @property
    def _allowed(self) -> str:
        return "a finite number" if self._is_number else f"one of {', '.join(self._classes)}"

    def _label(self, value: object) -> str | float | None:
        if not self._is_number:
            return next((text for text in class_texts(value) if text in self._classes), None)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return float(value) if abs(value) <= _LARGEST and math.isfinite(value) else None


_LARGEST = 1.7976931348623157e308


def class_texts(value: object) -> Iterator[str]:
    """Yield how a class may be written; see `domain.features.text_values`."""
    match value:
        case str():
            yield value
        case bool():
            yield str(value).lower()
            yield str(int(value))
        case int():
            yield str(value)
            if abs(value) <= _LARGEST:
                yield repr(float(value))
        case float():
            yield repr(value)
            if value.is_integer():
                yield str(int(value))


def _refused_body(error: MalformedRequestError) -> RefusedError:
    return RefusedError(400, "malformed", str(error))
