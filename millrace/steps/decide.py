"""Deciding on a retraining: gather the facts, ask the domain, take the claim, record all of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from millrace.adapters.bundle import digest_of_files
from millrace.adapters.training import training_environment
from millrace.domain.canonical import sha256_of
from millrace.domain.claim import Claim, ClaimDoneError, ClaimHeldError
from millrace.domain.dataset import Dataset
from millrace.domain.decision import Decision, DecisionFacts, Reason, decide, run_key
from millrace.domain.facts import (
    Action,
    ChallengerJudged,
    ChallengerTrained,
    DecisionMade,
    Inputs,
    RuleFinding,
    VersionRegistered,
)
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.claims import take_claim
from millrace.steps.dataset import current_dataset, ensure_restored, find_dataset_version
from millrace.steps.rows import count_blocks
from millrace.steps.stores import ledger, model_config

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Decided:
    """A recorded decision, with the claim on its run where it was to train."""

    decision: DecisionMade
    claim: Claim | None


@dataclass(frozen=True)
class RetrainResult:
    """What `retrain` did, for people and machines; what it did not come to is None."""

    decision: DecisionMade
    trained: ChallengerTrained | None = None
    judged: ChallengerJudged | None = None
    registered: VersionRegistered | None = None


@dataclass(frozen=True)
class _Finished:
    """The last training that came to its end, and what came of it."""

    trained: ChallengerTrained
    at: datetime
    outcome: str


def decide_retraining(model: str, reason: Reason, force: bool, now: datetime, run_id: str) -> Decided:
    """Decide whether to train, take the claim if so, and record the decision, above all when it is no."""
    ensure_restored()
    inputs = find_inputs(model)
    decision = decide(_gather(model, inputs, reason, force, now), model_config(model).retrain)
    key, claim = run_key(model, inputs), None
    if decision.action is Action.TRAIN:
        try:
            claim = take_claim(key, run_id)
        except (ClaimHeldError, ClaimDoneError) as error:
            decision = _skipped(decision, str(error))
    made = DecisionMade(key, decision.action, decision.reason, decision.findings, inputs)
    ledger().append(model, made, now, current_actor())
    return Decided(made, claim)


def finish_run(claim: Claim, judged: ChallengerJudged) -> None:
    """Mark the run as done: the same inputs are never trained again."""
    ledger().finish(claim, f"bundle {judged.digest[:12]}, {judged.outcome}: {judged.reason}")


def find_inputs(model: str) -> Inputs:
    """Return what a training of `model` would be a function of, now."""
    return Inputs(
        dataset=current_dataset(model).version,
        model_files=digest_of_files(load_settings().models / model),
        lock=sha256_of(training_environment()),
    )


def _gather(model: str, inputs: Inputs, reason: Reason, force: bool, now: datetime) -> DecisionFacts:
    config, dataset = model_config(model), current_dataset(model)
    counts = count_blocks(config, dataset, now)
    finished = _find_last_finished(model)
    return DecisionFacts(
        asked=frozenset({reason}),
        asked_text=f"{reason.value}, forced" if force else reason.value,
        forced=force,
        now=now,
        inputs=inputs,
        last_inputs=finished.trained.inputs if finished else None,
        last_outcome=finished.outcome if finished else "",
        last_trained_at=finished.at if finished else None,
        trained_in_last_24h=_count_trained(model, inputs, now),
        new_rows=_count_new_rows(model, dataset, finished),
        rows=counts.rows,
        has_champion=ledger().serving(model).champion is not None,
        recent_blocks=counts.recent_blocks,
        golden_blocks=counts.golden_blocks,
        min_blocks=config.gate.min_blocks,
    )


def _find_last_finished(model: str) -> _Finished | None:
    done = {claim.key for claim in ledger().list_claims("done")}
    finished, judged = None, {}
    for entry in ledger().entries(model, (ChallengerTrained, ChallengerJudged)):
        match entry.fact:
            case ChallengerJudged() as fact:
                judged[fact.run_key] = f"bundle {fact.digest[:12]}, {fact.outcome}: {fact.reason}"
            case ChallengerTrained() as fact if fact.run_key in done:
                finished = _Finished(fact, entry.at, "")
            case _:
                pass
    return replace(finished, outcome=judged[finished.trained.run_key]) if finished else None


def _count_trained(model: str, inputs: Inputs, now: datetime) -> int:
    """Count other trainings of the last day: one that is taken up again does not pay twice."""
    entries = ledger().entries(model, (ChallengerTrained,))
    return sum(
        isinstance(entry.fact, ChallengerTrained)
        and entry.fact.inputs != inputs
        and now - DAY < entry.at <= now
        for entry in entries
    )


def _count_new_rows(model: str, dataset: Dataset, finished: _Finished | None) -> int:
    if finished is None:
        return dataset.rows
    known = {part.sha256 for part in find_dataset_version(model, finished.trained.inputs.dataset).parts}
    return sum(part.rows for part in dataset.parts if part.sha256 not in known)


def _skipped(decision: Decision, finding: str) -> Decision:
    findings = (*decision.findings, RuleFinding("claim", finding, Action.SKIP))
    return Decision(Action.SKIP, finding, findings)
