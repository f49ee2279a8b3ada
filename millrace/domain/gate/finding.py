"""What does a rule find, for people who want to see the numbers?"""

from dataclasses import dataclass

from millrace.domain.verdict import Verdict


@dataclass(frozen=True)
class Bar:
    """One measured number with its interval, beside what is allowed; what there is none of is None.

    `is_floor` says on which side of `limit` it should be: above a floor, else below a ceiling.
    """

    name: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    limit: float | None = None
    is_floor: bool = False


@dataclass(frozen=True)
class Finding(Verdict):
    """A verdict with the numbers it rests on, the most telling first; the ledger keeps the verdict alone."""

    bars: tuple[Bar, ...] = ()
