"""Which marks do the numbers of a file have: decimal points or commas, thousands apart or not?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from millrace.adapters.tables.numbers import LEADING_ZERO, number_pattern

if TYPE_CHECKING:
    import pyarrow as pa

Marks = tuple[str, str | None]

PLAIN: Marks = (".", None)
CONVENTIONS: tuple[Marks, ...] = (
    PLAIN, (".", ","), (",", None), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'"),
)  # fmt: skip
_SHOWN = 3
_WHOLE = r"^\s*[+-]?[0-9]+\s*$"


@dataclass(frozen=True)
class FoundMarks:
    """The marks that make the most columns numbers, and the sentences about what was not certain.

    `doubtful` are columns that could be numbers by other marks.
    """

    marks: Marks
    guesses: list[str]
    doubtful: tuple[str, ...] = ()


def find_marks(columns: "Mapping[str, pa.Array]", delimiter: str) -> FoundMarks:
    """Find the marks of the numbers among the different texts of each column."""
    marked = {name: texts for name, texts in columns.items() if _has_marks(texts)}
    fits = {name: _fitting(texts, strict=False) for name, texts in marked.items()}
    best = _fitting_most(fits, list(CONVENTIONS))
    if PLAIN in best:
        return FoundMarks(PLAIN, _tell_left(columns, fits, PLAIN))
    # 1,234 beside 1234: who sets thousands apart does it everywhere
    best = _fitting_most({name: _fitting(marked[name], strict=True) for name in fits}, best)
    marks = _prefer(best, delimiter)
    gained = [name for name, fit in fits.items() if marks in fit and PLAIN not in fit]
    is_sure = len({_value_of(_example(marked[gained[0]]), one) for one in best}) == 1
    guesses = [_tell(marked, gained, marks, is_sure=is_sure), *_tell_left(columns, fits, marks)]
    return FoundMarks(marks, guesses, () if is_sure else tuple(gained))


def _has_marks(texts: "pa.Array") -> bool:
    """Say whether the texts tell marks apart: whole numbers without any are read in the same way by all."""
    import pyarrow.compute as pc

    if not len(texts) or pc.any(pc.match_substring_regex(texts, LEADING_ZERO)).as_py():
        return False
    return not pc.all(pc.match_substring_regex(texts, _WHOLE)).as_py()


def _fitting(texts: "pa.Array", *, strict: bool) -> set[Marks]:
    return {marks for marks in CONVENTIONS if are_numbers(texts, *marks, strict=strict)}


def are_numbers(texts: "pa.Array", decimal: str, thousands: str | None, *, strict: bool = False) -> bool:
    """Say whether all the texts are numbers by these marks."""
    import pyarrow.compute as pc

    fits = pc.match_substring_regex(texts, number_pattern(decimal, thousands, strict=strict))
    return bool(pc.all(fits).as_py())


def _fitting_most(fits: Mapping[str, set[Marks]], among: list[Marks]) -> list[Marks]:
    scores = {marks: sum(marks in fit for fit in fits.values()) for marks in among}
    return [marks for marks in among if scores[marks] == max(scores.values())]


def _prefer(best: list[Marks], delimiter: str) -> Marks:
    """Excel separates values by semicolons where it writes decimal commas."""
    wanted = "," if delimiter == ";" else "."
    return next((marks for marks in best if marks[0] == wanted), best[0])


def describe(marks: Marks) -> str:
    """Say what marks are, in the words of a model.toml."""
    decimal, thousands = marks
    said = f'decimal = "{decimal}"'
    return said if thousands is None else f'{said}, thousands = "{thousands}"'


def _tell(columns: "Mapping[str, pa.Array]", gained: list[str], marks: Marks, *, is_sure: bool) -> str:
    example = _example(columns[gained[0]])
    where = ", ".join(gained[:_SHOWN]) + (f" and {len(gained) - _SHOWN} more" if len(gained) > _SHOWN else "")
    value = _value_of(example, marks)
    doubt = "" if is_sure else "; it could be the other way round"
    return (
        f"{example!r} is taken for {value} (in {where}){doubt}: `{describe(marks)}` in [data.format] says so"
    )


def _example(texts: "pa.Array") -> str:
    """A text that shows the marks."""
    shown: list[str] = texts.slice(0, 1_000).to_pylist()
    return max(shown, key=lambda text: sum(not one.isdigit() for one in text))


def _value_of(text: str, marks: Marks) -> str:
    decimal, thousands = marks
    plain = "".join(text.split())
    for mark in (thousands, "\u2019" if thousands == "'" else None):
        plain = plain.replace(mark, "") if mark else plain
    return f"{float(plain.replace(decimal, '.')):.10g}"


def _tell_left(columns: "Mapping[str, pa.Array]", fits: Mapping[str, set[Marks]], marks: Marks) -> list[str]:
    """Columns that are numbers by other marks only: they stay texts."""
    return [
        f"{name!r} is taken for text: its numbers, such as {columns[name][0].as_py()!r}, would need "
        f"`{describe(min(fit, key=CONVENTIONS.index))}`, and others `{describe(marks)}`"
        for name, fit in fits.items()
        if fit and marks not in fit
    ]
