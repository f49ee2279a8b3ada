"""What can be concluded from policies side by side, and what can not?"""

from collections.abc import Sequence

from millrace.domain.config import Metric
from millrace.domain.listing import count_things
from millrace.domain.losses import spell_loss
from millrace.domain.replay.comparison import NEVER, PolicyResult, ReplayResult

NAMED = 3
"""So many batches are named; of more it is told how many there are."""


def tell_best(result: ReplayResult) -> str:
    """Say which policy surely lost the least, or between which of them no difference can be shown."""
    known = sorted((one for one in result.policies if one.loss is not None), key=lambda one: one.loss or 0.0)
    if not known:
        return f"{result.model}: no row was answered under every policy, so nothing can be compared."
    best = known[0]
    equal = [one for one in known[1:] if not _is_surely_behind(one)]
    if len(known) == 1:
        return (
            f"{best.policy}: {spell_loss(result.metric, best.loss or 0.0)}, and no other policy to compare."
        )
    if equal:
        return _tell_tie(result, [best, *equal], [one for one in known[1:] if one not in equal])
    cost = f"{count_things(best.trainings, 'training')} on {best.trained_rows:,} rows"
    told = f"{best.policy} would have lost the least: {spell_loss(result.metric, best.loss or 0.0)}, {cost}."
    never = next((one for one in known[1:] if one.policy == NEVER), None)
    return f"{told} Never retrained: {result.spell(never.loss)}." if never else told


def _is_surely_behind(policy: PolicyResult) -> bool:
    return policy.behind is not None and (policy.behind.lower or 0.0) > 0.0


def _tell_tie(result: ReplayResult, equal: Sequence[PolicyResult], worse: Sequence[PolicyResult]) -> str:
    losses = {one.loss for one in equal}
    named = _enumerate([f"{one.policy} ({result.spell(one.loss)})" for one in equal])
    told = f"No difference in {result.short_name} can be shown between {named}."
    if len(losses) == 1:
        loss = spell_loss(result.metric, equal[0].loss or 0.0)
        told = f"{_enumerate([one.policy for one in equal])} are tied: {loss}."
    if not worse:
        return told
    return f"{told} Worse: {_enumerate([f'{one.policy} ({result.spell(one.loss)})' for one in worse])}."


def tell_gaps(result: ReplayResult) -> list[str]:
    """Say of each policy how far it is behind the first, with the bounds of that."""
    known = [one for one in result.policies if one.loss is not None]
    first = min(known, key=lambda one: one.loss or 0.0, default=None)
    told = []
    for one in known:
        if first is None or one is first or one.behind is None:
            continue
        gap = one.behind
        bounds = "too few to bound it"
        if gap.lower is not None and gap.upper is not None:
            bounds = f"{gap.lower:.3g} to {gap.upper:.3g} at {100 * result.confidence:.4g} % confidence"
        over = count_things(gap.stretches, "stretch")
        told.append(f"{one.policy}: {gap.mean:.3g} behind {first.policy} ({over}, {bounds})")
    return told


def tell_rows(result: ReplayResult) -> str:
    """Say over which of all rows policies are compared, and why not over the others."""
    asked = result.asked
    labelled = asked.rows - asked.unlabelled - asked.unknown
    reasons = {
        "have no label": asked.unlabelled,
        "are of a class that no champion knows": asked.unknown,
        "were not answered under every policy": labelled - result.rows,
    }
    left = [f"{count:,} {why}" for why, count in reasons.items() if count > 0]
    told = f"Compared over {result.rows:,} of {asked.rows:,} rows"
    return f"{told}: {_enumerate(left)}" if left else told


def tell_notes(result: ReplayResult) -> list[str]:
    """Say what is to be known before this is believed."""
    told = [tell_rows(result)]
    if mute := [one.policy for one in result.policies if not one.answered]:
        told.append(f"Without an answer to any row, and left out of the comparison: {_enumerate(mute)}")
    told += [
        f"{one.batch}: {one.rows:,} rows are not scored, the model's own contract refuses them: {one.why}"
        for one in result.asked.refused[:NAMED]
    ]
    if more := result.asked.refused[NAMED:]:
        rows = sum(one.rows for one in more)
        told.append(f"So it is with {rows:,} rows of {count_things(len(more), 'more batch')}")
    if early := result.asked.early:
        named = _enumerate([*early[:NAMED], *([f"{len(early) - NAMED} more"] if len(early) > NAMED else [])])
        told.append(
            f"The source names batches before their newest row has happened: {named}. Here they come "
            "after it; let list_batches(now) name what was complete at `now`"
        )
    if result.label_delay_seconds is None:
        told.append("No data.label_delay in model.toml: a label counts as known at once")
    return told


def tell_aging(policy: PolicyResult, metric: Metric) -> str | None:
    """Say how the loss grows with age: by the last week that most champions have; None without one."""
    first = next((one for one in policy.ages if one.weeks == 0), None)
    later = [one for one in policy.ages if first and one.weeks and 2 * one.champions >= first.champions]
    if not later:
        return None
    last = later[-1]
    weeks, whose = count_things(last.weeks, "week"), count_things(last.champions, "champion")
    told = f"{policy.policy}: {spell_loss(metric, last.fresh)} of a new champion is "
    told += f"{spell_loss(metric, last.loss)} after {weeks} ({whose})"
    if last.served == last.loss:
        return told
    return f"{told}, where {spell_loss(metric, last.served)} was had from the champion of that time"


def _enumerate(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
