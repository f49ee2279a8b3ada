"""How often does the gate find answers that are worse, brittle, too sure, or not what its owner knows?

Run `python -m benchmarks.gate.answers`. Each is planted in a real model on the first quarter of flights, and
a clean one stands beside it, on other rows for each seed.

A worse model learned from labels of which two fifths are turned; beside a champion of the right ones it must
neither be called better nor let pass on golden rows, and the other way round it must be let through. One that
learned from labels in any order is no better than a constant, below every floor. The brittle one knows who is
late by whether a number is odd, which noise hides, or by one column alone, which may be null. The one that is
too sure learned each late flight three times. The owner's test says that a feature raises the answer; the
planted model learned the opposite. What nobody can rely on is spoilt after the training: answers that differ
from the pipeline's, one that is NaN, too few days, a golden set that is worn out. A defect counts as caught
where it does not pass.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.gate.planted_flights import (
    SEEDS,
    count_verdicts,
    first_quarter,
    flights,
    sample,
    seeded,
    taught,
)
from benchmarks.report import Figure, Report, make_report, run
from millrace.domain.answers import measure_agreement
from millrace.domain.config import ModelConfig
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.losses import FloatArray
from millrace.domain.verdict import Verdict
from millrace.steps.gate.case import Case
from millrace.steps.rows import LabelledRows, SplitRows
from tests.steps.gate.cases import judge_case, make_case, split_frame, train_on, with_columns

SHARE = 0.3
TREES = 40
PACKAGES = ("scikit-learn", "numpy", "onnxruntime", "skl2onnx")

SECTIONS: dict[str, dict[str, Any]] = {
    "robustness": {
        "rows": 5_000,
        "noise": {"share": 0.1, "max_excess_loss": 0.05},
        "missing": {"share": 0.2, "max_excess_loss": 0.05},
    },
    "calibration": {"max_error": 0.1},
    "behaviour": {"timeout": "1m"},
}
CASES = (
    ("recent_champion", "clean"),
    ("recent_champion", "turned labels"),
    ("golden_best", "clean"),
    ("golden_best", "turned labels"),
    ("floors", "clean"),
    ("floors", "labels in any order"),
    ("constant", "clean"),
    ("constant", "labels in any order"),
    ("robustness", "clean"),
    ("robustness", "odd or even"),
    ("robustness", "one column"),
    ("calibration", "clean"),
    ("calibration", "late ones thrice"),
    ("behaviour", "clean"),
    ("behaviour", "the opposite"),
    ("agreement", "clean"),
    ("agreement", "one row of a hundred off"),
    ("finite", "clean"),
    ("finite", "one answer is NaN"),
    ("recent_blocks", "clean"),
    ("recent_blocks", "a week judges"),
    ("golden_blocks", "clean"),
    ("golden_blocks", "a twentieth is golden"),
    ("golden_looks", "clean"),
    ("golden_looks", "looked at too often"),
)
KNOWN = """
from millrace.checks import assert_rises, usual_row

def test_a_longer_queue_makes_it_late():
    assert_rises("flights", usual_row("flights"), "queue", [-2.0, 0.5, 3.0])
