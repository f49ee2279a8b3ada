"""What kind of reason does a verdict have?"""

from enum import StrEnum

from millrace.domain.verdict import Outcome


class Code(StrEnum):
    """The closed set of kinds: the first two pass, the third fails, all others are inconclusive."""

    CLEARED = "cleared"
    NOT_ASKED = "not_asked"
    MISSED = "missed"
    UNSURE = "unsure"
    """The interval holds both what is allowed and what is not."""
    TOO_FEW = "too_few"
    ABSENT = "absent"
    """It was not measured."""
    EMPTY = "empty"
    NOT_FINITE = "not_finite"
    NEGATIVE = "negative"
    """A count below zero."""
    DUPLICATED = "duplicated"
    STALE = "stale"
    """Another run measured it."""
    OTHER_DIGEST = "other_digest"
    OTHER_ROWS = "other_rows"
    UNCOMPARABLE = "uncomparable"
    """The two answer different questions, or not for the same rows."""
    WORN_OUT = "worn_out"
    TIMEOUT = "timeout"
    ERROR = "error"
    """What was to measure or to judge it broke."""


USUAL = {Outcome.PASS: Code.CLEARED, Outcome.FAIL: Code.MISSED, Outcome.INCONCLUSIVE: Code.UNSURE}
"""The kind of a verdict that names none."""
