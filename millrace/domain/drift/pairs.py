"""Which columns of two windows are compared, and by which test?"""

from collections.abc import Mapping
from dataclasses import dataclass

from millrace.domain.config import ColumnTest, DriftSection
from millrace.domain.drift.recount import Counts, recount
from millrace.domain.monitoring.findings import ColumnFinding, Watched
from millrace.domain.profile import NumericCounts, Profile, Reference
from millrace.domain.verdict import Outcome


@dataclass(frozen=True)
class ColumnPair:
    """One column in the reference and now; `trouble` says why it could not be counted, None where it was."""

    part: Watched
    name: str
    test: ColumnTest
    reference: Counts | None
    current: Counts | None
    trouble: str | None = None

    @property
    def label(self) -> str:
        """A name that is unique among all columns of a window."""
        return self.name if self.part is Watched.DATA else f"{self.name} ({self.part})"

    def find(
        self, outcome: Outcome, reason: str, score: float | None = None, chance: float | None = None
    ) -> ColumnFinding:
        """Return what became of the column."""
        test, threshold = str(self.test.test), self.test.threshold
        return ColumnFinding(self.part, self.name, test, threshold, score, chance, outcome, reason)


def pair_columns(
    reference: Reference, counted: Reference, troubles: Mapping[str, str], policy: DriftSection
) -> tuple[ColumnPair, ...]:
    """Pair the columns of a reference with those of a counted window, inputs first.

    Parameters
    ----------
    reference, counted
        Counts of both windows; their edges may differ.
    troubles
        Why columns could not be counted, by name. One that the reference does not have is told of too.
    """
    parts = (
        (Watched.DATA, reference.inputs, counted.inputs),
        (Watched.PREDICTIONS, reference.answers, counted.answers),
        (Watched.TARGET, reference.target, counted.target),
    )
    pairs = [
        _pair(part, column, _by_name(now), troubles, policy)
        for part, then, now in parts
        for column in _by_name(then).values()
    ]
    unknown = sorted(troubles.keys() - {pair.name for pair in pairs})
    strange = (
        ColumnPair(
            Watched.DATA, name, policy.columns.get(name, policy.categorical), None, None, troubles[name]
        )
        for name in unknown
    )
    return (*pairs, *strange)


def _by_name(profile: Profile) -> dict[str, Counts]:
    columns: tuple[Counts, ...] = (*profile.numeric, *profile.categorical)
    return {one.name: one for one in columns}


def _pair(
    part: Watched,
    reference: Counts,
    counted: Mapping[str, Counts],
    troubles: Mapping[str, str],
    policy: DriftSection,
) -> ColumnPair:
    name, found = reference.name, counted.get(reference.name)
    current = None if found is None else recount(found, reference)
    return ColumnPair(part, name, _test_of(part, reference, policy), reference, current, troubles.get(name))


def _test_of(part: Watched, column: Counts, policy: DriftSection) -> ColumnTest:
    usual = policy.numeric if isinstance(column, NumericCounts) else policy.categorical
    return policy.columns.get(column.name, usual) if part is Watched.DATA else usual
