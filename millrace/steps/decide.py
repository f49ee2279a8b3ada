"""Deciding on a retraining: gather the facts, ask the domain, take the claim, record all of it."""

from dataclasses import dataclass, replace
from datetime import datetime

from millrace.domain.claim import Claim, ClaimDoneError, ClaimHeldError
from millrace.domain.decision import Decision, DecisionFacts, Reason, answers, decide, run_key
from millrace.domain.decision.rules import DONE
from millrace.domain.facts import (
    Action,
    ChallengerJudged,
    ChallengerTrained,
    DecisionMade,
    RuleFinding,
    VersionRegistered,
)
from millrace.domain.rollout.advance import Transition
from millrace.steps.actor import current_actor
from millrace.steps.claims import take_claim, taking_turns
from millrace.steps.dataset import current_dataset, ensure_restored
from millrace.steps.detections import ask_a_person
from millrace.steps.retrain_facts import find_inputs, gather_facts
from millrace.steps.rows import count_blocks
from millrace.steps.stores import ledger, model_config


@dataclass(frozen=True)
class Decided:
    """A recorded decision, with the claim on its run where it was to train."""

    decision: DecisionMade
    claim: Claim | None


@dataclass(frozen=True)
class RetrainResult:
    """What `retrain` did, for people and machines; what it did not come to is None.

    `rollout` is what a challenger that passed came to: it is champion, on its way, or waits for another.
    """

    decision: DecisionMade
    trained: ChallengerTrained | None = None
    judged: ChallengerJudged | None = None
    registered: VersionRegistered | None = None
    rollout: Transition | None = None


def decide_retraining(
    model: str, reason: Reason, force: bool, now: datetime, run_id: str, detail: str = ""
) -> Decided:
    """Decide whether to train, take the claim if so, and record the decision, above all when it is no.

    `detail` is what the one who asks has found, in its words: `0.41`. One run decides at a time: what
    it decides is a fact of the next decision, such as that a period was decided or a drift answered. Where
    no training can answer it, a person is asked before that is recorded.
    """
    ensure_restored(model)
    model_config(model)  # of a model that is not there nothing is recorded, not even a claim
    with taking_turns(f"decide:{model}", run_id):
        facts = _gather(model, reason, force, now, detail)
        decision = decide(facts, model_config(model).retrain)
        key, claim = run_key(model, facts.inputs), None
        if decision.action is Action.TRAIN:
            try:
                claim = take_claim(key, run_id)
            except ClaimHeldError as error:
                decision = _skipped(decision, "claim", str(error))
            except ClaimDoneError as error:
                decision = _skipped(decision, DONE, str(error))
        answered = answers(decision, facts.detections, key)
        if answered and decision.action is Action.SKIP:
            ask_a_person(model, facts.detections, decision.reason, run_id, now)
        made = DecisionMade(
            run_key=key,
            action=decision.action,
            reason=decision.reason,
            findings=decision.findings,
            inputs=facts.inputs,
            asked=tuple(reason.value for reason in sorted(facts.asked)),
            answers=answered,
        )
        ledger().append(model, made, now, current_actor())
        return Decided(made, claim)


def finish_run(claim: Claim, judged: ChallengerJudged) -> None:
    """Mark the run as done: the same inputs are never trained again."""
    ledger().finish(claim, f"bundle {judged.digest[:12]}, {judged.outcome}: {judged.reason}")


def _gather(model: str, reason: Reason, force: bool, now: datetime, detail: str) -> DecisionFacts:
    inputs = find_inputs(model, reason)
    counts = count_blocks(model_config(model), current_dataset(model), now)
    return replace(
        gather_facts(model, inputs, frozenset({reason}), now),
        asked_text=f"{reason.value} {detail}".rstrip() + (", forced" if force else ""),
        forced=force,
        rows=counts.rows,
        recent_blocks=counts.recent_blocks,
        golden_blocks=counts.golden_blocks,
    )


def _skipped(decision: Decision, rule: str, finding: str) -> Decision:
    findings = (*decision.findings, RuleFinding(rule, finding, Action.SKIP))
    return Decision(Action.SKIP, finding, findings)
