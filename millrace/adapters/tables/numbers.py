"""Which texts are numbers, by the marks they are written with?"""

import re
from typing import TYPE_CHECKING

from millrace.domain.config import FormatSection

if TYPE_CHECKING:
    import pyarrow as pa

LEADING_ZERO = r"^\s*[+-]?0[0-9]"
"""A code, such as a postal one: as a number it would lose its zero."""
_ALIKE = {" ": "[ \u00a0\u202f]", "'": "['\u2019]"}
"""Blanks that do not break, and the curved apostrophe, stand for the plain ones."""


def number_pattern(decimal: str, thousands: str | None, *, strict: bool = False) -> str:
    """Return the regular expression of a number; `strict` wants thousands apart wherever there are some."""
    whole = r"[0-9]+"
    if thousands is not None:
        mark = _mark(thousands)
        grouped = rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+"
        whole = rf"(?:{grouped}|[0-9]{{1,3}})" if strict else rf"(?:{grouped}|[0-9]+)"
    point = re.escape(decimal)
    return rf"^\s*[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?\s*$"


def is_plain(format_: FormatSection) -> bool:
    """Say whether numbers are written as everywhere in programs."""
    return format_.decimal == "." and format_.thousands is None


def match_numbers(texts: "pa.Array", format_: FormatSection) -> "pa.Array":
    """Say which texts are numbers in the format; shape (n,), null where the text is."""
    import pyarrow.compute as pc

    return pc.match_substring_regex(texts, number_pattern(format_.decimal, format_.thousands))


def to_plain(texts: "pa.Array", format_: FormatSection) -> "pa.Array":
    """Return texts that are numbers in the format with a decimal point and nothing else."""
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(texts)
    if format_.thousands is not None:
        texts = pc.replace_substring_regex(texts, _mark(format_.thousands), "")
    return texts if format_.decimal == "." else pc.replace_substring(texts, format_.decimal, ".")


def respell(texts: "pa.Array", format_: FormatSection) -> "pa.Array":
    """Return numbers in plain writing; what is a number only elsewhere says so, for it must not pass for one.

    In a file with decimal commas `1.5` is no number: read as one it would be wrong silently.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    ours = match_numbers(texts, format_)
    elsewhere = pc.match_substring_regex(texts, number_pattern(".", None))
    mark = pa.scalar(f" [decimal is {format_.decimal!r}]")
    odd = pc.binary_join_element_wise(texts, mark, "")
    others = pc.if_else(elsewhere, odd, texts)
    return pc.if_else(ours, to_plain(texts, format_), others)


def _mark(thousands: str) -> str:
    return _ALIKE.get(thousands, re.escape(thousands))
