"""Whatever the ledger says should be and is not: files, pointer, alias, alerts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from millrace.domain.facts import MirrorRepaired
from millrace.errors import UnavailableError
from millrace.steps.actor import current_actor
from millrace.steps.alerts import send_alerts
from millrace.steps.dataset import find_dataset_trouble, publish_dataset
from millrace.steps.leftovers import sweep_leftovers
from millrace.steps.remote_channel import copy_to_remote
from millrace.steps.serve import find_pointer_trouble, mirror_champion, publish_model_pointer
from millrace.steps.stores import ensure_known, ledger


@dataclass(frozen=True)
class Reconciled:
    """What was found wrong with one model and put right; `unsent` alerts are still due."""

    model: str
    repaired: tuple[MirrorRepaired, ...]
    unsent: int


def reconcile_model(model: str, run_id: str, now: datetime) -> Reconciled:
    """Rewrite everything that follows from the ledger and differs from it, with a record of each repair.

    Raises
    ------
    UnavailableError
        If another system does not answer, once all else was put right and people were told.
    """
    mirrors: dict[str, Callable[[str], str | None]] = {
        "dataset": publish_dataset,
        "pointer": partial(publish_model_pointer, now=now),
        "remote channel": copy_to_remote,
        "alias": mirror_champion,
    }
    ensure_known(model)
    sweep_leftovers()
    repaired, unanswered = [], None
    for mirror, repair in mirrors.items():
        try:
            found = repair(model)
        except UnavailableError as error:
            unanswered = unanswered or error
            continue
        if found is not None:
            fact = MirrorRepaired(mirror, found)
            ledger().append(model, fact, now, current_actor())
            repaired.append(fact)
    unsent = send_alerts(model, run_id, now)
    if unanswered is not None:
        raise unanswered
    return Reconciled(model, tuple(repaired), unsent)


def find_trouble(model: str) -> str | None:
    """Return what differs from the ledger, if anything; the catalogue, which costs a second, is not asked."""
    return find_dataset_trouble(model) or find_pointer_trouble(model)
