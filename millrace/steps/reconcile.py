"""Whatever the ledger says should be and is not: files, pointer, alias, alerts; and what is offered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from millrace.domain.facts import ChallengerReceived, MirrorRepaired
from millrace.errors import MillraceError, UnavailableError
from millrace.steps.actor import current_actor
from millrace.steps.alerts import send_alerts
from millrace.steps.dataset import find_dataset_trouble, publish_dataset
from millrace.steps.leftovers import sweep_leftovers
from millrace.steps.offers import OffersRefusedError, find_offer_trouble, receive_offers
from millrace.steps.remote_channel import copy_to_remote
from millrace.steps.serve import find_pointer_trouble, mirror_champion, publish_model_pointer
from millrace.steps.stores import ensure_known, ledger


@dataclass(frozen=True)
class Reconciled:
    """What was found wrong with one model and put right; `unsent` alerts are still due.

    `received` are the versions that other installations offered and that were taken in.
    """

    model: str
    repaired: tuple[MirrorRepaired, ...]
    unsent: int
    received: tuple[ChallengerReceived, ...] = ()


def reconcile_model(model: str, run_id: str, now: datetime) -> Reconciled:
    """Rewrite all that follows from the ledger and differs from it, then take in what is offered.

    Each is recorded. Offers come last: they are somebody else's, as large and as wrong as he likes.

    Raises
    ------
    UnavailableError, OffersRefusedError
        If another system does not answer, or an offer is refused, once all else was put right, people were
        told, and the other offers were taken.
    """
    mirrors: dict[str, Callable[[str], str | None]] = {
        "dataset": publish_dataset,
        "pointer": partial(publish_model_pointer, now=now),
        "remote channel": copy_to_remote,
        "alias": mirror_champion,
    }
    ensure_known(model)
    sweep_leftovers()
    repaired: list[MirrorRepaired] = []
    received: list[ChallengerReceived] = []
    unanswered: MillraceError | None = None
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
    try:
        received = receive_offers(model, now)
    except (UnavailableError, OffersRefusedError) as error:
        unanswered = unanswered or error
    if unanswered is not None:
        raise unanswered
    return Reconciled(model, tuple(repaired), unsent, tuple(received))


def repair_pointer(model: str, now: datetime) -> str | None:
    """Make the channel's pointer what the ledger says, with a record; return what was wrong with it."""
    found = publish_model_pointer(model, now)
    if found is not None:
        ledger().append(model, MirrorRepaired("pointer", found), now, current_actor())
    return found


def find_trouble(model: str) -> str | None:
    """Return what differs from the ledger, or is offered and was not taken, if anything.

    The catalogue, which costs a second, is not asked.
    """
    return find_dataset_trouble(model) or find_pointer_trouble(model) or find_offer_trouble(model)
