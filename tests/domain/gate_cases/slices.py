"""Slices that are answered worse and worse."""

from dataclasses import replace

import numpy as np

from millrace.domain.config import Rule
from millrace.domain.gate.evidence import GateEvidence
from tests.domain.gate_cases.case import GateCase
from tests.domain.judged import GOOD, evidence, nan_on_golden, nan_on_recent, off_by


def on_left(offset: float, n_blocks: int = 20) -> GateEvidence:
    """Return evidence of a challenger that is off by so much on the left, and by 1 on the right."""
    offsets = np.where(np.arange(10 * n_blocks) % 2, 1.0, offset)
    return evidence(off_by(offsets, n_blocks), off_by(offsets, n_blocks))


def grouped_otherwise(rule: Rule, **columns: np.ndarray) -> GateEvidence:  # type: ignore[type-arg]
    return replace(GOOD, recent=replace(GOOD.recent, groups={rule: columns}))


FEW = on_left(1.0, 13)


def ungrouped(rule: Rule) -> tuple[GateEvidence, ...]:
    """Return evidence that does not say, or not of these rows, or otherwise than golden, what is a group."""
    sides = GOOD.recent.groups[rule]["side"]
    golden = replace(GOOD.golden, source=replace(GOOD.golden.source, rows="others"))
    return (
        replace(GOOD, recent=replace(GOOD.recent, groups={})),
        replace(GOOD, golden=replace(GOOD.golden, groups={})),
        grouped_otherwise(rule, side=sides[:-1]),
        grouped_otherwise(rule, side=sides[:0]),
        grouped_otherwise(rule, hand=sides),
        replace(grouped_otherwise(rule, hand=sides), golden=golden),
        grouped_otherwise(rule, side=np.arange(sides.size).astype(np.str_)),
    )


CASES = [
    GateCase(
        "slices",
        "4 of 4 limits cleared, nearest side=left MAE 1 (97.5 % at most 1), needed at most 2.5",
        tuple(on_left(offset) for offset in (1.5, 2.25, 2.5, 2.6, 4.0)),
        FEW,
        (
            *nan_on_recent("labels", "challenger", "champion"),
            *nan_on_golden("labels", "challenger", "champion"),
            *ungrouped(Rule.SLICES),
        ),
    )
]
