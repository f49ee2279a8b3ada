"""What does a rule find, for people who want to see the numbers?"""

import math
from dataclasses import dataclass

from millrace.domain.verdict import Verdict


@dataclass(frozen=True)
class Bar:
    """One measured number with its interval, beside what is allowed; what there is none of is None.

    `is_floor` says on which side of `limit` it should be: above a floor, else below a ceiling. What is no
    number becomes None: there is nothing to draw of it, and no JSON for it.
    """

    name: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    limit: float | None = None
    is_floor: bool = False

    def __post_init__(self) -> None:
        for field in ("value", "lower", "upper", "limit"):
            object.__setattr__(self, field, _plain(getattr(self, field)))


@dataclass(frozen=True)
class Finding(Verdict):
    """A verdict with the numbers it rests on, the most telling first; the ledger keeps the verdict alone."""

    bars: tuple[Bar, ...] = ()


def _plain(number: float | None) -> float | None:
    """Return a plain float: NumPy's have no canonical form."""
    return float(number) if number is not None and math.isfinite(number) else None
