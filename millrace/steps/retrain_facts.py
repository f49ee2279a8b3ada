"""What does a decision on a retraining rest on, besides the rows themselves?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from millrace.adapters.bundle import digest_of_files
from millrace.adapters.training import training_environment
from millrace.domain.canonical import sha256_of
from millrace.domain.dataset import Dataset
from millrace.domain.decision import DecisionFacts, Reason
from millrace.domain.facts import ChallengerJudged, ChallengerTrained, DecisionMade, Inputs
from millrace.domain.schedule import last_due
from millrace.settings import load_settings
from millrace.steps.automation import find_pause
from millrace.steps.dataset import current_dataset, find_dataset_version
from millrace.steps.stores import ledger, model_config

DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Finished:
    """The last training that came to its end, and what came of it."""

    trained: ChallengerTrained
    at: datetime
    outcome: str


def find_inputs(model: str) -> Inputs:
    """Return what a training of `model` would be a function of, now."""
    return Inputs(
        dataset=current_dataset(model).version,
        model_files=digest_of_files(load_settings().models / model),
        lock=sha256_of(training_environment()),
    )


def gather_facts(model: str, inputs: Inputs, asked: frozenset[Reason], now: datetime) -> DecisionFacts:
    """Gather what the ledger and the model's folder say; the judged blocks are taken to be enough.

    Counting those takes a pass over the rows, which is for the run itself.
    """
    config, dataset = model_config(model), current_dataset(model)
    finished, decided = _find_last_finished(model), ledger().last(model, DecisionMade)
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
        due=last_due(config.retrain.schedule, now) if config.retrain.schedule else None,
        # what a clock that was ahead has written proves nothing yet
        decided_at=decided.at if decided and decided.at <= now else None,
        rolling_out=_tell_rolling_out(model),
    )


def _tell_rolling_out(model: str) -> str | None:
    serving = ledger().serving(model)
    if serving.challenger is None or not serving.weight:
        return None
    return f"challenger {serving.challenger[:12]} answers {serving.weight} % of requests"


def _find_last_finished(model: str) -> _Finished | None:
    judged: dict[str, str] = {}
    for entry in reversed(ledger().entries(model, (ChallengerTrained, ChallengerJudged))):
        match entry.fact:
            case ChallengerJudged() as fact:
                judged.setdefault(fact.run_key, f"bundle {fact.digest[:12]}, {fact.outcome}: {fact.reason}")
            case ChallengerTrained() as fact if ledger().is_done(fact.run_key):
                return _Finished(fact, entry.at, judged[fact.run_key])
            case _:
                pass
    return None


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
