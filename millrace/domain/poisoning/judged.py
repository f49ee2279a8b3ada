"""What does a check say of a batch?"""

from dataclasses import dataclass

from millrace.domain.contract import Violation


@dataclass(frozen=True)
class Judged:
    """What was found; `unjudged` are one line for each thing that could not be judged, which is no pass."""

    violations: tuple[Violation, ...] = ()
    unjudged: tuple[str, ...] = ()

    def __add__(self, other: "Judged") -> "Judged":
        return Judged(self.violations + other.violations, self.unjudged + other.unjudged)


CLEAN = Judged()
