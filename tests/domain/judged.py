"""Judged sets that are designed, so that the right verdict is obvious."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from millrace.domain.config import (
    Comparison,
    CostPolicy,
    FairnessPolicy,
    FeaturesPolicy,
    GateSection,
    LeakagePolicy,
    Metric,
    ReproducibilityPolicy,
    Rule,
    SimplerPolicy,
    SlicesPolicy,
    StabilityPolicy,
    StalenessPolicy,
)
from millrace.domain.config.gate.behaviour import BehaviourPolicy
from millrace.domain.config.gate.calibration import CalibrationPolicy
from millrace.domain.config.gate.robustness import (
    AttackPolicy,
    Direction,
    MonotonePolicy,
    NoisePolicy,
    ReplacedPolicy,
    RobustnessPolicy,
)
from millrace.domain.facts import Agreement
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, judged_set_id
from millrace.domain.gate.measurement import Source
from millrace.domain.verdict import Outcome
from tests.domain.gate_cases.good import measured_well

Floats = npt.NDArray[np.float64]


SEVERITY = [Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL]


RUN, CHALLENGER = "run", "a" * 64


def source_of(rows: str) -> Source:
    """Return of what all designed sets are: the challenger's answers in one run."""
    return Source(RUN, CHALLENGER, rows)


POLICY = GateSection(
    metric=Metric.MAE,
    comparison=Comparison.SUPERIOR,
    margin=0.0,
    golden_margin=0.25,
    baseline_margin=0.5,
    confidence=0.95,
    rounds=500,
    min_blocks=14,
    max_looks=50,
    floors={Metric.MAE: 2.5},
    agreement_tolerance=0.0001,
    max_disagreeing_share=0.01,
    slices=SlicesPolicy(columns=("side",), floor=2.5, max_harm=0.5, min_blocks=14, min_share=0.1),
    fairness=FairnessPolicy(columns=("side",), max_error_difference=0.5, min_rows=50, min_share=0.1),
    robustness=RobustnessPolicy(
        rows=300,
        noise=NoisePolicy(share=0.1, max_excess_loss=0.5),
        missing=ReplacedPolicy(share=0.1, max_excess_loss=0.5),
        unknown=ReplacedPolicy(share=0.1, max_excess_loss=0.5),
        monotone=MonotonePolicy(
            columns={"a": Direction.RISING}, rows=100, steps=10, tolerance=0.0, max_wrong_share=0.01
        ),
        attack=AttackPolicy(rows=200, queries=50, share=0.1, shift=1.0, max_flip_rate=0.2),
    ),
    calibration=CalibrationPolicy(max_error=10.0, max_harm=8.5),
    behaviour=BehaviourPolicy(timeout=timedelta(minutes=1)),
    simpler=SimplerPolicy(min_gain=0.1),
    leakage=LeakagePolicy(
        max_single_feature=5.0, max_copied_share=0.01, known_at={"area": "measured_at"}, max_late_share=0.01
    ),
    features=FeaturesPolicy(repeats=3, min_gain=0.05, max_harm=0.05, max_idle_features=1),
    cost=CostPolicy(
        max_milliseconds_one=5.0,
        max_milliseconds_thousand=50.0,
        max_megabytes=10.0,
        max_memory_megabytes=200.0,
        max_latency_ratio=1.5,
        max_size_ratio=2.0,
        max_memory_ratio=2.0,
    ),
    staleness=StalenessPolicy(
        horizon=timedelta(days=28), max_decay=0.75, steps=2, rows=300, max_data_age=timedelta(days=7)
    ),
    stability=StabilityPolicy(refits=5, rows=300, max_loss_spread=0.5, max_answer_spread=0.5),
    reproducibility=ReproducibilityPolicy(timeout=timedelta(minutes=5), exact=True),
)


AUC_POLICY = POLICY.model_copy(update={"metric": Metric.AUC, "floors": {Metric.AUC: 0.65}})


NO_WORSE = POLICY.model_copy(update={"comparison": Comparison.NON_INFERIOR, "margin": 0.5})


def blocks_of(n_blocks: int, rows_per_block: int = 10) -> npt.NDArray[np.str_]:
    return np.array(
        [f"b{block:03d}" for block in range(n_blocks) for _ in range(rows_per_block)], dtype=np.str_
    )


