"""Does what the challenger predicts come as often, or as much, as it predicts?"""

import math
from collections.abc import Iterator

import numpy as np

from millrace.domain.bootstrap import Interval, excess_interval
from millrace.domain.calibration import calibration_interval, calibration_loss, told_and_actual
from millrace.domain.config import GateSection, Rule
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import SEED, confidence_at_look, too_few_blocks
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, asked_of
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.measurement import NoEvidenceError
from millrace.domain.gate.parts import join_parts
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray
from millrace.domain.verdict import Outcome, Verdict

RULE = Rule.CALIBRATION


def judge_calibration(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge the expected calibration error of the challenger on the recent and on the golden set.

    It passes when it surely is within `max_error` on both, and surely no more than `max_harm` above the
    champion's. All must hold, so each is asked at the full confidence.

    References
    ----------
    An intersection of tests, each at its own level, has that level: Berger, *Multiparameter hypothesis
    testing and acceptance sampling* (Technometrics 24, 1982).
    """
    recent = confidence_at_look(policy.confidence, evidence.recent.looks)
    parts = [
        *_judge_set("recent", evidence, evidence.recent, policy, recent),
        *_judge_set("golden", evidence, evidence.golden, policy, policy.confidence),
    ]
    return join_parts(RULE, parts)


def _judge_set(
    name: str, evidence: GateEvidence, judged: JudgedSet, policy: GateSection, confidence: float
) -> Iterator[Finding]:
    asked = asked_of(policy.calibration, RULE)
    if (few := too_few_blocks(RULE, judged, policy)) is not None:
        yield Finding(RULE, few.outcome, f"{name}: {few.reason}", few.code)
        return
    told, actual = _told(name, "challenger", judged, judged.challenger)
    positions, rounds = judged.block_positions, policy.rounds
    found = calibration_interval(told, actual, positions, rounds=rounds, confidence=confidence, seed=SEED)
    chance = f"{found.lower:.3g} to {found.upper:.3g} but for chance"
    yield _held(name, f"mean distance {found.mean:.3g} ({chance})", found, asked.max_error)
    if asked.max_harm is None or evidence.champion_digest is None:
        return
    if judged.champion is None:
        reason = f"{name}: the champion was not scored, so its calibration is not known"
        yield Finding(RULE, Outcome.INCONCLUSIVE, reason, Code.UNCOMPARABLE)
        return
    losses = [
        calibration_loss(*pair, positions)
        for pair in ((told, actual), _told(name, "champion", judged, judged.champion))
    ]
    harm = excess_interval(losses[0], losses[1], rounds, confidence, SEED)
    bounds = f"{harm.mean:.3g} more ({harm.lower:.3g} to {harm.upper:.3g})"
    yield _held(f"{name} harm", f"{bounds} than the champion's {losses[1].point:.3g}", harm, asked.max_harm)


def _told(name: str, who: str, judged: JudgedSet, answers: FloatArray) -> tuple[FloatArray, FloatArray]:
    odd = int(np.count_nonzero(~np.isfinite(answers))) + int(np.count_nonzero(~np.isfinite(judged.labels)))
    if odd:
        raise NoEvidenceError(
            Code.NOT_FINITE, f"{odd} {name} labels and answers of the {who} are NaN or infinite"
        )
    task = Task.MULTICLASS if answers.ndim > 1 else Task.REGRESSION
    return told_and_actual(answers, judged.labels, task)


def _held(name: str, what: str, found: Interval, limit: float) -> Finding:
    bar = Bar(name, found.mean, found.lower, found.upper, limit)
    reason = f"{name}: {what}, {limit:g} allowed"
    if not math.isfinite(found.mean + found.lower + found.upper):
        return Finding(RULE, Outcome.INCONCLUSIVE, reason, Code.NOT_FINITE, bars=(bar,))
    outcome = Outcome.INCONCLUSIVE
    if found.upper <= limit:
        outcome = Outcome.PASS
    elif found.lower > limit:
        outcome = Outcome.FAIL
    return Finding(RULE, outcome, reason, bars=(bar,))
