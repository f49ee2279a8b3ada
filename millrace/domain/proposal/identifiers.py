"""Is a column called like a name of rows, and do its values look like one?"""

import re
from collections.abc import Sequence

from millrace.domain.proposal.words import words_of

KEY_WORDS = frozenset({
    "id", "uuid", "guid", "key", "number", "no", "nr", "num", "nummer", "numero",
    "identifier", "ref", "reference", "index", "rownum", "rowid", "pk", "sn", "serial"})  # fmt: skip

_ENDING = re.compile(r"\w+(id|nr|nummer|uuid|guid|key|code)")
_NUMBERED = re.compile(
    r"(order|invoice|serial|customer|account|article|item|case|ticket|batch|bill|policy|row|record)no"
)
OTHER_WORDS = frozenset({
    "acid", "aid", "amid", "android", "avoid", "bid", "centroid", "covid", "decode", "donkey", "encode",
    "fluid", "grid", "hockey", "humid", "hybrid", "invalid", "kid", "lipid", "liquid", "mid", "monkey",
    "paid", "plaid", "prepaid", "rapid", "repaid", "said", "solid", "steroid", "turkey", "unicode", "unpaid",
    "valid", "void", "whiskey"})  # fmt: skip
"""They end like a compound, and are none."""

_SIGN = r"([$€£¥%]|EUR|USD|CHF|GBP|JPY)"
_MONEY = re.compile(rf"{_SIGN}\s*[-+]?[\d.,']+|[-+]?[\d.,']+\s*{_SIGN}|[-+]{_SIGN}[\d.,']+", re.IGNORECASE)
_SPAN = r"(d|days?|h|hrs?|std|m|min|mins|s|sec|secs|ms)"
_DURATION = re.compile(rf"P?T?(\d+([.,]\d+)?\s*{_SPAN}\s*)+|\d+(:\d\d)+([.,]\d+)?", re.IGNORECASE)
_CODE = re.compile(r"[0-9A-Za-z]+([-_/][0-9A-Za-z]+)*")
MOSTLY = 0.9
"""Of the values: one in ten may be a code that looks like an amount."""


def is_called_key(name: str) -> bool:
    """Say whether a column of this name has a name of each row, alone or as the end of a compound.

    >>> [is_called_key(name) for name in ("order_id", "orderid", "Kundennr", "oid", "paid", "valid", "piano")]
    [True, True, True, True, False, False, False]
    """
    words = words_of(name)
    return any(word in KEY_WORDS for word in words) or any(_is_compound(word) for word in words[-1:])


def are_amounts(values: Sequence[str]) -> bool:
    """Say whether texts are money, percent, or durations: two equal ones would not be one thing.

    >>> are_amounts(["EUR 12", "3.50€"]), are_amounts(["5h30m", "01:30"]), are_amounts(["X0012", "X0013"])
    (True, True, False)
    """
    found = sum(any(form.fullmatch(value) for form in (_MONEY, _DURATION)) for value in values)
    return bool(values) and found >= MOSTLY * len(values)


def are_codes(values: Sequence[str]) -> bool:
    """Say whether texts are clean codes of one pattern: as long as each other, with the same marks in them.

    >>> are_codes(["X0012", "X0013"]), are_codes(["Vienna", "Prague"]), are_codes(["2024-01-01"])
    (True, False, False)
    """
    forms = {tuple((at, mark) for at, mark in enumerate(value) if mark in "-_/") for value in values}
    is_one_pattern = len(forms) == 1 and len({len(value) for value in values}) == 1
    clean = all(_CODE.fullmatch(value) is not None and any(map(str.isdigit, value)) for value in values)
    return is_one_pattern and clean and any(any(map(str.isalpha, value)) for value in values)


def _is_compound(word: str) -> bool:
    found = _ENDING.fullmatch(word) or _NUMBERED.fullmatch(word)
    return found is not None and word not in OTHER_WORDS
