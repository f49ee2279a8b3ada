"""What may a request hold? The bundle's schema as a type that msgspec decodes and checks in one pass."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec

from millrace.domain.bundle import InputColumn
from millrace.domain.kinds import ColumnType
from millrace.errors import MillraceError
from millrace.serving.fields import describe_column, field_type, utc_text

Row = tuple[Any, ...]

SHOWN_CHARACTERS = 80
MAX_PROBLEMS = 20
"""Enough to mend a request by; a bad batch of a million rows does not get a million answers."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request. `row` counts from 0."""

    row: int | None
    field: str | None
    found: str
    allowed: str

    @property
    def place(self) -> str:
        row = None if self.row is None else f"row {self.row}"
        field = None if self.field is None else f"field {self.field!r}"
        return ", ".join(part for part in (row, field) if part) or "the request"


class MalformedRequestError(MillraceError):
    """A body that is not JSON of the form a request has."""


class InvalidRowsError(MillraceError):
    """Rows that the model cannot answer, each problem named."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(
            f"{first.place}: found {first.found}, allowed is {first.allowed}. No row was answered"
            + (f"; {len(self.problems) - 1} more problems" if len(self.problems) > 1 else "")
        )


class RequestSchema:
    """The columns a request may carry, compiled. A row is a tuple in the order of `columns`."""

    def __init__(self, inputs: Iterable[InputColumn], optional: Iterable[InputColumn] = ()) -> None:
        self.required = tuple(inputs)
        self.columns = (*self.required, *optional)
        self.names = tuple(column.name for column in self.columns)
        self._types = {column.name: field_type(column) for column in self.columns}
        types = [(f"f{at}", type_) for at, type_ in enumerate(self._types.values())]
        fields = types[: len(self.required)]
        rest = [(name, type_ | msgspec.UnsetType, msgspec.UNSET) for name, type_ in types[len(fields) :]]
        self.row_type = msgspec.defstruct(
            "Row",
            [*fields, *rest],
            rename={f"f{at}": name for at, name in enumerate(self.names)},
            forbid_unknown_fields=True,
            gc=False,
        )
        self._one = msgspec.json.Decoder(self.row_type)
        self._many = msgspec.json.Decoder(list[self.row_type])  # type: ignore[name-defined]
        self._texts = [at for at, column in enumerate(self.columns) if column.type is ColumnType.STRING]
        self._wholes = [at for at, column in enumerate(self.columns) if column.type is ColumnType.INT]
        self._is_finishing = len(self.columns) > len(self.required) or bool(self._wholes)
        self._times = [at for at, column in enumerate(self.columns) if column.type is ColumnType.TIMESTAMP]

    def decode(self, body: bytes) -> list[Row]:
        """Decode one row (an object) or many (an array of objects).

        Raises
        ------
        MalformedRequestError
            If it is not JSON, or neither of the two, or names a field twice.
        InvalidRowsError
            If a value is not what its column allows.
        """
        try:
            parsed = self._many.decode(body) if is_array(body) else [self._one.decode(body)]
        except msgspec.ValidationError as error:
            raise self._explain(body) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(error) from error
        if not parsed:
            raise MalformedRequestError(
                "found an empty array, needed at least one row. Send an object for each row"
            )
        rows = [msgspec.structs.astuple(row) for row in parsed]
        if not self._is_each_field_once(body, rows):
            refuse_repeated_fields(body)
        if not self._is_finishing:
            return rows
        try:
            return [self._finished(row) for row in rows]
        except OverflowError as error:
            raise self._explain(body) from error

    def check(self, rows: Sequence[Any]) -> list[Row]:
        """Check rows that another protocol has decoded; see `decode`."""
        try:
            return [
                self._finished(msgspec.structs.astuple(msgspec.convert(row, self.row_type))) for row in rows
            ]
        except (msgspec.ValidationError, OverflowError) as error:
            raise self._find_problems(rows) from error

    def _is_each_field_once(self, body: bytes, rows: list[Row]) -> bool:
        """Whether that is sure by the colons: each field has one, and a text may have more of them."""
        colons = body.count(b":")
        if len(self.columns) == len(self.required) and colons == len(rows) * len(self.columns):
            return True
        fields = sum(value is not msgspec.UNSET for row in rows for value in row)
        texts: int = sum(row[at].count(":") for row in rows for at in self._texts if type(row[at]) is str)
        # a colon that is written as \u003a is in the text and not in the body
        return colons == fields + texts and b"\\u003" not in body

    def _finished(self, row: Row) -> Row:
        values: list[Any] = [None if value is msgspec.UNSET else value for value in row]
        for at in self._wholes:
            if type(values[at]) is float:
                values[at] = int(values[at])  # 3.0 is how many clients write 3, and must not be another key
        for at in self._times:
            if values[at] is not None:
                values[at] = utc_text(values[at])
        return tuple(values)

    def _explain(self, body: bytes) -> MillraceError:
        """Find out what msgspec's first complaint leaves out: every problem, and what came."""
        try:
            parsed = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return malformed(error)
        try:
            self.check(parsed if isinstance(parsed, list) else [parsed])
        except InvalidRowsError as error:
            return error
        raise AssertionError("msgspec refused what each of its fields allows")

    def _find_problems(self, rows: Sequence[Any]) -> InvalidRowsError:
        found = (problem for at, row in enumerate(rows) for problem in self._problems(at, row))
        return InvalidRowsError(list(islice(found, MAX_PROBLEMS)))

    def _problems(self, at: int, row: object) -> Iterator[Problem]:
        if not isinstance(row, dict):
            yield Problem(at, None, shown(row), "an object with a value for each field")
            return
        for column in self.required:
            if column.name not in row:
                yield Problem(at, column.name, "nothing", describe_column(column))
        by_name = {column.name: column for column in self.columns}
        for name, value in row.items():
            if name not in by_name:
                yield Problem(at, cut(str(name)), "an unknown field", f"one of {', '.join(self.names)}")
            elif not self._fits(name, value):
                yield Problem(at, name, shown(value), describe_column(by_name[name]))

    def _fits(self, name: str, value: object) -> bool:
        try:
            read = msgspec.convert(value, self._types[name])
            if isinstance(read, datetime):
                utc_text(read)
        except (msgspec.ValidationError, OverflowError):
            return False
        return True


def is_array(body: bytes) -> bool:
    """Whether a body asks for many rows."""
    first = body[:1]
    return first == b"[" or (first != b"{" and body.lstrip()[:1] == b"[")


def refuse_repeated_fields(body: bytes) -> None:
    """Refuse a field that comes twice, of which msgspec would silently keep the last."""

    def refuse(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            repeated = min(name for name, times in Counter(names).items() if times > 1)
            raise MalformedRequestError(f"found the field {cut(repeated)!r} twice in one row, needed it once")

    # numbers stay text: Python refuses to read one of 5,000 digits
    json.loads(body, object_pairs_hook=refuse, parse_int=str, parse_float=str)


def malformed(error: Exception, needed: str = "one object, or an array of objects") -> MalformedRequestError:
    """Say why a body cannot be read."""
    found = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
    return MalformedRequestError(f"the body is not JSON that can be read ({found}); needed is {needed}")


def shown(value: object) -> str:
    """Write what came as JSON, cut to what a person reads."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        return "something too deep or too long to show"
    return cut(text)


def cut(text: str) -> str:
    """Cut a text of the client's to what a person reads."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
