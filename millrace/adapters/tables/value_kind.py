"""What type do all of these texts have, and which words among them mean that nothing is there?"""

from typing import TYPE_CHECKING, Any

from millrace.adapters.tables.numbers import LEADING_ZERO, is_plain, match_numbers, to_plain
from millrace.adapters.tables.times import parse_times
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

SURE_NULLS = (
    "NULL",
    "null",
    "Null",
    "N/A",
    "n/a",
    "#N/A",
    "#NA",
    "NaN",
    "nan",
    "NAN",
    "<NA>",
    "<null>",
    "(null)",
    "\\N",
)
"""They mean nothing in a column of words too."""
LIKELY_NULLS = (
    "NA",
    "na",
    "None",
    "none",
    "NONE",
    "-",
    "--",
    "?",
    ".",
    "..",
    "nil",
    "#DIV/0!",
    "#REF!",
    "#VALUE!",
    "#NUM!",
    "#NAME?",
    "missing",
    "Missing",
    "unknown",
    "Unknown",
    "UNKNOWN",
    "unbekannt",
    "Unbekannt",
    "n.a.",
    "N.A.",
    "n. a.",
    "n.v.",
    "k.A.",
    "k. A.",
    "k.a.",
    "keine Angabe",
    "TBD",
    "tbd",
    "TBA",
    "not available",
    "not applicable",
    "s/d",
    "inconnu",
    "desconocido",
)
"""They mean nothing among numbers and times; among words they are words."""
NULL_WORDS = (*SURE_NULLS, *LIKELY_NULLS)

_WHOLE = r"^[+-]?[0-9]+$"
_CERTAIN = 1e15
_ISO_START = r"^\s*[0-9]{4}[-/][0-9]{2}"
_ISO_MONTH = r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"
_DAY_LENGTH = len("2020-01-31")


def classify(texts: "pa.Array", format_: FormatSection, time_format: str | None) -> tuple[ColumnType, Any]:
    """Return the narrowest type that all the texts have, none of which is null, and their values in it.

    The values of texts are None. Texts with a leading zero are no numbers.
    """
    import pyarrow.compute as pc

    if time_format is not None:
        return _as_times(texts, time_format)
    if is_plain(format_) and (found := _as_plain_numbers(texts)) is not None:
        return found
    if _all(pc.match_substring_regex(texts.slice(0, 1), _ISO_START)):
        return _as_times(texts, None) if _has_days(texts) else (ColumnType.STRING, None)
    if _all(match_numbers(texts, format_)):
        return _as_numbers(texts, format_)
    return _as_truth(texts)


def _as_plain_numbers(texts: "pa.Array") -> tuple[ColumnType, Any] | None:
    """Numbers that need no look at how they are spelled: regular expressions take twice as long."""
    import pyarrow as pa
    import pyarrow.compute as pc

    signed = pc.or_(pc.starts_with(texts, "-"), pc.starts_with(texts, "+"))
    zero = texts.filter(pc.or_(signed, pc.starts_with(texts, "0")))
    if len(zero) and pc.any(pc.match_substring_regex(zero, r"^[+-]?0[0-9xX]")).as_py():
        return None
    try:
        return ColumnType.INT, pc.cast(texts, pa.int64())
    except pa.ArrowInvalid:
        pass
    try:
        floats = pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        return None
    # beyond 64 bits whole numbers come here too
    is_certain = _all(pc.is_finite(floats)) and _all(pc.less(pc.abs(floats), _CERTAIN))
    has_fraction = is_certain and not _all(pc.equal(floats, pc.floor(floats)))
    return (ColumnType.FLOAT, floats) if has_fraction else None


def cast_numbers(texts: "pa.Array", type_: ColumnType) -> "pa.Array":
    """Return texts that are all numbers in plain writing, or null, as int64 or float64."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.utf8_ltrim(pc.utf8_trim_whitespace(texts), "+")
    return pc.cast(plain, pa.int64() if type_ is ColumnType.INT else pa.float64())


def _all(found: "pa.Array") -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(found).as_py())


def _has_days(texts: "pa.Array") -> bool:
    """Say whether ISO times name a day, or all a month of a likely year: 1000-01 is a code."""
    import pyarrow.compute as pc

    if pc.min(pc.utf8_length(texts)).as_py() >= _DAY_LENGTH:
        return True
    return are_months(texts)


def are_months(texts: "pa.Array") -> bool:
    """Say whether all the texts are months, such as 2020-01."""
    import pyarrow.compute as pc

    return _all(pc.match_substring_regex(texts, _ISO_MONTH))


def _as_times(texts: "pa.Array", time_format: str | None) -> tuple[ColumnType, Any]:
    import pyarrow as pa

    times = parse_times(texts, time_format)
    if times.isna().any():
        return ColumnType.STRING, None
    return ColumnType.TIMESTAMP, pa.array(times, pa.timestamp("us", tz="UTC"))


def _as_numbers(texts: "pa.Array", format_: FormatSection) -> tuple[ColumnType, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.any(pc.match_substring_regex(texts, LEADING_ZERO)).as_py():
        return ColumnType.STRING, None
    plain = pc.utf8_trim_whitespace(texts) if is_plain(format_) else to_plain(texts, format_)
    if not _all(pc.match_substring_regex(plain, _WHOLE)):
        return ColumnType.FLOAT, cast_numbers(plain, ColumnType.FLOAT)
    try:
        return ColumnType.INT, cast_numbers(plain, ColumnType.INT)
    except pa.ArrowInvalid:
        # beyond 64 bits a number would lose its last digits: it is an identifier
        return ColumnType.STRING, None


def _as_truth(texts: "pa.Array") -> tuple[ColumnType, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    lowered = pc.utf8_lower(texts)
    if not _all(pc.is_in(lowered, value_set=pa.array(["true", "false"], lowered.type))):
        return ColumnType.STRING, None
    return ColumnType.BOOL, pc.equal(lowered, "true")


def widen(known: ColumnType | None, found: ColumnType) -> ColumnType:
    """Return the narrowest type that values of both have."""
    if known is None or known is found:
        return found
    if {known, found} == {ColumnType.INT, ColumnType.FLOAT}:
        return ColumnType.FLOAT
    return ColumnType.STRING
