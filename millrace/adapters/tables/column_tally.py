"""What do the values of one column amount to, chunk by chunk?"""

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from millrace.adapters.tables.nearly import NearlyTally
from millrace.adapters.tables.plain_types import to_plain_type
from millrace.adapters.tables.value_counts import ValueCounts
from millrace.adapters.tables.value_kind import NULL_WORDS, SURE_NULLS, are_months, classify, widen
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType
from millrace.domain.table_scan import ColumnScan

if TYPE_CHECKING:
    import pyarrow as pa

_EXACT_FLOAT = 2.0**53
_TYPES = {
    "bool": ColumnType.BOOL,
    "int64": ColumnType.INT,
    "double": ColumnType.FLOAT,
    "timestamp[us, tz=UTC]": ColumnType.TIMESTAMP,
}


class ColumnTally:
    """Counts one column. `is_typed` says that its file gives types: texts in it are no numbers."""

    def __init__(self, name: str, format_: FormatSection, *, is_typed: bool) -> None:
        self.name, self._format, self._is_typed = name, format_, is_typed
        self._time_format = format_.times.get(name)
        self.type: ColumnType | None = None
        self.words: Counter[str] = Counter()
        self.notes: list[str] = []
        self._rows = self._nulls = self._texts = self._letters = self._infinite = 0
        self._low = self._high = None
        self._last: Any = None
        self._too_large = False
        self._rises = True
        self._values = ValueCounts(self._typed)
        self._nearly = NearlyTally(format_, self._time_format)
        self._are_months = False

    def add(self, values: "pa.Array") -> None:
        """Take the next values of the column in, in the file's order."""
        import pyarrow as pa

        values = self._plain(values)
        self._nulls += values.null_count
        present = values.drop_null()
        found: ColumnType | None = None
        typed: Any = None
        if pa.types.is_string(present.type):
            present = self._set_words_apart(present)
            self._measure_texts(present)
        if len(present):
            found, typed = self._classify(present)
            self._nearly.add(present, found)
            self._note_months(found, present)
            self._widen(found, present)
            self._take_bounds(typed)
            self._values.add(present, typed)
        self._rows += len(values)

    def _plain(self, values: "pa.Array") -> "pa.Array":
        import pyarrow as pa

        plain = to_plain_type(values)
        if pa.types.is_integer(values.type) and pa.types.is_string(plain.type) and not self._too_large:
            self._too_large = True
            self.notes.append(f"{self.name!r} is taken for text: it has whole numbers beyond 64 bits")
        is_date = self._time_format is not None and pa.types.is_integer(plain.type)
        return plain.cast(pa.string()) if is_date else plain

    def _note_months(self, found: ColumnType, present: "pa.Array") -> None:
        import pyarrow as pa

        if found is ColumnType.TIMESTAMP and pa.types.is_string(present.type) and not self._are_months:
            self._are_months = self._time_format is None and are_months(present.slice(0, 1))

    def _classify(self, present: "pa.Array") -> tuple[ColumnType, Any]:
        import pyarrow as pa

        if not pa.types.is_string(present.type):
            return _TYPES[str(present.type)], present
        if self.type is ColumnType.STRING:
            return ColumnType.STRING, None
        found, typed = classify(present, self._format, self._time_format)
        if self._is_typed and found is not ColumnType.TIMESTAMP:
            return ColumnType.STRING, None
        return found, typed

    def _widen(self, found: ColumnType, present: "pa.Array") -> None:
        known, self.type = self.type, widen(self.type, found)
        if known not in (None, ColumnType.STRING) and self.type is ColumnType.STRING:
            self.notes.append(self._why_text(known, present))

    def _why_text(self, known: ColumnType | None, present: "pa.Array") -> str:
        import pyarrow as pa

        odd = next(
            (value for value in pa.compute.unique(present).to_pylist() if self._is_odd(value, known)), None
        )
        return (
            f"{self.name!r} is taken for text: up to row {self._rows:,} its values are of type {known}, "
            f"{str(odd)!r} after it is not"
        )

    def _is_odd(self, value: Any, known: ColumnType | None) -> bool:
        import pyarrow as pa

        if not isinstance(value, str):
            return True
        found = classify(pa.array([value]), self._format, self._time_format)[0]
        return widen(known, found) is ColumnType.STRING

    def _set_words_apart(self, texts: "pa.Array") -> "pa.Array":
        import pyarrow as pa
        import pyarrow.compute as pc

        words = (*NULL_WORDS, *self._format.nulls)
        is_word = pc.is_in(texts, value_set=pa.array(words, texts.type))
        is_word = pc.or_(is_word, pc.utf8_is_space(texts))  # a cell of blanks
        if not pc.any(is_word).as_py():
            return texts
        for counted in pc.value_counts(texts.filter(is_word)).to_pylist():
            self.words[counted["values"]] += counted["counts"]
        return texts.filter(pc.invert(is_word))

    def _measure_texts(self, texts: "pa.Array") -> None:
        import pyarrow.compute as pc

        self._texts += len(texts)
        self._letters += pc.sum(pc.utf8_length(texts)).as_py() or 0

    def _take_bounds(self, typed: "pa.Array | None") -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if typed is None or pa.types.is_boolean(typed.type):
            self._rises = False
            return
        if pa.types.is_floating(typed.type):
            finite = pc.is_finite(typed)
            self._infinite += len(typed) - pc.sum(finite).as_py()
            typed = typed.filter(finite)
        if not len(typed):
            return
        bounds = pc.min_max(typed)
        low, high = bounds["min"].as_py(), bounds["max"].as_py()
        if isinstance(low, datetime) is not isinstance(self._low or low, datetime):
            return
        self._low = low if self._low is None else min(self._low, low)
        self._high = high if self._high is None else max(self._high, high)
        self._rises = self._rises and self._goes_on(typed)

    def _goes_on(self, typed: "pa.Array") -> bool:
        numbers = (
            typed.cast("int64").to_numpy() if str(typed.type).startswith("timestamp") else typed.to_numpy()
        )
        goes_on = (self._last is None or numbers[0] >= self._last) and bool(
            (numbers[1:] >= numbers[:-1]).all()
        )
        self._last = numbers[-1]
        return goes_on

    def _typed(self, values: "pa.Array") -> "pa.Array":
        """Return texts in the column's type."""
        import pyarrow as pa

        if not pa.types.is_string(values.type) or self.type is ColumnType.STRING or not len(values):
            return values
        _, typed = classify(values, self._format, self._time_format)
        if typed is not None and self.type is ColumnType.FLOAT:
            typed = typed.cast(pa.float64())
        return values if typed is None else typed

    def null_words(self) -> set[str]:
        """Return the words in it that mean that nothing is there."""
        if self.type in (None, ColumnType.STRING):
            return {word for word in self.words if word in SURE_NULLS}
        return set(self.words)

    def finish(self, nulls: frozenset[str]) -> ColumnScan:
        """Return what the column is, when the words in `nulls` mean nothing in this file."""
        type_ = self.type or ColumnType.STRING
        if type_ is ColumnType.STRING:
            nulls = nulls.intersection(SURE_NULLS)
        absent = sum(count for word, count in self.words.items() if word in nulls)
        kept = Counter({word: count for word, count in self.words.items() if word not in nulls})
        common, distinct = self._values.tell(kept)
        letters = self._letters + sum(len(word) * count for word, count in kept.items())
        texts = self._texts + kept.total()
        is_time = type_ is ColumnType.TIMESTAMP
        is_number = type_ in (ColumnType.INT, ColumnType.FLOAT)
        return ColumnScan(
            name=self.name,
            type=type_,
            nulls=self._nulls + absent,
            distinct=distinct,
            low=float(self._low) if is_number and self._low is not None else None,
            high=float(self._high) if is_number and self._high is not None else None,
            first=_utc(self._low) if is_time else None,
            last=_utc(self._high) if is_time else None,
            common=common,
            mean_length=letters / texts if type_ is ColumnType.STRING and texts else None,
            rises=self._rises and (is_time or is_number) and self._last is not None,
            nearly=self._nearly.type() if type_ is ColumnType.STRING else None,
        )

    def list_notes(self) -> list[str]:
        """Say what is odd about its values."""
        is_nearly = self.type is ColumnType.STRING and self._nearly.type() is not None
        notes = [self._nearly.tell(self.name)] if is_nearly else list(self.notes)
        if self._are_months and self.type is ColumnType.TIMESTAMP:
            notes.append(
                f"{self.name!r} has months such as 2020-01, each is taken for its first day: "
                'the type "string" keeps them as codes'
            )
        if self._infinite:
            notes.append(f"{self.name!r} has {self._infinite:,} infinite values: no contract lets them in")
        large = max(abs(self._low or 0), abs(self._high or 0)) if self.type is ColumnType.FLOAT else 0
        if large >= _EXACT_FLOAT:
            notes.append(f"{self.name!r} has numbers beyond 2**53, whose last digits a float does not keep")
        return notes


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment is not None else None
