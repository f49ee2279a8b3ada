"""Which marks do the numbers of a file have: decimal points or commas, thousands apart or not?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from millrace.adapters.tables.numbers import LEADING_ZERO, number_pattern
from millrace.domain.listing import name_some

if TYPE_CHECKING:
    import pyarrow as pa

Marks = tuple[str, str | None]

PLAIN: Marks = (".", None)
CONVENTIONS: tuple[Marks, ...] = (
    PLAIN, (".", ","), (",", None), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'"),
)  # fmt: skip
_SHOWN = 3
_DOTTED: Marks = (",", ".")
_EUROPEAN = (";", "\t")
_GROUPED = r"^\s*[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+\s*$"
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
        dotted = _list_dotted(marked, fits) if _DOTTED in best else []
        if dotted:
            return _read_dots(marked, dotted, delimiter)
        return FoundMarks(PLAIN, _tell_left(columns, fits, PLAIN))
    # 1,234 beside 1234: who sets thousands apart does it everywhere
    best = _fitting_most({name: _fitting(marked[name], strict=True) for name in fits}, best)
    marks = _prefer(best, delimiter)
    gained = [name for name, fit in fits.items() if marks in fit and PLAIN not in fit]
    is_sure = len({_value_of(_example(marked[gained[0]]), one) for one in best}) == 1
    dotted = _list_dotted(marked, fits) if marks[1] == "." else []
    guesses = [_tell(marked, gained, marks, is_sure=is_sure), *_tell_left(columns, fits, marks)]
    guesses += [_tell_dots(marked, dotted, marks)] if dotted else []
    return FoundMarks(marks, guesses, tuple(dotted) if is_sure else (*gained, *dotted))


def _list_dotted(marked: "Mapping[str, pa.Array]", fits: Mapping[str, set[Marks]]) -> list[str]:
    """The columns whose dots may be decimal points, or set thousands apart."""
    return [name for name, texts in marked.items() if PLAIN in fits[name] and _may_be_grouped(texts)]


def _may_be_grouped(texts: "pa.Array") -> bool:
    import pyarrow.compute as pc

    with_marks = texts.filter(pc.invert(pc.match_substring_regex(texts, _WHOLE)))
    is_grouped = bool(pc.all(pc.match_substring_regex(with_marks, _GROUPED)).as_py())
    return is_grouped and are_numbers(texts, *_DOTTED, strict=True)


def _read_dots(marked: "Mapping[str, pa.Array]", dotted: list[str], delimiter: str) -> FoundMarks:
    """Excel sets thousands apart by dots where it separates values by semicolons."""
    marks = _DOTTED if delimiter in _EUROPEAN else PLAIN
    return FoundMarks(marks, [_tell_dots(marked, dotted, marks)], tuple(dotted))


def _tell_dots(marked: "Mapping[str, pa.Array]", dotted: list[str], marks: Marks) -> str:
    example = _example(marked[dotted[0]])
    taken, other = (_value_of(example, one) for one in (marks, PLAIN if marks == _DOTTED else _DOTTED))
    doubt = f"{example!r} is taken for {taken} (in {name_some(dotted, _SHOWN)}); it could be {other}"
    if marks == _DOTTED:
        return f"{doubt}: `{describe(marks)}` in [data.format] says so"
    return f"{doubt}: `{describe(_DOTTED)}` in [data.format] would say that"


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
    value = _value_of(example, marks)
    doubt = "" if is_sure else "; it could be the other way round"
    taken = f"{example!r} is taken for {value} (in {name_some(gained, _SHOWN)})"
    return f"{taken}{doubt}: `{describe(marks)}` in [data.format] says so"


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
