"""What is kept of many numbers, so that parts of them can be added up?"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Sums:
    """Of some numbers: how many, their sum and the sum of their squares. Sums of parts add up."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    @property
    def mean(self) -> float:
        """NaN when there is no number."""
        return self.total / self.n if self.n else math.nan

    @property
    def deviation(self) -> float:
        """The standard deviation; NaN below two numbers."""
        if self.n < 2:  # noqa: PLR2004 - one number has no deviation
            return math.nan
        return math.sqrt(max(0.0, self.squares - self.n * self.mean**2) / (self.n - 1))

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.n + other.n, self.total + other.total, self.squares + other.squares)