def sided(rows: int) -> dict[Rule, dict[str, npt.NDArray[np.str_]]]:
    """Put rows in turn on the left and on the right, for the rules that look at groups."""
    sides = np.array(["left", "right"])[np.arange(rows) % 2]
    return {Rule.SLICES: {"side": sides}, Rule.FAIRNESS: {"side": sides}}


def off_by(
    challenger: npt.ArrayLike, n_blocks: int = 20, *, looks: int = 0, reference: float = 2.0
) -> JudgedSet:
    """Return a set on which the challenger is off by so much, the champion by 2, the baseline by 3."""
    blocks = blocks_of(n_blocks)
    rows = np.ones(blocks.size)
    offsets = np.broadcast_to(np.asarray(challenger, dtype=np.float64), rows.shape)
    labels = np.arange(blocks.size, dtype=np.float64)
    return JudgedSet(
        source=source_of(judged_set_id(blocks)),
        labels=labels,
        blocks=blocks,
        challenger=labels + offsets,
        champion=labels + reference,
        baseline=labels + 3.0,
        best=labels + reference,
        looks=looks,
        groups=sided(blocks.size),
    )


def evidence(recent: JudgedSet | None = None, golden: JudgedSet | None = None) -> GateEvidence:
    recent, golden = recent or off_by(1.0), golden or off_by(1.0)
    return GateEvidence(
        run_key=RUN,
        champion_digest="c" * 64,
        best_digest="b" * 64,
        challenger_digest=CHALLENGER,
        baseline_digest="e" * 64,
        recent=recent,
        golden=golden,
        constant=-50.0,
        agreement=Agreement(rows=400, largest_difference=1e-7, disagreeing_rows=0),
        measured=measured_well(recent, golden),
    )


GOOD = evidence()


def of_digest(found: GateEvidence, digest: str) -> GateEvidence:
    """Return the same evidence of another bundle."""
    sets = {
        name: replace(judged, source=replace(judged.source, digest=digest))
        for name, judged in (("recent", found.recent), ("golden", found.golden))
    }
    return replace(found, challenger_digest=digest, **sets)  # type: ignore[arg-type]


def on_recent(*offsets: float) -> tuple[GateEvidence, ...]:
    return tuple(evidence(recent=off_by(offset)) for offset in offsets)


def with_nan(judged: JudgedSet, role: str) -> JudgedSet:
    poisoned = np.array(getattr(judged, role))
    poisoned[7] = math.nan
    return replace(judged, **{role: poisoned})


def nan_on_recent(*roles: str) -> tuple[GateEvidence, ...]:
    return tuple(evidence(recent=with_nan(off_by(1.0), role)) for role in roles)


def nan_on_golden(*roles: str) -> tuple[GateEvidence, ...]:
    return tuple(evidence(golden=with_nan(off_by(1.0), role)) for role in roles)


def agreeing(rows: int, disagreeing: int, largest: float = 1e-7) -> GateEvidence:
    return replace(GOOD, agreement=Agreement(rows, largest, disagreeing))


FEW_RECENT = evidence(recent=off_by(0.0, n_blocks=13))


FEW_GOLDEN = evidence(golden=off_by(0.0, n_blocks=13))


def first_ever(found: GateEvidence) -> GateEvidence:
    return replace(
        found,
        champion_digest=None,
        best_digest=None,
        recent=replace(found.recent, champion=None),
        golden=replace(found.golden, best=None),
    )


def ranked(separation: float, n_blocks: int = 20, seed: int = 0) -> tuple[JudgedSet, Floats]:
    """Return a binary set and the noise under the answers; the champion separates by 0.5."""
    source = np.random.default_rng(seed)
    blocks = blocks_of(n_blocks, 40)
    labels = (source.random(blocks.size) < 0.3).astype(np.float64)
    noise = source.normal(size=blocks.size)
    champion = 0.5 * labels + noise
    challenger = separation * labels + noise
    source = source_of(judged_set_id(blocks))
    judged = JudgedSet(source, labels, blocks, challenger, champion, noise, champion, 0)
    return judged, noise
