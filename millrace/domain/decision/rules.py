"""What asks for a retraining, and what forbids it? One rule each."""

from collections.abc import Callable
from datetime import timedelta

from millrace.domain.config import RetrainSection
from millrace.domain.decision.detection import tell_decay, tell_drift
from millrace.domain.decision.facts import DecisionFacts, Reason
from millrace.domain.facts import Action, RuleFinding

PAUSED, ROLLOUT, SAME_INPUTS, FAILED_TRY = "paused", "rollout", "same inputs", "already tried"
CONTRACT = "contract"
NEW_ROWS = Reason.NEW_ROWS.value
DONE = "done"
"""The rule of the claim: this very training was finished some time before the last one."""

Rule = Callable[[DecisionFacts, RetrainSection], RuleFinding]


def _dataset(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    if facts.rows > 0:
        return RuleFinding("dataset", f"{facts.rows:,} rows", None)
    finding = "no rows to train on: give the model a batch and run `millrace ingest`"
    return RuleFinding("dataset", finding, Action.BLOCK)


def _recent_blocks(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    advice = "bring newer rows, or raise share or window of [recent] in model.toml"
    return _judged_blocks("recent", facts.recent_blocks, facts.min_blocks, advice)


def _golden_blocks(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    advice = "bring rows of more blocks, or raise share or until of [golden] in model.toml"
    return _judged_blocks("golden", facts.golden_blocks, facts.min_blocks, advice)


def _judged_blocks(which: str, blocks: int, needed: int, advice: str) -> RuleFinding:
    found = f"{which} set has {blocks} blocks, {needed} needed to judge"
    if blocks >= needed:
        return RuleFinding(f"{which} blocks", found, None)
    return RuleFinding(f"{which} blocks", f"{found}: {advice}", Action.BLOCK)


def _contract(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    """Begin nothing: the folder, and with it the run's key, is the same after the contract was accepted."""
    if facts.unreviewed is None:
        return RuleFinding(CONTRACT, "lets in no more than what was accepted", None)
    return RuleFinding(CONTRACT, facts.unreviewed, Action.BLOCK)


def _paused(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    if facts.paused is None:
        return RuleFinding(PAUSED, "automatic work is not paused", None)
    finding = f"automatic work is paused: {facts.paused}"
    if Reason.BY_HAND in facts.asked:
        return RuleFinding(PAUSED, f"{finding}; a person asked", None)
    return RuleFinding(PAUSED, finding, Action.SKIP)


def _period(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    """Let one run catch up on all periods that were missed: the first one that comes."""
    if facts.asked not in ({Reason.SCHEDULE}, {Reason.REFIT}):
        return RuleFinding("period", "not asked for by the schedule alone", None)
    if facts.due is None:
        return RuleFinding("period", "model.toml names no schedule", None)
    finding = f"the schedule was due at {facts.due:%Y-%m-%d %H:%M} UTC"
    if facts.decided_at is None or facts.decided_at < facts.due:
        return RuleFinding("period", finding, None)
    decided = f"{finding}, decided at {facts.decided_at:%Y-%m-%d %H:%M:%S}"
    if facts.detections:
        return RuleFinding("period", f"{decided}, but drift or decay is to be answered", None)
    return RuleFinding("period", decided, Action.SKIP)


def _drift(facts: DecisionFacts, policy: RetrainSection) -> RuleFinding:
    found = [tell_drift(one.drift) for one in facts.detections if one.drift is not None]
    return _detected(facts, policy, Reason.DRIFT, found)


def _decay(facts: DecisionFacts, policy: RetrainSection) -> RuleFinding:
    found = [tell_decay(one.decay) for one in facts.detections if one.decay is not None]
    return _detected(facts, policy, Reason.DECAY, found)


def _detected(facts: DecisionFacts, policy: RetrainSection, reason: Reason, found: list[str]) -> RuleFinding:
    """Let the newest that the ledger records ask; an event is only a hint at it."""
    if found:
        return RuleFinding(reason, found[-1], Action.TRAIN)
    nothing = f"no {reason} is recorded that is not answered"
    only_this = facts.asked == {reason} and not facts.detections
    if only_this and not facts.forced and not _asks_by_itself(facts, policy):
        return RuleFinding(reason, nothing, Action.SKIP)
    return RuleFinding(reason, nothing, None)


def _rollout(facts: DecisionFacts, policy: RetrainSection) -> RuleFinding:
    under_way = facts.rolling_out
    if facts.inputs.is_refit:  # the next one would make each give way before it has shown its worth
        under_way = under_way or facts.shadowing or facts.proving
    elif _is_for_detections_alone(facts, policy):
        under_way = under_way or facts.shadowing
    if under_way is not None:
        finding = f"{under_way}: what comes of it is what the next one is judged against"
        return _unless_forced(facts, ROLLOUT, finding)
    return RuleFinding(ROLLOUT, facts.shadowing or facts.proving or "no challenger answers requests", None)


def _same_inputs(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    if facts.last_inputs is None:
        return RuleFinding(SAME_INPUTS, "no finished training yet", None)
    # a full training has tried the hyperparameters that a refit on the same rows would take over
    if facts.last_inputs not in {facts.inputs, facts.inputs.in_full}:
        return RuleFinding(SAME_INPUTS, "inputs differ from the last finished training's", None)
    finding = f"same inputs as the last finished training: {facts.last_outcome}"
    if facts.forced:
        finding += "; force cannot help, equal inputs give the same bundle"
    return RuleFinding(SAME_INPUTS, finding, Action.SKIP)


def _failed_try(facts: DecisionFacts, policy: RetrainSection) -> RuleFinding:
    if facts.failed_try is None:
        return RuleFinding(FAILED_TRY, "nothing was tried in vain against drift or decay", None)
    finding = f"already tried: {facts.failed_try}"
    if not _is_for_detections_alone(facts, policy):
        return RuleFinding(FAILED_TRY, f"{finding}, but there is more reason now", None)
    rows = f"{facts.new_rows:,} new rows since, {policy.min_new_rows:,} needed to try again"
    if policy.refit_schedule is not None:
        rows += ", by the schedule"
    return _unless_forced(facts, FAILED_TRY, f"{finding}; {rows}")


def _asked(facts: DecisionFacts, policy: RetrainSection) -> RuleFinding:
    if not facts.asked:
        return RuleFinding("asked", "nobody asked", None)
    reasons = " and ".join(reason for reason in Reason if reason in facts.asked)
    finding = facts.asked_text or f"asked for: {reasons}"
    if not _list_asking(facts, policy) and not facts.forced:
        return RuleFinding("asked", f"{finding}, which the ledger has to bear out", None)
    return RuleFinding("asked", finding, Action.TRAIN)


def _no_champion(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    if facts.has_champion:
        return RuleFinding(Reason.NO_CHAMPION, "there is a champion", None)
    return RuleFinding(Reason.NO_CHAMPION, "no champion yet", Action.TRAIN)


def _config(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    if not _config_changed(facts):
        return RuleFinding(Reason.CONFIG, "the model's folder has not changed", None)
    return RuleFinding(Reason.CONFIG, "the model's folder has changed", Action.TRAIN)


def _code(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    if not _code_changed(facts):
        return RuleFinding(Reason.CODE, "the locked versions have not changed", None)
    return RuleFinding(
        Reason.CODE, "the locked versions of what trains and exports have changed", Action.TRAIN
    )


def _new_rows(facts: DecisionFacts, policy: RetrainSection) -> RuleFinding:
    found = f"{facts.new_rows:,} new rows since the last training, {policy.min_new_rows:,} needed"
    if facts.new_rows >= policy.min_new_rows:
        if policy.refit_schedule is not None:
            return RuleFinding(NEW_ROWS, f"{found}, and the schedules take them", None)
        return RuleFinding(NEW_ROWS, found, Action.TRAIN if facts.new_rows > 0 else None)
    if _config_changed(facts) or _code_changed(facts):
        return RuleFinding(NEW_ROWS, f"{found}, but not after a change of code or config", None)
    if not facts.has_champion:
        return RuleFinding(NEW_ROWS, f"{found}, but not without a champion", None)
    if facts.detections and facts.new_rows > 0:
        return RuleFinding(NEW_ROWS, f"{found}, but not against drift or decay", None)
    return _unless_forced(facts, NEW_ROWS, found)


def _cooldown(facts: DecisionFacts, policy: RetrainSection) -> RuleFinding:
    if facts.inputs.is_refit:
        return RuleFinding("cooldown", "is for full trainings", None)
    if facts.last_trained_at is None:
        return RuleFinding("cooldown", "no finished training yet", None)
    since = facts.now - facts.last_trained_at
    if since < timedelta(0):
        finding = f"the last training is {_spell(-since)} in the future: check the clock of this machine"
        return _unless_forced(facts, "cooldown", finding)
    finding = f"last trained {_spell(since)} ago, cooldown {_spell(policy.cooldown)}"
    if since >= policy.cooldown:
        return RuleFinding("cooldown", finding, None)
    return _unless_forced(facts, "cooldown", finding)


def _budget(facts: DecisionFacts, policy: RetrainSection) -> RuleFinding:
    if facts.inputs.is_refit:
        return RuleFinding("budget", "is for full trainings", None)
    finding = f"{facts.trained_in_last_24h} of {policy.budget_per_day} trainings used in the last 24 hours"
    if facts.trained_in_last_24h < policy.budget_per_day:
        return RuleFinding("budget", finding, None)
    return _unless_forced(facts, "budget", finding)


def _unless_forced(facts: DecisionFacts, rule: str, finding: str) -> RuleFinding:
    if facts.forced:
        return RuleFinding(rule, f"{finding}; overridden by force", None)
    return RuleFinding(rule, finding, Action.SKIP)


def _asks_by_itself(facts: DecisionFacts, policy: RetrainSection) -> bool:
    """Whether the inputs alone are a reason to train, whoever asks and whatever was monitored."""
    has_rows = policy.refit_schedule is None and facts.new_rows >= max(1, policy.min_new_rows)
    return not facts.has_champion or _config_changed(facts) or _code_changed(facts) or has_rows


def _list_asking(facts: DecisionFacts, policy: RetrainSection) -> frozenset[Reason]:
    """Return the reasons from outside that are more than a hint at what the ledger has to bear out."""
    hints = {Reason.DRIFT, Reason.DECAY} | ({Reason.NEW_ROWS} if policy.refit_schedule else set())
    return facts.asked - hints


def _is_for_detections_alone(facts: DecisionFacts, policy: RetrainSection) -> bool:
    """Whether nobody would train now if nothing had been monitored."""
    is_asked = bool(_list_asking(facts, policy)) and facts.new_rows >= policy.min_new_rows
    return bool(facts.detections) and not is_asked and not _asks_by_itself(facts, policy)


def _config_changed(facts: DecisionFacts) -> bool:
    return facts.last_inputs is not None and facts.inputs.model_files != facts.last_inputs.model_files


def _code_changed(facts: DecisionFacts) -> bool:
    return facts.last_inputs is not None and facts.inputs.lock != facts.last_inputs.lock


def _spell(span: timedelta) -> str:
    """Write a span without its fractions of a second."""
    return str(timedelta(seconds=int(span.total_seconds())))


RULES: tuple[Rule, ...] = (
    _dataset, _recent_blocks, _golden_blocks, _contract, _paused, _period, _drift, _decay, _rollout,
    _same_inputs, _failed_try, _asked, _no_champion, _config, _code, _new_rows, _cooldown, _budget,
)  # fmt: skip
"""In this order in the record; of two that forbid alike, the first gives the reason."""
