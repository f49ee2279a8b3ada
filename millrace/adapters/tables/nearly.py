"""Which type do nearly all values of a column have, when some odd ones make it text?"""

from typing import TYPE_CHECKING

from millrace.adapters.tables.numbers import LEADING_ZERO, match_numbers
from millrace.adapters.tables.times import parse_times
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

NEARLY_SHARE = 0.9
_PROBES = 1_000
_MIN_SHARE = 0.5
_MAX_ODD = 20
_SHOWN = 5
_ISO_DAY = r"^\s*[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}"
_DIGITS = r"^\s*[+-]?[0-9]+\s*$"
_NUMBERS = (ColumnType.INT, ColumnType.FLOAT)


class NearlyTally:
    """Counts which values of a column would be numbers or times, until it is plain that most are none."""

    def __init__(self, format_: FormatSection, time_format: str | None) -> None:
        self._format, self._time_format = format_, time_format
        self._values = self._numbers = self._times = 0
        self._has_fraction = self._is_over = False
        self._odd: dict[str, None] = {}

    def add(self, present: "pa.Array", found: ColumnType) -> None:
        """Take values in, none of them null, which are of type `found` in their chunk."""
        import pyarrow as pa

        if self._is_over:
            return
        self._values += len(present)
        if found in _NUMBERS:
            self._numbers += len(present)
            self._has_fraction |= found is ColumnType.FLOAT
        elif found is ColumnType.TIMESTAMP:
            self._times += len(present)
        elif pa.types.is_string(present.type):
            self._look_at(present)
        else:
            self._is_over = True

    def type(self) -> ColumnType | None:
        """Return the narrower type that nearly all values have, None where there is none."""
        if self._is_over or not self._odd:
            return None
        if self._times >= NEARLY_SHARE * self._values:
            return ColumnType.TIMESTAMP
        if self._numbers < NEARLY_SHARE * self._values:
            return None
        return ColumnType.FLOAT if self._has_fraction else ColumnType.INT

    def tell(self, name: str) -> str:
        """Say what makes the column text, and how to say that it means nothing."""
        type_ = self.type()
        is_time = type_ is ColumnType.TIMESTAMP
        odd = list(self._odd)[:_SHOWN]
        shown = ", ".join(repr(text) for text in odd) + (" and others" if len(self._odd) > _SHOWN else "")
        listed = ", ".join(f'"{text}"' for text in odd)
        count = self._times if is_time else self._numbers
        form = f', `{name} = "{self._time_format}"` in [data.format.times]' if self._time_format else ""
        return (
            f"{name!r} is taken for text: {count:,} of its {self._values:,} values are "
            f"{'times' if is_time else 'numbers'}, {shown} {'is' if len(self._odd) == 1 else 'are'} not: "
            f'`nulls = [{listed}]` in [data.format]{form} and the type "{type_}" read that as nothing'
        )

    def _look_at(self, texts: "pa.Array") -> None:
        import pyarrow.compute as pc

        if self._values == len(texts) and not self._is_worth_it(texts.slice(0, _PROBES)):
            self._is_over = True
            return
        numbers, times = match_numbers(texts, self._format), self._are_times(texts)
        others = texts.filter(pc.invert(times))
        if pc.any(pc.match_substring_regex(others, LEADING_ZERO)).as_py() and not self._times:
            self._is_over = True  # codes: as numbers they would lose their zeros
            return
        count = pc.sum(numbers).as_py() or 0
        self._numbers += count
        self._times += pc.sum(times).as_py() or 0
        if count:
            self._has_fraction |= not pc.all(pc.match_substring_regex(texts.filter(numbers), _DIGITS)).as_py()
        self._keep_odd(texts, times if self._times > self._numbers else numbers)

    def _is_worth_it(self, probes: "pa.Array") -> bool:
        import pyarrow.compute as pc

        numbers = pc.sum(match_numbers(probes, self._format)).as_py() or 0
        return max(numbers, self._count_times(probes)) >= _MIN_SHARE * len(probes)

    def _count_times(self, texts: "pa.Array") -> int:
        import pyarrow.compute as pc

        return pc.sum(self._are_times(texts)).as_py() or 0

    def _are_times(self, texts: "pa.Array") -> "pa.Array":
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._time_format is not None:
            return pa.array(parse_times(texts, self._time_format).notna().to_numpy())
        looks = pc.match_substring_regex(texts, _ISO_DAY)
        if not pc.any(looks).as_py():
            return looks
        return pc.and_(looks, pa.array(parse_times(texts, None).notna().to_numpy()))

    def _keep_odd(self, texts: "pa.Array", fitting: "pa.Array") -> None:
        import pyarrow.compute as pc

        for text in texts.filter(pc.invert(fitting)).unique().slice(0, _MAX_ODD).to_pylist():
            if len(self._odd) < _MAX_ODD:
                self._odd[text] = None
