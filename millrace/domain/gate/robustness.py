"""Do the answers hold when rows are a little otherwise?"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from millrace.domain.bootstrap import loss_interval
from millrace.domain.config import GateSection, Rule
from millrace.domain.config.gate.robustness import AttackPolicy, RobustnessPolicy
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import (
    SEED,
    confidence_at_look,
    judge_non_inferior,
    measure,
    too_few_blocks,
)
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, asked_of
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.parts import join_parts, nothing_to_ask
from millrace.domain.gate.tried import (
    MISSING,
    NOISE,
    UNKNOWN,
    Attack,
    Change,
    Robustness,
    take_tried,
)
from millrace.domain.losses import MeanBlockLoss
from millrace.domain.metric_terms import HALF
from millrace.domain.verdict import Outcome, Verdict

RULE = Rule.ROBUSTNESS

_LACKS = {
    NOISE: "no feature is a number",
    MISSING: "no feature may be null",
    UNKNOWN: "no feature may have a category that nobody has seen",
}


def judge_robustness(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether the answers hold: every part that is asked for must pass by itself.

    What is lost by a change is measured on the same rows of the recent set, and its bounds are those of every
    comparison. A part that the model has no feature for decides nothing, and is said.
    """
    found, asked = evidence.find(RULE, Robustness), asked_of(policy.robustness, RULE)
    sample = take_tried(evidence.recent, found.positions)
    parts = [_alike(found), _extremes(found), *_changes(found, asked, sample, policy)]
    parts += _monotone(found, asked)
    if asked.attack is not None:
        parts.append(_attack(found, asked.attack, evidence.recent, policy))
    return join_parts(RULE, parts)


def _absent(what: str) -> Finding:
    return Finding(RULE, Outcome.INCONCLUSIVE, f"{what}: it was not measured", Code.ABSENT)


def _incomplete(what: str, tried: int, needed: int) -> Finding:
    reason = f"{what}: {tried} tried, the bundle has {needed}"
    return Finding(RULE, Outcome.INCONCLUSIVE, reason, Code.ABSENT)


def _alike(found: Robustness) -> Finding:
    asked = [one for one in found.alike if one.columns]
    rows = min((one.rows for one in asked), default=0)
    if not rows:
        reason = "invariances: 0 rows were told in another way, 1 needed"
        return Finding(RULE, Outcome.INCONCLUSIVE, reason, Code.TOO_FEW)
    names = ", ".join(one.name for one in asked)
    worst = max(asked, key=lambda one: one.differing / one.rows)
    bar = Bar("answered otherwise", worst.differing / worst.rows, limit=0.0)
    if worst.differing:
        reason = (
            f"{worst.differing} of {worst.rows} rows are answered otherwise with {worst.name}, none may be"
        )
        return Finding(RULE, Outcome.FAIL, reason, bars=(bar,))
    return Finding(RULE, Outcome.PASS, f"{rows} rows are answered the same with {names}", bars=(bar,))


def _extremes(found: Robustness) -> Finding:
    if len(found.extremes) != found.to_try.extremes:
        return _incomplete("extreme values", len(found.extremes), found.to_try.extremes)
    if not found.extremes:
        return nothing_to_ask(RULE, "extreme values", _LACKS[NOISE])
    rows = sum(one.rows for one in found.extremes)
    if min(one.rows for one in found.extremes) < 1:
        return Finding(
            RULE, Outcome.INCONCLUSIVE, f"extreme values: {rows} rows were asked about", Code.TOO_FEW
        )
    odd = [one for one in found.extremes if one.odd]
    if odd:
        reason = (
            f"{odd[0].odd} of {odd[0].rows} answers are NaN or infinite with {odd[0].name}, none may be: "
            "set what can be as min and max in [contract.columns]"
        )
        return Finding(RULE, Outcome.FAIL, reason, Code.NOT_FINITE)
    return Finding(RULE, Outcome.PASS, f"all {rows} answers to extreme values are finite")


def _changes(
    found: Robustness, asked: RobustnessPolicy, sample: JudgedSet, policy: GateSection
) -> Iterator[Finding]:
    by_name = {one.name: one for one in found.changes}
    for name, limits in ((NOISE, asked.noise), (MISSING, asked.missing), (UNKNOWN, asked.unknown)):
        if limits is None:
            continue
        change = by_name.get(name)
        if change is None:
            yield _absent(name)
        elif change.columns != (needed := found.to_try.features_for(name)):
            yield _incomplete(f"features for {name}", change.columns, needed)
        elif not change.columns:
            yield nothing_to_ask(RULE, name, _LACKS[name])
        else:
            yield _change(change, limits.share, limits.max_excess_loss, sample, policy)


