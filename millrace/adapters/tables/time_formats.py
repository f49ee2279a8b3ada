"""In which format are the times of a column written?"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

_ORDERS = ("%d %m %Y", "%m %d %Y", "%Y %m %d", "%d %m %y", "%m %d %y")
_DATES = (
    *(order.replace(" ", mark) for mark in "./-" for order in _ORDERS),
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y", "%d/%b/%Y",
    "%a, %d %b %Y",
)  # fmt: skip
_CLOCKS = (
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M:%S%p", " %I:%M%p",
    "T%H:%M:%S", "T%H:%M:%S.%f", "T%H:%M", ":%H:%M:%S", ", %H:%M", ", %H:%M:%S", ", %I:%M:%S %p",
)  # fmt: skip
_ISO = "%Y-%m-%d"
_ZONES = ("", "%z", " %z")
_LOOKS = re.compile(r"\s*(?=.*\d)[\w ,]*[-./ ,][\w]+.*\d.*")
_MAX_LENGTH = 40
_MIXED_SHARE = 0.95
_PROBES = 20
_NEARLY_SHARE = 0.5
"""Of the different texts; of the rows the scan wants more."""
_DAY_NUMBER = "%Y%m%d"
_DAY_NUMBERS = r"^(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$"
_DATE_NAME = re.compile(
    r"(?:^|[_\W]|(?<=[a-z])(?=[A-Z]))(?i:date|datum|day|tag|dt|ymd|yyyymmdd|data|fecha|jour|giorno|dato)(?:$|[_\W\d])"
)


@dataclass
class FoundTimes:
    """The formats of the columns that need one, and the sentences about what was not certain.

    `doubtful` are columns that could be in another format too.
    """

    times: dict[str, str] = field(default_factory=dict)
    guesses: list[str] = field(default_factory=list)
    doubtful: tuple[str, ...] = ()


def find_times(columns: "Mapping[str, pa.Array]", delimiter: str, decimal: str) -> FoundTimes:
    """Find the format of each column that has times, from its different texts."""
    found, undecided = FoundTimes(), {}
    for name, texts in columns.items():
        candidates = _candidates(texts)
        fitting = [one for one in candidates if _share(texts, one) == 1.0]
        if fitting and (ahead := _find_ahead(texts, fitting)) is not None:
            found.guesses.append(_tell_ahead(name, *ahead))
        elif len(fitting) == 1:
            found.times[name] = fitting[0]
        elif fitting:
            undecided[name] = fitting
        elif candidates:
            _look_at_mixed(name, texts, candidates, found)
    european = delimiter == ";" or decimal == "," or any(_is_day_first(one) for one in found.times.values())
    found.doubtful = tuple(undecided)
    for name, fitting in undecided.items():
        _decide(name, columns[name][0].as_py(), fitting, found, day_first=european)
    return found


def find_day_numbers(columns: "Mapping[str, pa.Array]") -> FoundTimes:
    """Find the columns of whole numbers that are days by their name and their values: 20200131."""
    found = FoundTimes()
    for name, texts in columns.items():
        if not len(texts) or not _DATE_NAME.search(name) or not _are_day_numbers(texts):
            continue
        found.times[name] = _DAY_NUMBER
        day = datetime.strptime(texts[0].as_py(), _DAY_NUMBER).date()  # noqa: DTZ007 - a date for people
        found.guesses.append(
            f"{name!r}: {texts[0].as_py()} is taken for the day {day}, by the name of the column: "
            f'`{name} = "{_DAY_NUMBER}"` in [data.format.times] says so'
        )
    return found


def _are_day_numbers(texts: "pa.Array") -> bool:
    import pyarrow.compute as pc

    fits = pc.match_substring_regex(texts, _DAY_NUMBERS)
    return bool(pc.all(fits).as_py()) and _share(texts, _DAY_NUMBER) == 1.0


def _find_ahead(texts: "pa.Array", fitting: list[str]) -> tuple[str, str] | None:
    """The first text that a year of two digits puts in the future, and the format: 40 is 2040."""
    import pyarrow as pa

    from millrace.adapters.tables.times import parse_times

    short = [one for one in fitting if "%y" in one]
    if len(short) < len(fitting):
        return None
    for format_ in short:
        is_ahead = (parse_times(texts, format_) > datetime.now(UTC)).to_numpy()
        if is_ahead.any():
            return texts.filter(pa.array(is_ahead))[0].as_py(), format_
    return None


def _tell_ahead(name: str, example: str, format_: str) -> str:
    year = datetime.strptime(example.strip(), format_).year  # noqa: DTZ007 - a year for people
    return (
        f"{name!r} is taken for text: its years have two digits, and {example!r} would be in {year}, not in "
        f"{year - 100}: write years with four digits, or, if all of them are of this century, "
        f'`{name} = "{format_}"` in [data.format.times] and the type "timestamp"'
    )


def _candidates(texts: "pa.Array") -> list[str]:
    """The formats that some of the texts are in; none where ISO reads them all."""
    probes = texts.slice(0, _PROBES).to_pylist()
    if not probes or len(probes[0]) > _MAX_LENGTH or not _LOOKS.fullmatch(probes[0]):
        return []
    if _share(texts, None) == 1.0 or not any(_fits(probes[0], one) for one in (*_formats(), _ISO)):
        return []
    return [one for one in _formats() if any(_fits(text, one) for text in probes)]


def _formats() -> Iterator[str]:
    yield from ("".join(parts) for parts in product(_DATES, _CLOCKS, _ZONES) if parts[1] or not parts[2])


def _fits(text: str, format_: str) -> bool:
    try:
        datetime.strptime(text.strip(), format_)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


def _share(texts: "pa.Array", format_: str | None) -> float:
    return float(_parsed(texts, format_).mean())


def _parsed(texts: "pa.Array", format_: str | None) -> "npt.NDArray[np.bool_]":
    from millrace.adapters.tables.times import parse_times

    return parse_times(texts, format_).notna().to_numpy()


def _is_day_first(format_: str) -> bool:
    return format_.startswith("%d") and "%m" in format_


def _decide(name: str, example: str, fitting: list[str], found: FoundTimes, *, day_first: bool) -> None:
    """With dots the day comes first everywhere; otherwise the file's other habits decide."""
    dotted = [one for one in fitting if "%d.%m" in one]
    first = [one for one in fitting if _is_day_first(one)] if day_first else []
    chosen = (dotted or first or [one for one in fitting if one.startswith("%m")] or fitting)[0]
    found.times[name] = chosen
    if dotted:
        return
    meant = datetime.strptime(example.strip(), chosen).date()  # noqa: DTZ007 - a date for people
    others = " or ".join(f'"{one}"' for one in fitting if one != chosen)
    found.guesses.append(
        f"{name!r}: no value says whether the day or the month comes first; {example!r} is taken for "
        f'{meant}: `{name} = "{chosen}"` in [data.format.times], not {others}'
    )


