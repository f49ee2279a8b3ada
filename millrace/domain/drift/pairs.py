"""Which columns of two windows are compared, and by which test?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from millrace.domain.config import ColumnTest, DriftSection, PerformanceSection
from millrace.domain.drift.recount import Counts, recount
from millrace.domain.monitoring.attempt import attempt
from millrace.domain.monitoring.findings import ColumnFinding, Watched
from millrace.domain.profile import NumericCounts, Profile, Reference
from millrace.domain.verdict import Outcome


@dataclass(frozen=True)
class ColumnPair:
    """One column in the reference and now; `trouble` says why it could not be counted, None where it was.

    It is judged from `least_rows` on.
    """

    part: Watched
    name: str
    test: ColumnTest
    reference: Counts | None
    current: Counts | None
    least_rows: int
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
    reference: Reference,
    counted: Reference,
    troubles: Mapping[str, str],
    policy: DriftSection,
    performance: PerformanceSection | None = None,
) -> tuple[ColumnPair, ...]:
    """Pair the columns of a reference with those of a counted window, inputs first.

    Parameters
    ----------
    reference, counted
        Counts of both windows; their edges and their columns may differ.
    troubles
        Why inputs could not be counted, by name. One that no window has is told of too.
    policy
        Tests, and from how many rows on a column is judged.
    performance
        From how many labels on the target is judged; without it that takes as many as rows.
    """
    rows = policy.min_rows
    labels = performance.min_labels if performance else rows
    parts: tuple[tuple[Watched, Profile, Profile, Mapping[str, str], int], ...] = (
        (Watched.DATA, reference.inputs, counted.inputs, troubles, rows),
        (Watched.PREDICTIONS, reference.answers, counted.answers, {}, rows),
        (Watched.TARGET, reference.target, counted.target, {}, labels),
    )
    return tuple(
        ColumnPair(part, name, _test_of(part, name, usual or now, policy), usual, now, least, trouble)
        for part, then, current, why, least in parts
        for name, usual, now, trouble in _beside(_by_name(then), _by_name(current), why)
    )


def _by_name(profile: Profile) -> dict[str, Counts]:
    columns: tuple[Counts, ...] = (*profile.numeric, *profile.categorical)
    return {one.name: one for one in columns}


def _beside(
    reference: Mapping[str, Counts], counted: Mapping[str, Counts], troubles: Mapping[str, str]
) -> Iterator[tuple[str, Counts | None, Counts | None, str | None]]:
    """Yield each column of either window, over the same edges where both have it, and its trouble."""
    for name in (*reference, *sorted({*counted, *troubles} - {*reference})):
        usual, now, trouble = reference.get(name), counted.get(name), troubles.get(name)
        recounted = attempt(partial(recount, now, usual)) if usual and now else now
        if isinstance(recounted, str):
            yield name, usual, None, trouble or recounted
        else:
            yield name, usual, recounted, trouble


def _test_of(part: Watched, name: str, column: Counts | None, policy: DriftSection) -> ColumnTest:
    usual = policy.numeric if isinstance(column, NumericCounts) else policy.categorical
    return policy.columns.get(name, usual) if part is Watched.DATA else usual