"""


def measure(seeds: int) -> Report:
    """Judge as many clean and as many planted models by each rule."""
    with first_quarter(tests__test_known=KNOWN) as frame:
        figures = [figure for rule, planted in CASES for figure in _figures(rule, planted, frame, seeds)]
    title = f"Planted defects and clean models on flights, {seeds} of each, {SHARE:.0%} of the rows each"
    return make_report("gate.answers", title, tuple(figures), PACKAGES)


def _figures(rule: str, planted: str, frame: pd.DataFrame, seeds: int) -> list[Figure]:
    def judge(seed: int) -> Verdict:
        config = seeded(flights(rule, SECTIONS.get(rule)), seed, max_iter=TREES)
        # a fifth of two months would be fewer golden days than min_blocks
        golden = config.golden.model_copy(update={"share": 0.4})
        config = config.model_copy(update={"golden": golden})
        return _JUDGES[rule](config, sample(frame, seed, SHARE), seed, planted)

    return count_verdicts(f"{rule}, {planted}", judge, seeds, is_planted=planted != "clean")[1]


def _judge_beside(rule: str) -> "Judge":
    """Judge a right one beside a champion of turned labels, or the other way round."""

    def judge(config: ModelConfig, rows: pd.DataFrame, seed: int, planted: str) -> Verdict:
        right = split_frame(config, rows)
        labels = right.training.labels
        wrong = taught(
            right, np.where(np.random.default_rng([seed, 1]).random(labels.size) < 0.4, 1 - labels, labels)
        )
        theirs, mine = (wrong, right) if planted == "clean" else (right, wrong)
        champion = train_on(config, theirs).digest
        return judge_case(make_case(config, mine, champion=champion), rule)

    return judge


def _judge_alone(rule: str) -> "Judge":
    """Judge one that learned right labels, or the same in any order."""

    def judge(config: ModelConfig, rows: pd.DataFrame, seed: int, planted: str) -> Verdict:
        split = split_frame(config, rows)
        if planted != "clean":
            split = taught(split, np.random.default_rng([seed, 2]).permutation(split.training.labels))
        return judge_case(make_case(config, split), rule)

    return judge


def _judge_robustness(config: ModelConfig, rows: pd.DataFrame, seed: int, planted: str) -> Verdict:
    luck = np.random.default_rng([seed, 3])
    told = {
        "clean": luck.normal(size=len(rows)),
        "odd or even": 2.0 * luck.integers(0, 8, len(rows)) + rows["delayed"],
        "one column": 3.0 * rows["delayed"] + luck.normal(size=len(rows)),
    }
    rows["gate_number"] = told[planted]
    config = with_columns(config, {"gate_number": "float"}, {})
    return judge_case(make_case(config, split_frame(config, rows)), "robustness")


def _judge_calibration(config: ModelConfig, rows: pd.DataFrame, _seed: int, planted: str) -> Verdict:
    split = split_frame(config, rows)
    return judge_case(make_case(config, split if planted == "clean" else _thrice(split)), "calibration")


def _thrice(split: SplitRows) -> SplitRows:
    times = np.where(split.training.labels > 0, 3, 1)
    frame, labels, blocks = split.training.frame, split.training.labels, split.training.blocks
    places = np.repeat(np.arange(len(frame)), times)
    return replace(split, training=LabelledRows(frame.iloc[places], labels[places], blocks[places]))


def _judge_integrity(rule: str) -> "Judge":
    """Judge a bundle whose answers, rows or golden set cannot be relied on."""

    def judge(config: ModelConfig, rows: pd.DataFrame, seed: int, planted: str) -> Verdict:
        if planted == "a week judges":
            recent = config.recent.model_copy(update={"window": timedelta(days=7)})
            config = config.model_copy(update={"recent": recent})
        if planted == "a twentieth is golden":
            golden = config.golden.model_copy(update={"share": 0.05})
            config = config.model_copy(update={"golden": golden})
        case = make_case(config, split_frame(config, rows))
        return judge_case(replace(case, evidence=_spoilt(case, seed, planted)), rule)

    return judge


def _spoilt(case: Case, seed: int, planted: str) -> GateEvidence:
    evidence, luck = case.evidence, np.random.default_rng([seed, 5])
    answers = evidence.golden.challenger.copy()
    if planted == "one row of a hundred off":
        off = luck.choice(answers.size, answers.size // 100, replace=False)
        other = answers.copy()
        other[off] += 0.01
        apart = measure_agreement(answers, other, case.config.gate.agreement_tolerance)
        return replace(evidence, agreement=apart)
    if planted == "one answer is NaN":
        answers[luck.integers(answers.size)] = np.nan
        return replace(evidence, golden=replace(evidence.golden, challenger=answers))
    if planted == "looked at too often":
        looks = case.config.gate.max_looks
        return replace(evidence, golden=replace(evidence.golden, looks=looks))
    return evidence


def _judge_behaviour(config: ModelConfig, rows: pd.DataFrame, seed: int, planted: str) -> Verdict:
    signs: FloatArray = np.where(rows["delayed"] > 0, 1.0, -1.0) * (1.0 if planted == "clean" else -1.0)
    rows["queue"] = signs + np.random.default_rng([seed, 4]).normal(size=len(rows))
    config = with_columns(config, {"queue": "float"}, {})
    return judge_case(make_case(config, split_frame(config, rows)), "behaviour")


Judge = Callable[[ModelConfig, pd.DataFrame, int, str], Verdict]

_JUDGES: dict[str, Judge] = {
    "recent_champion": _judge_beside("recent_champion"),
    "golden_best": _judge_beside("golden_best"),
    "floors": _judge_alone("floors"),
    "constant": _judge_alone("constant"),
    "robustness": _judge_robustness,
    "calibration": _judge_calibration,
    "behaviour": _judge_behaviour,
    **{
        rule: _judge_integrity(rule)
        for rule in ("agreement", "finite", "recent_blocks", "golden_blocks", "golden_looks")
    },
}


if __name__ == "__main__":
    run(measure, SEEDS, __doc__)
