"""How far is what was asked and answered from what was learned from, and what does that look like?"""

from collections.abc import Mapping

from millrace.adapters.drift_report import DrawnReport, draw_report, score_columns
from millrace.domain.config import DriftSection
from millrace.domain.drift import (
    Samples,
    judge_by_rules,
    judge_columns,
    judge_window,
    pair_columns,
    represent,
)
from millrace.domain.drift.pairs import ColumnPair
from millrace.domain.monitoring.findings import ColumnFinding, DriftFindings
from millrace.domain.profile import Reference


def compare_windows(
    reference: Reference, counted: Reference, troubles: Mapping[str, str], policy: DriftSection
) -> DriftFindings:
    """Judge a counted window against a reference, or against any other window, over whichever edges."""
    pairs = pair_columns(reference, counted, troubles, policy)
    ruled = judge_by_rules(pairs, policy)
    scores = score_columns(_represent(pairs, ruled))
    return judge_window(judge_columns(pairs, ruled, scores, policy), counted, policy)


def draw_drift(
    reference: Reference, counted: Reference, troubles: Mapping[str, str], policy: DriftSection
) -> DrawnReport:
    """Draw the columns that no rule has judged, as page and as JSON."""
    pairs = pair_columns(reference, counted, troubles, policy)
    return draw_report(_represent(pairs, judge_by_rules(pairs, policy)))


def _represent(pairs: tuple[ColumnPair, ...], ruled: Mapping[str, ColumnFinding]) -> dict[str, Samples]:
    return {
        pair.label: represent(pair.reference, pair.current, pair.test)
        for pair in pairs
        if pair.label not in ruled and pair.reference is not None and pair.current is not None
    }