def _change(change: Change, share: float, limit: float, sample: JudgedSet, policy: GateSection) -> Finding:
    what = f"{change.name} of {share:.3g} in {change.columns} features"
    if change.odd or change.answers is None:
        reason = f"{what}: {change.odd} of {sample.labels.size} answers are NaN or infinite, none may be"
        outcome = Outcome.FAIL if change.odd else Outcome.INCONCLUSIVE
        return Finding(RULE, outcome, reason, Code.NOT_FINITE if change.odd else Code.ABSENT)
    if (few := too_few_blocks(RULE, sample, policy)) is not None:
        return Finding(RULE, few.outcome, f"{what}: {few.reason}", few.code)
    confidence = confidence_at_look(policy.confidence, sample.looks)
    changed = replace(sample, challenger=change.answers)
    threshold = sample.thresholds.get("challenger", HALF)
    measured = measure(changed, sample.challenger, confidence, policy, threshold=threshold)
    verdict = judge_non_inferior(RULE, measured, limit)
    excess = measured.excess
    bar = Bar(f"lost by {change.name}", excess.mean, excess.lower, excess.upper, limit)
    return Finding(RULE, verdict.outcome, f"{what}: {verdict.reason}", verdict.code, bars=(bar,))


def _monotone(found: Robustness, asked: RobustnessPolicy) -> Iterator[Finding]:
    if asked.monotone is None:
        return
    by_name, limit = {one.name: one for one in found.monotone}, asked.monotone.max_wrong_share
    for name, way in asked.monotone.columns.items():
        steps = by_name.get(name)
        if steps is None:
            yield _absent(f"{name} {way}")
            continue
        if not steps.steps:
            reason = f"{name} {way}: no judged row has another value of it, so it took no step"
            yield Finding(RULE, Outcome.INCONCLUSIVE, reason, Code.TOO_FEW)
            continue
        share = steps.wrong / steps.steps
        reason = (
            f"{name} {way}: {steps.wrong} of {steps.steps} steps ({share:.2%}) go the wrong way, "
            f"by {steps.farthest:.3g} at most, {limit:.2%} allowed"
        )
        outcome = Outcome.PASS if share <= limit else Outcome.FAIL
        yield Finding(RULE, outcome, reason, bars=(Bar(f"wrong way with {name}", share, limit=limit),))


def _attack(found: Robustness, asked: AttackPolicy, judged: JudgedSet, policy: GateSection) -> Finding:
    attack, needed = found.attack, found.to_try.numbers
    if attack is None:
        return _absent("attack")
    if attack.columns != needed:
        return _incomplete("features for the attack", attack.columns, needed)
    if not attack.columns:
        return nothing_to_ask(RULE, "attack", _LACKS[NOISE])
    attacked = take_tried(judged, attack.positions)
    if (few := too_few_blocks(RULE, attacked, policy)) is not None:
        return Finding(RULE, few.outcome, f"attack: {few.reason}", few.code)
    hits, rows = int(np.count_nonzero(attack.found)), attack.positions.size
    confidence, limit = confidence_at_look(policy.confidence, judged.looks), asked.max_flip_rate
    lower, upper = _flip_bounds(attack, attacked, policy.rounds, confidence)
    what = (
        f"attack: {hits} of {rows} rows ({hits / rows:.1%}, {lower:.1%} to {upper:.1%}) are decided "
        f"otherwise within {asked.share:.3g} of each spread and {asked.queries} queries"
    )
    bar = Bar("decided otherwise under attack", hits / rows, lower, upper, limit)
    if limit is None:
        return Finding(RULE, Outcome.PASS, f"{what}, told only", Code.NOT_ASKED, bars=(bar,))
    outcome = Outcome.INCONCLUSIVE
    if upper <= limit:
        outcome = Outcome.PASS
    elif lower > limit:
        outcome = Outcome.FAIL
    return Finding(RULE, outcome, f"{what}, {limit:.1%} allowed", bars=(bar,))


def _flip_bounds(attack: Attack, attacked: JudgedSet, rounds: int, confidence: float) -> tuple[float, float]:
    """Bound the share of rows by blocks, and by rows: of none that was found, blocks alone say nothing."""
    from scipy.stats import beta

    hits, rows = int(np.count_nonzero(attack.found)), attack.positions.size
    sums = np.bincount(attacked.block_positions, weights=attack.found != 0).astype(np.float64)
    counts = np.bincount(attacked.block_positions).astype(np.float64)
    found = loss_interval(MeanBlockLoss(sums, counts, root=False), rounds, confidence, SEED)
    by_rows = 1.0 if hits == rows else float(beta.ppf(confidence, hits + 1, rows - hits))
    return max(0.0, found.lower), min(1.0, max(found.upper, by_rows))
