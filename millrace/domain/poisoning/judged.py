"""What does a check say of a batch?"""

from collections.abc import Sequence
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

BROKEN = "the check could not be carried out"
"""What the message of a check that broke begins with: it has found nothing yet."""


def group_unjudged(lines: Sequence[str]) -> list[str]:
    """Put together what was not judged for one reason: a young model has it for every chart.

    >>> group_unjudged(["volume: 0 of 10 batches", "drip: 0 of 28 batches", "label_rate: 0 of 10 batches"])
    ['0 of 10 batches: volume, label_rate', 'drip: 0 of 28 batches']
    """
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(line.rpartition(": ")[2], []).append(line)
    return [
        same[0] if len(same) == 1 else f"{why}: {', '.join(line.removesuffix(f': {why}') for line in same)}"
        for why, same in found.items()
    ]


_SUSPICIONS = {
    "quota", "volume", "label_rate", "disagreement", "drip", "exact_copies", "near_copies", "golden_copies",
    "triggers",
}  # fmt: skip


def is_broken(violation: Violation) -> bool:
    """Say whether the check broke: whatever it would find nobody has seen."""
    return violation.message.startswith(BROKEN)


def list_unseen(found: Sequence[Violation], seen: Sequence[Violation]) -> list[Violation]:
    """List what is found of a matter of which nothing was found before."""
    return [one for one in found if not any(_is_of_one_matter(one, other) for other in seen)]


def _is_of_one_matter(one: Violation, other: Violation) -> bool:
    """Older entries do not say what a finding is about: they stand for all of its clause and column."""
    is_same = (one.clause, one.column, is_broken(one)) == (other.clause, other.column, is_broken(other))
    return is_same and (one.about == other.about or "" in (one.about, other.about))


def is_suspicion(violation: Violation) -> bool:
    """Say whether only a person clears it, and not another day.

    Of where a batch comes from each delivery is judged anew; a check that broke has to be carried out first.
    """
    return violation.clause in _SUSPICIONS and not is_broken(violation)