def _look_at_mixed(name: str, texts: "pa.Array", candidates: list[str], found: FoundTimes) -> None:
    """Times in several writings stay text; beside one writing and some odd texts the scan tells of those."""
    fits = {one: _parsed(texts, one) for one in (*candidates, None)}
    used, unread = [], np.ones(len(texts), dtype=np.bool_)
    while best := _most_reading(fits, unread):
        used.append((best[0], best[1]))
        unread &= ~fits[best[0]]
    if len(used) == 1 and used[0][0] is not None and used[0][1] >= _NEARLY_SHARE * len(texts):
        found.times[name] = used[0][0]
    elif len(used) > 1 and unread.mean() <= 1 - _MIXED_SHARE:
        written = ", ".join(f"{one or 'ISO'} ({count:,})" for one, count in used[:3])
        found.guesses.append(
            f"{name!r} is taken for text: its times are written in several ways, {written}. Write them in one"
        )


def _most_reading(
    fits: "Mapping[str | None, npt.NDArray[np.bool_]]", unread: "npt.NDArray[np.bool_]"
) -> tuple[str | None, int] | None:
    """The format that reads the most of the texts that are left, and how many."""
    counts = {one: int((fit & unread).sum()) for one, fit in fits.items()}
    best = max(counts, key=lambda one: counts[one])
    return (best, counts[best]) if counts[best] else None
