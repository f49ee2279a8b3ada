"""Is the challenger worth its size?"""

from collections.abc import Iterator
from dataclasses import dataclass

from millrace.domain.config import GateSection, Rule, SimplerPolicy
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import confidence_at_look, judge_superior, measure, too_few_blocks
from millrace.domain.gate.evidence import GateEvidence, asked_of
from millrace.domain.gate.finding import Finding
from millrace.domain.gate.floors import constant_answers
from millrace.domain.gate.measurement import Measurement, NoEvidenceError
from millrace.domain.gate.parts import join_parts
from millrace.domain.losses import FloatArray
from millrace.domain.metric_terms import HALF
from millrace.domain.verdict import Outcome, Verdict


@dataclass(frozen=True, eq=False)
class Refitted:
    """The estimator of the champion, fitted to the rows that the challenger learned from.

    `scorer_bytes` is the size of the champion's own scorer: that of its kind. From `threshold` on its answers
    are the positive class.
    """

    estimator: str
    scorer_bytes: int
    answers: FloatArray
    threshold: float = HALF


@dataclass(frozen=True, eq=False)
class Simpler(Measurement):
    """How large the scorers are that are compared; `previous` where the champion is of another estimator.

    `why_no_previous` says why it is not there; needed once there is a champion.
    """

    scorer_bytes: int
    baseline_bytes: int
    previous: Refitted | None
    why_no_previous: str = ""


def judge_simpler(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether the challenger surely gains more than `min_gain` on everything smaller than itself.

    Smaller is what has a smaller scorer: one answer for all rows always, the linear model and the champion's
    estimator where they take fewer bytes. It must win against each, so no bound needs a correction for their
    number. `constant` and `linear_baseline` ask whether it is any worse, this asks what its size is for.

    References
    ----------
    One must win against all: Berger, "Multiparameter Hypothesis Testing and Acceptance Sampling",
    Technometrics 24(4), 1982 (intersection-union test).
    """
    found = evidence.find(Rule.SIMPLER, Simpler)
    limits = asked_of(policy.simpler, Rule.SIMPLER)
    if not found.scorer_bytes or not found.baseline_bytes:
        raise NoEvidenceError(Code.EMPTY, "a scorer of 0 bytes was measured")
    if (few := too_few_blocks(Rule.SIMPLER, evidence.recent, policy)) is not None:
        return few
    parts = [
        _gain_on("one answer for all", constant_answers(evidence), evidence, policy, limits, HALF),
        *_judge_linear(found, evidence, policy, limits),
        *_judge_previous(found, evidence, policy, limits),
    ]
    return join_parts(Rule.SIMPLER, parts)


def _judge_linear(
    found: Simpler, evidence: GateEvidence, policy: GateSection, limit: SimplerPolicy
) -> Iterator[Finding]:
    if evidence.challenger_digest == evidence.baseline_digest:
        yield _not_asked("it is the linear model")
    elif found.baseline_bytes >= found.scorer_bytes:
        yield _not_asked(_no_smaller("the linear model", found.baseline_bytes, found.scorer_bytes))
    else:
        yield _gain_on("the linear model", evidence.recent.baseline, evidence, policy, limit)


def _judge_previous(
    found: Simpler, evidence: GateEvidence, policy: GateSection, limit: SimplerPolicy
) -> Iterator[Finding]:
    previous = found.previous
    if previous is None:
        if found.why_no_previous:
            yield _not_asked(found.why_no_previous)
        elif evidence.champion_digest is not None:
            raise NoEvidenceError(Code.ABSENT, "the champion's estimator was not looked at")
    elif previous.scorer_bytes >= found.scorer_bytes:
        who = f"the champion's {previous.estimator}"
        yield _not_asked(_no_smaller(who, previous.scorer_bytes, found.scorer_bytes))
    elif previous.answers.shape != evidence.recent.challenger.shape:
        shapes = f"{previous.answers.shape} answers beside {evidence.recent.challenger.shape}"
        raise NoEvidenceError(Code.OTHER_ROWS, f"{shapes} of the challenger")
    else:
        who = f"the champion's {previous.estimator}, fitted again"
        yield _gain_on(who, previous.answers, evidence, policy, limit, previous.threshold)


def _gain_on(
    who: str,
    answers: FloatArray,
    evidence: GateEvidence,
    policy: GateSection,
    limit: SimplerPolicy,
    threshold: float | None = None,
) -> Finding:
    confidence = confidence_at_look(policy.confidence, evidence.recent.looks)
    measured = measure(evidence.recent, answers, confidence, policy, who, threshold=threshold)
    verdict = judge_superior(Rule.SIMPLER, measured, limit.min_gain)
    reason = f"on {who}: {verdict.reason}"
    return Finding(Rule.SIMPLER, verdict.outcome, reason, verdict.code, bars=verdict.bars)


def _not_asked(reason: str) -> Finding:
    return Finding(Rule.SIMPLER, Outcome.PASS, reason, Code.NOT_ASKED)


def _no_smaller(who: str, theirs: int, own: int) -> str:
    return f"{who} is no smaller, {theirs:,} bytes beside {own:,}"
