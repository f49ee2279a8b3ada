"""How far is what was asked and answered from what was learned from, and what does that look like?"""

from collections.abc import Mapping
from functools import partial

from millrace.adapters.drift_report import DrawnReport, draw_report, score_columns
from millrace.domain.config import DriftSection, PerformanceSection
from millrace.domain.drift import (
    Samples,
    judge_by_rules,
    judge_columns,
    judge_window,
    pair_columns,
    represent,
)
from millrace.domain.drift.pairs import ColumnPair
from millrace.domain.monitoring.attempt import attempt
from millrace.domain.monitoring.findings import ColumnFinding, DriftFindings
from millrace.domain.profile import Reference


def compare_windows(
    reference: Reference,
    counted: Reference,
    troubles: Mapping[str, str],
    policy: DriftSection,
    performance: PerformanceSection | None = None,
) -> DriftFindings:
    """Judge a counted window against a reference, or against any other window, over whichever edges."""
    pairs = pair_columns(reference, counted, troubles, policy, performance)
    ruled = judge_by_rules(pairs, policy)
    samples, unknown = _represent(pairs, ruled)
    return judge_window(
        judge_columns(pairs, ruled, score_columns(samples) | unknown, policy), counted, policy
    )


def draw_drift(
    reference: Reference,
    counted: Reference,
    troubles: Mapping[str, str],
    policy: DriftSection,
    performance: PerformanceSection | None = None,
) -> DrawnReport:
    """Draw the columns that no rule has judged, as page and as JSON."""
    pairs = pair_columns(reference, counted, troubles, policy, performance)
    return draw_report(_represent(pairs, judge_by_rules(pairs, policy))[0])


def _represent(
    pairs: tuple[ColumnPair, ...], ruled: Mapping[str, ColumnFinding]
) -> tuple[dict[str, Samples], dict[str, str]]:
    """Return values of the columns that need a distance, and why there are none of the others."""
    found = {
        pair.label: attempt(partial(represent, pair.reference, pair.current, pair.test))
        for pair in pairs
        if pair.label not in ruled and pair.reference is not None and pair.current is not None
    }
    return (
        {label: one for label, one in found.items() if not isinstance(one, str)},
        {label: one for label, one in found.items() if isinstance(one, str)},
    )
