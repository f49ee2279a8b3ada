"""Is the challenger as safe as the champion, by what both did at the same time?

Each judge passes when the bound of its measure is within the limit, fails when the measure itself is beyond
it, and is inconclusive between the two, or below the least evidence. On labels both words need the bound.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from millrace.domain.rollout.bounds import Bounds, mean_bounds, share_bounds
from millrace.domain.rollout.evidence import ArmEvidence, Compared, Evidence
from millrace.domain.rollout.policy import Policy
from millrace.domain.rollout.sums import Sums
from millrace.domain.verdict import Outcome, Verdict

SLOW_SHARE = 0.05
"""Of requests may be slower than the 95th percentile times the ratio: the percentile itself, turned round."""

REFERENCE_REQUESTS = 100
"""Of the champion, below which there is nothing to compare with: nothing passes, only errors can fail."""

ROUNDING = 1e-6
"""Of a mean: a deviation below it is what sums of squares leave of equal numbers."""

LEAST_LABELS = 100
"""Below which nothing is said by labels: the bounds of a mean are those of many, and ten may all be alike."""

Judge = Callable[[Compared, Policy], Verdict | None]


def judge_errors(compared: Compared, policy: Policy) -> Verdict:
    """Judge the challenger's share of failed requests against the champion's."""
    ours, theirs = _error_bounds(compared, policy)
    found = f"errors {_spelled(compared.challenger)} against {_spelled(compared.champion)}"
    limit = policy.limits.max_excess_errors
    return _judge_bound("errors", found, _excess_errors(compared), ours.upper - theirs.lower, limit)


def judge_latency(compared: Compared, policy: Policy) -> Verdict | None:
    """Judge the challenger's 95th percentile against the champion's; None where no row was timed alike."""
    challenger, reference = compared.challenger, compared.champion.p95
    if reference is None or challenger.p95 is None:
        return None
    ratio = policy.limits.max_latency_ratio
    found = (
        f"p95 {challenger.p95 / 1000:.3g} ms against {reference / 1000:.3g} ms, "
        f"{challenger.slow} of {challenger.requests} slower than {ratio:g} times the champion's p95"
    )
    upper = share_bounds(challenger.slow, challenger.requests, policy.limits.alpha).upper
    return _judge_bound("latency", found, challenger.slow / challenger.requests, upper, SLOW_SHARE)


def judge_shift(compared: Compared, policy: Policy) -> Verdict | None:
    """Judge how far the mean answer moved, on the same rows where there are such.

    None without numbers, or where the champion says one thing to all: nothing tells how far is far.
    """
    spread = compared.champion.answers.deviation
    if not math.isfinite(spread) or spread <= ROUNDING * abs(compared.champion.answers.mean):
        return None
    if compared.shifts.n:
        moved, bounds = compared.shifts.mean, _mean_bounds(compared.shifts, policy)
    else:
        moved = compared.challenger.answers.mean - compared.champion.answers.mean
        bounds = _difference(compared.challenger.answers, compared.champion.answers, policy)
    if not math.isfinite(moved):
        return None
    furthest = max(abs(bounds.lower), abs(bounds.upper)) / spread
    return _judge_bound(
        "shift", f"mean answer moved by {moved / spread:.3g} deviations", abs(moved) / spread, furthest,
        policy.limits.max_shift,
    )  # fmt: skip


def judge_disagreement(compared: Compared, policy: Policy) -> Verdict | None:
    """Judge how often both would have decided otherwise on the same row; None where there is no such row."""
    if not compared.shifts.n:
        return None
    hits, rows = compared.disagreements, compared.shifts.n
    upper = share_bounds(hits, rows, policy.limits.alpha).upper
    found = f"{hits} of {rows} rows decided otherwise"
    return _judge_bound("disagreement", found, hits / rows, upper, policy.limits.max_disagreement)


def judge_loss(compared: Compared, policy: Policy) -> Verdict | None:
    """Judge by labels, as often as one likes: the bounds hold at all looks together.

    None with less than `LEAST_LABELS` of them.
    """
    rows = _compared_labels(compared)
    if rows < LEAST_LABELS:
        return None
    mean, bounds = _excess_loss(compared, policy)
    limit = policy.limits.max_excess_loss
    found = f"loss {mean:+.3g} on {rows} labels ({bounds.lower:+.3g} to {bounds.upper:+.3g})"
    if bounds.lower > limit:
        return Verdict("loss", Outcome.FAIL, f"{found}, surely more than {limit:g}")
    if bounds.upper <= limit:
        return Verdict("loss", Outcome.PASS, f"{found}, surely at most {limit:g}")
    return Verdict("loss", Outcome.INCONCLUSIVE, f"{found}, needed surely at most {limit:g}")


def judge_slices(evidence: Evidence, policy: Policy) -> Verdict | None:
    """Judge whether any slice is harmed, corrected for their number; None where none is configured."""
    if not evidence.slices:
        return None
    known = {name: one for name, one in evidence.slices.items() if _is_enough(one.challenger, policy)}
    if not known:
        return Verdict("slices", Outcome.INCONCLUSIVE, f"no slice has {policy.step_requests} requests yet")
    limits = replace(policy.limits, alpha=policy.limits.alpha / len(known))
    corrected = replace(policy, limits=limits)
    harmed = [
        f"{name}: {verdict.reason}"
        for name, one in known.items()
        for verdict in (_judge_harm(one, corrected), judge_loss(one, corrected))
        if verdict is not None and verdict.outcome is Outcome.FAIL
    ]
    few = len(evidence.slices) - len(known)
    rest = f", {few} with too few requests" if few else ""
    if harmed:
        return Verdict("slices", Outcome.FAIL, "; ".join(harmed))
    return Verdict("slices", Outcome.PASS, f"none of {len(known)} is surely harmed{rest}")


JUDGES: tuple[Judge, ...] = (judge_errors, judge_latency, judge_shift, judge_disagreement, judge_loss)


def judge_step(evidence: Evidence, policy: Policy, *, min_labels: int | None = None) -> tuple[Verdict, ...]:
    """Return the verdict of each judge that has something to judge.

    Below the least evidence there is one verdict, inconclusive. A step that goes by labels is inconclusive
    by itself until there are `min_labels` of both versions; None for one that does not.
    """
    compared = evidence.overall
    if not _is_enough(compared.challenger, policy):
        reason = f"{compared.challenger.requests} requests of {policy.step_requests} needed"
        return (Verdict("evidence", Outcome.INCONCLUSIVE, reason),)
    if compared.champion.requests < REFERENCE_REQUESTS:
        few = f"{compared.champion.requests} requests of the champion, {REFERENCE_REQUESTS} to compare with"
        return judge_errors(compared, policy), Verdict("evidence", Outcome.INCONCLUSIVE, few)
    verdicts = [judge(compared, policy) for judge in JUDGES]
    if evidence.unreadable:
        reason = f"{evidence.unreadable} damaged places in the log of this step"
        verdicts.append(Verdict("evidence", Outcome.INCONCLUSIVE, reason))
    verdicts.append(judge_slices(evidence, policy))
    if min_labels is not None:
        verdicts.append(_judge_labels(compared, min_labels))
    return tuple(verdict for verdict in verdicts if verdict is not None)


def _judge_labels(compared: Compared, min_labels: int) -> Verdict:
    rows, needed = _compared_labels(compared), max(LEAST_LABELS, min_labels)
    outcome = Outcome.PASS if rows >= needed else Outcome.INCONCLUSIVE
    return Verdict("labels", outcome, f"{rows} labels of {needed} needed")


def _judge_harm(compared: Compared, policy: Policy) -> Verdict:
    """Judge errors of a slice as `judge_loss` judges labels: one bad look at a small slice is no harm."""
    limit = policy.limits.max_excess_errors
    if (
        _excess_errors(compared) <= limit
    ):  # then no bound of it is beyond the limit, and there are many slices
        return Verdict("errors", Outcome.PASS, f"no more errors than allowed, {limit:g}")
    ours, theirs = _error_bounds(compared, policy)
    excess = ours.lower - theirs.upper
    outcome = Outcome.FAIL if excess > limit else Outcome.PASS
    return Verdict("errors", outcome, f"errors surely {excess:.3g} more, allowed {limit:g}")


def _error_bounds(compared: Compared, policy: Policy) -> tuple[Bounds, Bounds]:
    alpha = policy.limits.alpha / 2
    champion, challenger = compared.champion, compared.challenger
    ours = share_bounds(challenger.errors, challenger.requests, alpha)
    return ours, share_bounds(champion.errors, champion.requests, alpha)


def _excess_errors(compared: Compared) -> float:
    champion = compared.champion
    return _share(compared.challenger) - (_share(champion) if champion.requests else 0.0)


def _excess_loss(compared: Compared, policy: Policy) -> tuple[float, Bounds]:
    paired, (ours, theirs) = compared.excess_losses, (compared.challenger.losses, compared.champion.losses)
    if paired.n:
        return paired.mean, _mean_bounds(paired, policy)
    return ours.mean - theirs.mean, _difference(ours, theirs, policy)


def _compared_labels(compared: Compared) -> int:
    """Count the labels that say something of both."""
    return compared.excess_losses.n or min(compared.challenger.losses.n, compared.champion.losses.n)


def _mean_bounds(sums: Sums, policy: Policy) -> Bounds:
    return mean_bounds(sums, policy.limits.alpha, policy.step_requests)


def _difference(ours: Sums, theirs: Sums, policy: Policy) -> Bounds:
    mine, other = (mean_bounds(one, policy.limits.alpha / 2, policy.step_requests) for one in (ours, theirs))
    return Bounds(mine.lower - other.upper, mine.upper - other.lower)


def _judge_bound(rule: str, found: str, measured: float, upper: float, limit: float) -> Verdict:
    if measured > limit:
        return Verdict(rule, Outcome.FAIL, f"{found}: {measured:.3g}, allowed {limit:g}")
    if upper <= limit:
        return Verdict(rule, Outcome.PASS, f"{found}: surely at most {upper:.3g}, allowed {limit:g}")
    return Verdict(rule, Outcome.INCONCLUSIVE, f"{found}: at most {upper:.3g}, allowed {limit:g}")


def _is_enough(arm: ArmEvidence, policy: Policy) -> bool:
    return arm.requests >= max(1, policy.step_requests)


def _share(arm: ArmEvidence) -> float:
    return arm.errors / arm.requests


def _spelled(arm: ArmEvidence) -> str:
    return f"{arm.errors} of {arm.requests}"
