"""Going back while the ledger is away, and telling the ledger when it is there again."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import (
    BadPointerError,
    bundles_folder,
    changing_pointer,
    list_published,
    publish_pointer,
    read_pointer,
)
from millrace.adapters.keys import MissingKeyError, sign, verify
from millrace.adapters.ledger import StaleGenerationError
from millrace.domain.facts import CHAMPION_KINDS, ChampionFact, OfflineRollbackOvertaken
from millrace.domain.offline_rollback import plan_entries, plan_offline_rollback
from millrace.domain.pointer import OfflineRollback, Pointer
from millrace.errors import MillraceError, MissingReasonError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.stores import ledger


class NeverPublishedError(MillraceError):
    """A model of which services were never told."""

    def __init__(self, model: str, channel: Path, published: Sequence[str]) -> None:
        self.model, self.channel, self.published = model, channel, tuple(published)
        super().__init__(
            f"{channel} has no pointer of {model!r}, so that no service can go back. "
            f"Published are: {', '.join(published) or 'none'}"
        )


def roll_back_offline(model: str, reason: str, now: datetime) -> OfflineRollback:
    """Make the champion before the current one answer again by the channel alone.

    The ledger is not asked, and learns of it by `enter_offline_rollbacks`.

    Raises
    ------
    NeverPublishedError, BadPointerError, MissingKeyError, NoEarlierChampionNamedError, CorruptBundleError
        If it cannot be done; then nothing was.
    """
    if not reason.strip():
        raise MissingReasonError("rollback")
    settings = load_settings()
    published = list_published(settings.channel)
    if model not in published:
        raise NeverPublishedError(model, settings.channel, published)
    with changing_pointer(settings.channel, model):
        planned = plan_offline_rollback(_read_told(model, published), reason, current_actor(), now)
        verify_bundle(bundles_folder(settings.channel), planned.champion)
        publish_pointer(settings.channel, planned, partial(sign, settings.keys))
    return planned.offline[-1]


def list_offline_rollbacks(model: str) -> tuple[OfflineRollback, ...]:
    """List the rollbacks that the channel's pointer was made by; none of a pointer that is not ours."""
    settings = load_settings()
    try:
        found = read_pointer(settings.channel, model, partial(verify, settings.keys))
    except (BadPointerError, MissingKeyError):
        return ()
    return found.offline if found is not None else ()


def enter_offline_rollbacks(
    model: str, now: datetime, offline: Sequence[OfflineRollback] | None = None
) -> str | None:
    """Write into the ledger what it does not have of `offline`, by default of what the channel's pointer has.

    What serves by the ledger goes back too, unless something else had taken the withdrawn one's place.
    Return what became of the last one, None when there was nothing to write.
    """
    made_offline = list_offline_rollbacks(model) if offline is None else offline
    said = None
    while (entry := _plan_entry(model, made_offline)) is not None:
        made, fact, seen = entry
        try:
            ledger().change_serving(model, fact, now, made.actor, seen)
        except StaleGenerationError:
            continue  # another run has entered it, or changed what serves: it is planned again
        said = _tell_entered(made, fact)
    return said


def tell_waiting(offline: Sequence[OfflineRollback]) -> str:
    """Say that the ledger has yet to learn of the last of these."""
    last = offline[-1]
    return f"an offline rollback by {last.actor} to {last.digest[:12]} waits to be entered"


def _plan_entry(
    model: str, offline: Sequence[OfflineRollback]
) -> tuple[OfflineRollback, ChampionFact, int] | None:
    """Return the next rollback to be entered, its fact, and the generation that was planned from."""
    serving = ledger().serving(model) if offline else None
    if serving is None or serving.champion is None:
        return None
    history = [entry.fact for entry in ledger().entries(model, CHAMPION_KINDS)]
    planned = plan_entries(offline, serving, history)
    return (*planned[0], serving.generation) if planned else None


def _tell_entered(made: OfflineRollback, fact: ChampionFact) -> str:
    told = f"an offline rollback by {made.actor} to {made.digest[:12]}"
    if isinstance(fact, OfflineRollbackOvertaken):
        return f"{told}, not adopted: {fact.finding}"
    return f"{told}, now adopted"


def _read_told(model: str, published: Sequence[str]) -> Pointer:
    settings = load_settings()
    found = read_pointer(settings.channel, model, partial(verify, settings.keys))
    if found is None:
        raise NeverPublishedError(model, settings.channel, published)
    return found
