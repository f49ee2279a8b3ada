"""Does each feature bring something, or only costs?"""

from collections.abc import Sequence
from dataclasses import dataclass

from millrace.domain.config import FeaturesPolicy, GateSection, Metric, Rule
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence, asked_of
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.measurement import Measurement, NoEvidenceError
from millrace.domain.gate.parts import join_parts
from millrace.domain.listing import name_some
from millrace.domain.losses import name_loss
from millrace.domain.verdict import Outcome, Verdict

_NAMED = 6


@dataclass(frozen=True)
class FeatureUse:
    """What a feature brings: the loss that its values shuffled cost, with a one-sided bound on either side.

    The bounds of all features hold together. They are None where there are too few blocks for one.
    `null_share` is what it has no value for: with the delivery itself it is what a feature costs.
    """

    name: str
    gain: float
    lower: float | None
    upper: float | None
    null_share: float


@dataclass(frozen=True)
class FeatureUses(Measurement):
    """What each of the bundle's `features` brings, by `metric` on `rows` judged rows."""

    metric: Metric
    features: tuple[str, ...]
    rows: int
    uses: tuple[FeatureUse, ...]


def judge_features(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether each feature is worth its delivery.

    A feature without which surely more than `max_harm` less is lost fails. One that surely brings less than
    `min_gain` is idle: it is told, and fails where more are idle than may be. As long as it is not sure how
    many are, nothing is decided.

    References
    ----------
    Breiman, "Random Forests", Machine Learning 45 (2001), section 10.
    """
    found = evidence.find(Rule.FEATURES, FeatureUses)
    limits = asked_of(policy.features, Rule.FEATURES)
    if not found.rows or not found.uses:
        counts = f"{len(found.uses)} features shuffled on {found.rows} rows, 1 needed of each"
        raise NoEvidenceError(Code.EMPTY, counts)
    if missing := sorted({*found.features} - {one.name for one in found.uses}):
        raise NoEvidenceError(Code.ABSENT, f"not shuffled: {name_some(missing, _NAMED)}")
    unbounded = [one.name for one in found.uses if one.lower is None or one.upper is None]
    if unbounded:
        told = f"too few blocks to bound what {name_some(unbounded, _NAMED)} bring"
        raise NoEvidenceError(Code.TOO_FEW, f"{told}: {found.rows} rows")
    parts = [_judge_harm(found, limits), _judge_idle(found, limits)]
    return join_parts(Rule.FEATURES, parts, [_bar_of(one, found.metric, limits) for one in found.uses])


def _judge_harm(found: FeatureUses, limits: FeaturesPolicy) -> Finding:
    needed = f"needed at most {limits.max_harm:g}"
    harmful = [one for one in found.uses if _least_harm(one) > limits.max_harm]
    if harmful:
        told = [f"{one.name} (at least {_least_harm(one):.3g})" for one in harmful]
        reason = f"less {name_loss(found.metric)} without {name_some(told, _NAMED)}, {needed}"
        return Finding(Rule.FEATURES, Outcome.FAIL, reason, Code.MISSED)
    unsure = [one for one in found.uses if _largest_harm(one) > limits.max_harm]
    if unsure:
        told = [f"{one.name} (up to {_largest_harm(one):.3g})" for one in unsure]
        reason = f"perhaps less {name_loss(found.metric)} without {name_some(told, _NAMED)}, {needed}"
        return Finding(Rule.FEATURES, Outcome.INCONCLUSIVE, reason, Code.UNSURE)
    return Finding(Rule.FEATURES, Outcome.PASS, f"none of {len(found.uses)} features harms", Code.CLEARED)


def _judge_idle(found: FeatureUses, limits: FeaturesPolicy) -> Finding:
    idle = [one for one in found.uses if (one.upper or 0.0) < limits.min_gain]
    unsure = [one for one in found.uses if one not in idle and (one.lower or 0.0) < limits.min_gain]
    brings = f"bring less than {limits.min_gain:g} of {name_loss(found.metric)}"
    told = f"{len(idle)} of {len(found.uses)} surely {brings}"
    if idle:
        told += f" and can be removed: {name_some([_spell_cost(one) for one in idle], _NAMED)}"
    most = _most_idle(len(found.uses), limits)
    if most is None:
        return Finding(Rule.FEATURES, Outcome.PASS, f"{told} (told only)", Code.CLEARED)
    reason = f"{told}, needed at most {most}"
    if len(idle) > most:
        return Finding(Rule.FEATURES, Outcome.FAIL, reason, Code.MISSED)
    if len(idle) + len(unsure) > most:
        perhaps = name_some([one.name for one in unsure], _NAMED)
        return Finding(Rule.FEATURES, Outcome.INCONCLUSIVE, f"{reason}; perhaps also {perhaps}", Code.UNSURE)
    return Finding(Rule.FEATURES, Outcome.PASS, reason, Code.CLEARED)


def _most_idle(features: int, limits: FeaturesPolicy) -> int | None:
    """Return how many may be idle: the smaller of number and share, None where neither is asked for."""
    numbers: Sequence[int] = [
        *([limits.max_idle_features] if limits.max_idle_features is not None else []),
        *([int(limits.max_idle_share * features + 1e-9)] if limits.max_idle_share is not None else []),
    ]
    return min(numbers, default=None)


def _least_harm(one: FeatureUse) -> float:
    return 0.0 - (one.upper or 0.0)


def _largest_harm(one: FeatureUse) -> float:
    return 0.0 - (one.lower or 0.0)


def _spell_cost(one: FeatureUse) -> str:
    return f"{one.name} ({one.null_share:.1%} null)"


def _bar_of(one: FeatureUse, metric: Metric, limits: FeaturesPolicy) -> Bar:
    name = f"{name_loss(metric)} that {one.name} saves"
    return Bar(name, one.gain, one.lower, one.upper, limit=limits.min_gain, is_floor=True)
