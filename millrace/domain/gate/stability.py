"""How much of a model is luck: in the rows it happened to learn from, and in its seed?"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from millrace.domain.config import GateSection, Rule
from millrace.domain.gate.code import USUAL, Code
from millrace.domain.gate.comparison import loss_on, too_few_blocks
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, asked_of
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.measurement import Measurement, NoEvidenceError
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray, UnpairedLossesError, name_metric
from millrace.domain.metric_terms import HALF
from millrace.domain.verdict import Outcome, Verdict, worst_of


@dataclass(frozen=True, eq=False)
class Stability(Measurement):
    """What refits answer to the recent rows: shape (refits, n_rows), or (refits, n_rows, n_classes).

    Each refit has learned from about `training_rows`.
    """

    task: Task
    answers: FloatArray
    training_rows: int


@dataclass(frozen=True)
class Spread:
    """How far refits are apart, with a one-sided bound on either side."""

    value: float
    lower: float
    upper: float


def judge_stability(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge how far apart refits are, in what they lose and in what they answer.

    The doubt is about the few refits and not about the judged rows, which are the same for all: so looks at
    them ask for no more confidence.
    """
    rule, recent = Rule.STABILITY, evidence.recent
    limits = asked_of(policy.stability, rule)
    if (few := too_few_blocks(rule, recent, policy)) is not None:
        return few
    found = evidence.find(rule, Stability)
    if len(found.answers) < limits.refits:
        raise NoEvidenceError(Code.TOO_FEW, f"{len(found.answers)} refits, {limits.refits} needed")
    lost = loss_spread(_losses(found.answers, recent, policy), policy.confidence)
    # each training chooses its own threshold; at that of the challenger decisions are compared
    threshold = recent.thresholds.get("challenger", HALF)
    answered = answer_spread(found.answers, found.task, threshold, policy.confidence)
    told = (
        _judge_spread(
            f"{name_metric(policy.metric)} of {len(found.answers)} refits deviates by",
            lost,
            limits.max_loss_spread,
            policy.confidence,
        ),
        _judge_spread(_name_spread(found.task), answered, limits.max_answer_spread, policy.confidence),
    )
    worst = worst_of(told)
    bars = (
        Bar("deviation of the loss", lost.value, lost.lower, lost.upper, limits.max_loss_spread),
        Bar(_name_bar(found.task), answered.value, answered.lower, answered.upper, limits.max_answer_spread),
    )
    return Finding(rule, worst.outcome, "; ".join(one.reason for one in told), worst.code, bars=bars)


def loss_spread(losses: FloatArray, confidence: float) -> Spread:
    """Return the standard deviation of losses, shape (refits,), with bounds as for normal ones.

    References
    ----------
    Interval for a variance by chi-squared: Wasserman, *All of Statistics* (2004), section 6.3.2.
    """
    from scipy.special import gammaincinv

    freedom = losses.size - 1
    deviation = float(np.std(losses, ddof=1))

    def bound(share: float) -> float:
        # the inverse of the chi-squared distribution, without the second that scipy.stats takes to import
        return deviation * math.sqrt(freedom / (2.0 * float(gammaincinv(freedom / 2.0, share))))

    return Spread(deviation, bound(confidence), bound(1.0 - confidence))


def answer_spread(answers: FloatArray, task: Task, threshold: float, confidence: float) -> Spread:
    """Return how far apart the answers of refits to one row are, as a mean over the rows.

    Parameters
    ----------
    answers : shape (refits, n_rows) or (refits, n_rows, n_classes)

    Returns
    -------
    Spread
        Of classes the share of decisions on which two refits differ, of numbers the standard deviation. The
        bounds are those of a jackknife over the refits, of the logarithm, for what is near 0 is skewed
        (simulated: at 95 % the truth is above the upper one in 4 to 10 % of the cases).

    References
    ----------
    Churn between two trainings: Milani Fard et al., "Launch and Iterate: Reducing Prediction Churn", NIPS
    2016. Jackknife: Efron and Stein, "The Jackknife Estimate of Variance", Annals of Statistics 9(3), 1981.

    >>> answer_spread(np.array([[0.2, 0.9], [0.8, 0.9], [0.1, 0.9]]), Task.BINARY, 0.5, 0.95).value
    0.3333333333333333
    """
    from scipy.special import stdtrit

    spread, values = _spread_of(answers, task, threshold)
    value, refits = spread(values), len(values)
    if value == 0.0:
        return Spread(0.0, 0.0, 0.0)
    without = np.array([spread(np.delete(values, at, axis=0)) for at in range(refits)])
    error = math.sqrt((refits - 1) / refits * float(np.square(without - without.mean()).sum()))
    # of so many refits only half as many pairs have nothing in common
    factor = math.exp(float(stdtrit((refits - 1) / 2.0, confidence)) * error / value)
    return Spread(value, value / factor, value * factor)


def _spread_of(
    answers: FloatArray, task: Task, threshold: float
) -> tuple[Callable[[npt.NDArray[np.generic]], float], npt.NDArray[np.generic]]:
    match task:
        case Task.REGRESSION:
            return _deviation, answers
        case Task.BINARY:
            return _churn, answers >= threshold
        case Task.MULTICLASS:
            return _churn, answers.argmax(axis=2)


def _deviation(answers: npt.NDArray[np.generic]) -> float:
    return float(np.std(answers.astype(np.float64), axis=0, ddof=1).mean())


def _churn(decisions: npt.NDArray[np.generic]) -> float:
    """Return the share of decisions on which two differ, over all pairs of them and all rows."""
    pairs = [
        float((decisions[one] != decisions[other]).mean())
        for one in range(len(decisions))
        for other in range(one)
    ]
    return float(np.mean(pairs))


def _losses(refits: FloatArray, recent: JudgedSet, policy: GateSection) -> FloatArray:
    at = recent.thresholds.get("challenger", HALF)
    losses = [loss_on(recent, answers, policy.metric, policy, at).point for answers in refits]
    if not all(map(math.isfinite, losses)):
        raise UnpairedLossesError("a loss that is undefined", "labels of more than one class")
    return np.array(losses)


def _judge_spread(what: str, spread: Spread, limit: float, confidence: float) -> Verdict:
    at_least, at_most = f"at least {spread.lower:.3g}", f"at most {spread.upper:.3g}"
    if spread.upper <= limit:
        outcome, bound = Outcome.PASS, at_most
    elif spread.lower > limit:
        outcome, bound = Outcome.FAIL, at_least
    else:
        outcome, bound = Outcome.INCONCLUSIVE, f"{at_least}, {at_most}"
    reason = f"{what} {spread.value:.3g} ({confidence * 100:g} % {bound}), needed at most {limit:g}"
    return Verdict(Rule.STABILITY, outcome, reason, USUAL[outcome])


def _name_spread(task: Task) -> str:
    if task is Task.REGRESSION:
        return "their answers to a row deviate by"
    return "two of them decide otherwise on a share of"


def _name_bar(task: Task) -> str:
    return "deviation of the answers" if task is Task.REGRESSION else "decisions that differ"
