"""What does a decision on a retraining rest on, besides the rows themselves?"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from millrace.adapters.bundle import digest_of_files
from millrace.adapters.training import training_environment
from millrace.domain.canonical import sha256_of
from millrace.domain.dataset import Dataset
from millrace.domain.decision import DecisionFacts, Reason, decides_period
from millrace.domain.facts import (
    Action,
    BatchAccepted,
    ChallengerJudged,
    ChallengerTrained,
    DecisionMade,
    Inputs,
)
from millrace.domain.rollout.state import Phase
from millrace.domain.schedule import last_due
from millrace.domain.work import FlowName
from millrace.settings import load_settings
from millrace.steps.automation import find_pause
from millrace.steps.claims import is_in_hand
from millrace.steps.contract.review import find_unreviewed
from millrace.steps.dataset import current_dataset, find_dataset_version
from millrace.steps.detections import find_what_failed, list_open
from millrace.steps.refit import find_parameters_digest
from millrace.steps.stores import ledger, model_config

DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Finished:
    """A training that came to its end, and what came of it."""

    trained: ChallengerTrained
    seq: int
    at: datetime
    outcome: str


@dataclass(frozen=True)
class Period:
    """When a schedule was last due, and when what it asks for was last decided on."""

    due: datetime | None
    decided_at: datetime | None

    @property
    def is_missed(self) -> bool:
        return self.due is not None and (self.decided_at is None or self.decided_at < self.due)


def find_inputs(model: str, reason: Reason | None = None) -> Inputs:
    """Return what a training of `model` for `reason` would be a function of, now.

    A refit is a full training as long as there is no finished one whose hyperparameters it could take over.
    """
    config = model_config(model)
    full = Inputs(
        dataset=current_dataset(model).version,
        model_files=digest_of_files(load_settings().models / model),
        lock=sha256_of(training_environment(config.training.estimator)),
    )
    if reason is not Reason.REFIT or config.training.search is None:
        return full
    return replace(full, parameters=find_parameters_digest(model, full.model_files))


def gather_facts(model: str, inputs: Inputs, asked: frozenset[Reason], now: datetime) -> DecisionFacts:
    """Gather what the ledger and the model's folder say; the judged blocks are taken to be enough.

    Counting those takes a pass over the rows, which is for the run itself.
    """
    config, dataset = model_config(model), current_dataset(model)
    finished = _find_last_finished(model, with_refits=inputs.is_refit)
    period = find_period(model, Reason.REFIT if Reason.REFIT in asked else Reason.SCHEDULE, now)
    detections = () if inputs.is_refit else list_open(model)
    answering, shadowing, proving = _tell_trial(model)
    enough = config.gate.min_blocks
    return DecisionFacts(
        asked=asked,
        asked_text="",
        forced=False,
        now=now,
        inputs=inputs,
        last_inputs=finished.trained.inputs if finished else None,
        last_outcome=finished.outcome if finished else "",
        last_trained_at=finished.at if finished else None,
        trained_in_last_24h=_count_trained(model, inputs, now),
        new_rows=_count_new_rows(model, dataset, finished),
        rows=dataset.rows,
        has_champion=ledger().serving(model).champion is not None,
        recent_blocks=enough,
        golden_blocks=enough,
        min_blocks=enough,
        paused=find_pause(model),
        due=period.due,
        decided_at=period.decided_at,
        rolling_out=answering,
        shadowing=shadowing,
        proving=proving,
        detections=detections,
        failed_try=find_what_failed(model, detections),
        unreviewed=find_unreviewed(config),
    )


def find_period(model: str, schedule: Reason, now: datetime) -> Period:
    """Return what the clock and the ledger say of the model's `schedule`, of full trainings or of refits."""
    policy, is_refit = model_config(model).retrain, schedule is Reason.REFIT
    cron = policy.refit_schedule if is_refit else policy.schedule
    finished = _find_last_finished(model, with_refits=is_refit)
    decided = finished.at if finished else None
    for entry in ledger().newest_first(model, DecisionMade):
        if finished and entry.seq < finished.seq:
            break
        # what a clock that was ahead has written proves nothing yet
        if entry.at <= now and isinstance(entry.fact, DecisionMade) and _settles(model, entry.fact, schedule):
            decided = entry.at
            break
    return Period(last_due(cron, now) if cron else None, decided if decided and decided <= now else None)


def _settles(model: str, made: DecisionMade, schedule: Reason) -> bool:
    """Whether the decision counts: a training that died half way was as good as not decided on."""
    if not decides_period(made, schedule):
        return False
    is_dead = not ledger().is_done(made.run_key) and not is_in_hand(model, FlowName.RETRAIN)
    return made.action is not Action.TRAIN or not is_dead


def _tell_trial(model: str) -> tuple[str | None, str | None, str | None]:
    """Return in words who answers some requests, who answers none yet, and the champion on probation."""
    rollout = ledger().rollout(model)
    if rollout.on_trial is None or rollout.phase is Phase.IDLE:
        return None, None, None
    if rollout.phase is Phase.PROBATION:
        return None, None, f"champion {rollout.on_trial[:12]} is on probation"
    name = f"challenger {rollout.on_trial[:12]}"
    if rollout.weight:
        return f"{name} answers {rollout.weight} % of requests", None, None
    return None, f"{name} is on its way and answers no request yet", None


def _find_last_finished(model: str, *, with_refits: bool) -> _Finished | None:
    judged: dict[str, str] = {}
    for entry in ledger().newest_first(model, ChallengerTrained, ChallengerJudged):
        match entry.fact:
            case ChallengerJudged() as fact:
                judged.setdefault(fact.run_key, f"bundle {fact.digest[:12]}, {fact.outcome}: {fact.reason}")
            case ChallengerTrained() as fact if with_refits or not fact.inputs.is_refit:
                if ledger().is_done(fact.run_key):
                    return _Finished(fact, entry.seq, entry.at, judged[fact.run_key])
            case _:
                pass
    return None


def _count_trained(model: str, inputs: Inputs, now: datetime) -> int:
    """Count other full trainings of the last day: one that is taken up again does not pay twice."""
    recent = takewhile(lambda entry: entry.at > now - DAY, ledger().newest_first(model, ChallengerTrained))
    return sum(
        isinstance(entry.fact, ChallengerTrained)
        and entry.fact.inputs != inputs
        and not entry.fact.inputs.is_refit
        and entry.at <= now
        for entry in recent
    )


def _count_new_rows(model: str, dataset: Dataset, finished: _Finished | None) -> int:
    """Count the rows with a label that the last training has not seen; without one, all rows."""
    if finished is None:
        return dataset.rows
    known = {part.sha256 for part in find_dataset_version(model, finished.trained.inputs.dataset).parts}
    new = [part for part in dataset.parts if part.sha256 not in known]
    labelled = _count_labelled(model) if new else {}
    return sum(labelled.get(part.sha256, part.rows) for part in new)


def _count_labelled(model: str) -> dict[str, int]:
    facts = (entry.fact for entry in ledger().entries(model, (BatchAccepted,)))
    return {
        fact.part.sha256: fact.labelled
        for fact in facts
        if isinstance(fact, BatchAccepted) and fact.labelled is not None
    }
