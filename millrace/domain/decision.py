"""Is a retraining due, and may it start?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from millrace.domain.canonical import sha256_of
from millrace.domain.config import RetrainSection
from millrace.domain.facts import Action, Inputs, RuleFinding


class Reason(StrEnum):
    """What can ask for a retraining."""

    SCHEDULE = "schedule"
    NEW_ROWS = "new rows"
    DRIFT = "drift"
    DECAY = "decay"
    CODE = "code"
    CONFIG = "config"
    BY_HAND = "by hand"
    NO_CHAMPION = "no champion yet"


@dataclass(frozen=True)
class DecisionFacts:
    """Everything a decision is a function of, besides the policy.

    `asked` are the reasons that came from outside, with `asked_text` for people (`drift
    0.41`); what follows from the inputs is derived here. `last_inputs`, `last_outcome` (the
    digest and verdict, in words) and `last_trained_at` are of the last finished training.
    `new_rows` counts what was accepted since then.
    """

    asked: frozenset[Reason]
    asked_text: str
    forced: bool
    now: datetime
    inputs: Inputs
    last_inputs: Inputs | None
    last_outcome: str
    last_trained_at: datetime | None
    trained_in_last_24h: int
    new_rows: int
    rows: int
    has_champion: bool
    recent_blocks: int
    golden_blocks: int
    min_blocks: int
    paused: str | None = None
    """Why a person stopped all automatic work, None when nobody did."""
    due: datetime | None = None
    """When the model's schedule was last due, None without a schedule."""
    decided_at: datetime | None = None
    """When a training was last decided on, whoever asked."""
    rolling_out: str | None = None
    """The challenger that answers some of the requests, in words; None when there is none."""


@dataclass(frozen=True)
class Decision:
    """Whether to train, why in one line, and what every rule found."""

    action: Action
    reason: str
    findings: tuple[RuleFinding, ...]


Rule = Callable[[DecisionFacts, RetrainSection], RuleFinding]


def run_key(model: str, inputs: Inputs) -> str:
    """Name the training of `model` on `inputs`: whoever claims this key trains, once."""
    return f"retrain:{model}:{sha256_of(inputs)}"


def decide(facts: DecisionFacts, policy: RetrainSection) -> Decision:
    """Decide whether to train: when something asks for it and nothing forbids it.

    A BLOCK stands above a SKIP, a SKIP above a TRAIN. `facts.forced` lifts the wait for a rollout, the
    minimum of new rows, the cooldown and the budget; never equal inputs, which would give the same
    bundle again, and never a BLOCK.
    """
    findings = tuple(rule(facts, policy) for rule in RULES)
    for action in (Action.BLOCK, Action.SKIP):
        forbidding = [found.finding for found in findings if found.action is action]
        if forbidding:
            return Decision(action, forbidding[0], findings)
    asking = [found.finding for found in findings if found.action is Action.TRAIN]
    if asking:
        return Decision(Action.TRAIN, "; ".join(asking), findings)
    return Decision(Action.SKIP, "nothing asks for a training", findings)


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


def _paused(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    if facts.paused is None:
        return RuleFinding("paused", "automatic work is not paused", None)
    finding = f"automatic work is paused: {facts.paused}"
    if Reason.BY_HAND in facts.asked:
        return RuleFinding("paused", f"{finding}; a person asked", None)
    return RuleFinding("paused", finding, Action.SKIP)


def _period(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    """Let one run catch up on all periods that were missed: the first one that comes."""
    if facts.asked != {Reason.SCHEDULE}:
        return RuleFinding("period", "not asked for by the schedule alone", None)
    if facts.due is None:
        return RuleFinding("period", "model.toml names no schedule", None)
    finding = f"the schedule was due at {facts.due:%Y-%m-%d %H:%M} UTC"
    if facts.decided_at is None or facts.decided_at < facts.due:
        return RuleFinding("period", finding, None)
    decided = f"{finding}, decided at {facts.decided_at:%Y-%m-%d %H:%M:%S}"
    return RuleFinding("period", decided, Action.SKIP)


def _rollout(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    if facts.rolling_out is None:
        return RuleFinding("rollout", "no challenger answers requests", None)
    finding = f"{facts.rolling_out}: what comes of it is what the next one is judged against"
    return _unless_forced(facts, "rollout", finding)


def _same_inputs(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    if facts.last_inputs is None:
        return RuleFinding("same inputs", "no finished training yet", None)
    if facts.inputs != facts.last_inputs:
        return RuleFinding("same inputs", "inputs differ from the last finished training's", None)
    finding = f"same inputs as the last finished training: {facts.last_outcome}"
    if facts.forced:
        finding += "; force cannot help, equal inputs give the same bundle"
    return RuleFinding("same inputs", finding, Action.SKIP)


def _asked(facts: DecisionFacts, _policy: RetrainSection) -> RuleFinding:
    if not facts.asked:
        return RuleFinding("asked", "nobody asked", None)
    reasons = " and ".join(reason for reason in Reason if reason in facts.asked)
    return RuleFinding("asked", facts.asked_text or f"asked for: {reasons}", Action.TRAIN)


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
        return RuleFinding(Reason.NEW_ROWS, found, Action.TRAIN if facts.new_rows > 0 else None)
    if _config_changed(facts) or _code_changed(facts):
        return RuleFinding(Reason.NEW_ROWS, f"{found}, but not after a change of code or config", None)
    if not facts.has_champion:
        return RuleFinding(Reason.NEW_ROWS, f"{found}, but not without a champion", None)
    return _unless_forced(facts, Reason.NEW_ROWS, found)


def _cooldown(facts: DecisionFacts, policy: RetrainSection) -> RuleFinding:
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
    finding = f"{facts.trained_in_last_24h} of {policy.budget_per_day} trainings used in the last 24 hours"
    if facts.trained_in_last_24h < policy.budget_per_day:
        return RuleFinding("budget", finding, None)
    return _unless_forced(facts, "budget", finding)


def _unless_forced(facts: DecisionFacts, rule: str, finding: str) -> RuleFinding:
    if facts.forced:
        return RuleFinding(rule, f"{finding}; overridden by force", None)
    return RuleFinding(rule, finding, Action.SKIP)


def _config_changed(facts: DecisionFacts) -> bool:
    return facts.last_inputs is not None and facts.inputs.model_files != facts.last_inputs.model_files


def _code_changed(facts: DecisionFacts) -> bool:
    return facts.last_inputs is not None and facts.inputs.lock != facts.last_inputs.lock


def _spell(span: timedelta) -> str:
    """Write a span without its fractions of a second."""
    return str(timedelta(seconds=int(span.total_seconds())))


RULES: tuple[Rule, ...] = (
    _dataset,
    _recent_blocks,
    _golden_blocks,
    _paused,
    _period,
    _rollout,
    _same_inputs,
    _asked,
    _no_champion,
    _config,
    _code,
    _new_rows,
    _cooldown,
    _budget,
)
"""In this order in the record; of two that forbid alike, the first gives the reason."""
