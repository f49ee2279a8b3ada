"""Which version of each model serves, and what waits for a person?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.adapters.models import list_models
from millrace.domain.facts import CHAMPION_KINDS, ChallengerJudged, DecisionMade, RunParked
from millrace.settings import load_settings
from millrace.steps.alerts import list_due_alerts
from millrace.steps.automation import find_pause
from millrace.steps.dataset import current_dataset
from millrace.steps.offline_rollback import list_offline_rollbacks, tell_waiting
from millrace.steps.quarantine import list_quarantined
from millrace.steps.requests import list_parked
from millrace.steps.stores import ensure_known, ledger


@dataclass(frozen=True)
class ModelStatus:
    """One model at a glance; what never happened is None, `offline` is what the ledger does not know."""

    model: str
    champion: str | None
    generation: int
    since: datetime | None
    dataset: str
    rows: int
    last_decision: DecisionMade | None
    last_judged: ChallengerJudged | None
    quarantined: int
    unsent_alerts: int
    paused: str | None
    parked: tuple[RunParked, ...]
    offline: str | None


def list_status(model: str | None = None) -> list[ModelStatus]:
    """Return the status of one model, or of every folder under `models/` and every model in the ledger."""
    if model is not None:
        ensure_known(model)
    return [_status_of(name) for name in ([model] if model else list_names())]


def list_names() -> list[str]:
    """Name every folder under `models/` and every model in the ledger."""
    return sorted({*list_models(load_settings().models), *ledger().newest_by_model()})


def _status_of(model: str) -> ModelStatus:
    serving, dataset = ledger().serving(model), current_dataset(model)
    crowned = ledger().last(model, *CHAMPION_KINDS)
    decided = ledger().last(model, DecisionMade)
    judged = ledger().last(model, ChallengerJudged)
    offline = list_offline_rollbacks(model)
    return ModelStatus(
        model=model,
        champion=serving.champion,
        generation=serving.generation,
        since=crowned.at if crowned else None,
        dataset=dataset.version,
        rows=dataset.rows,
        last_decision=decided.fact if decided and isinstance(decided.fact, DecisionMade) else None,
        last_judged=judged.fact if judged and isinstance(judged.fact, ChallengerJudged) else None,
        quarantined=len(list_quarantined(model)),
        unsent_alerts=len(list_due_alerts(model)) if load_settings().alert_urls else 0,
        paused=find_pause(model),
        parked=tuple(list_parked(model)),
        offline=tell_waiting(offline) if offline else None,
    )
