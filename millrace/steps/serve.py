"""What serves: changed in the ledger first, then told to the channel and mirrored in the catalogue."""

import logging
from dataclasses import replace
from datetime import datetime
from functools import partial

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import (
    BadPointerError,
    bundles_folder,
    changing_pointer,
    publish_pointer,
    read_pointer,
)
from millrace.adapters.keys import MissingKeyError, ensure_keys, sign, verify
from millrace.domain.facts import CHAMPION_KINDS, ChampionRolledBack, ServingConfigured
from millrace.domain.ledger import Entry
from millrace.domain.offline_rollback import name_reachable
from millrace.domain.pointer import OfflineRollback, Pointer, ServingSettings
from millrace.domain.serving import plan_rollback, standing_champions
from millrace.errors import MillraceError, MissingReasonError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.claims import record_once
from millrace.steps.offline_rollback import enter_offline_rollbacks, list_offline_rollbacks, tell_waiting
from millrace.steps.remote_channel import copy_to_remote
from millrace.steps.stores import catalogue, ensure_known, ledger, model_config

log = logging.getLogger(__name__)


def roll_back(model: str, reason: str, now: datetime) -> ChampionRolledBack:
    """Make the champion before the current one answer again, its bytes verified first.

    A rollout that is under way ends with it.
    """
    if not reason.strip():
        raise MissingReasonError("rollback")
    ensure_known(model)
    enter_offline_rollbacks(model, now)
    serving = ledger().serving(model)
    standing = standing_champions(entry.fact for entry in ledger().entries(model, CHAMPION_KINDS))
    fact = plan_rollback(serving, standing, reason)
    verify_bundle(bundles_folder(load_settings().channel), fact.digest)
    ledger().change_serving(model, fact, now, current_actor(), seen=serving.generation)
    return fact


def publish_serving(model: str, now: datetime) -> None:
    """Tell the channel what serves, then mirror it in the remote one and in the catalogue."""
    publish_model_pointer(model, now)
    send_to_remote(model)
    mirror_champion(model)


def send_to_remote(model: str) -> None:
    """Copy the model's part of the channel to the remote one; what cannot be sent follows by reconcile."""
    try:
        copy_to_remote(model)
    except (MillraceError, OSError) as error:
        log.warning("%s: the remote channel is to follow by `millrace reconcile`: %s", model, error)


def publish_model_pointer(model: str, now: datetime) -> str | None:
    """Make the channel's pointer what the ledger says; return what was wrong with it, if anything."""
    configure_serving(model, now)
    found, written = None, None
    while True:
        offline = list_offline_rollbacks(model)
        entered = enter_offline_rollbacks(model, now, offline)
        wanted = _wanted_pointer(model)
        # once more after each writing: another run may have changed what serves, and published it, before
        # this older pointer was; or somebody went back offline
        if wanted is None or wanted == written:
            return found or entered
        trouble = _write_pointer(model, wanted, offline)
        found = found or entered or trouble
        if trouble is None:
            return found
        written = wanted


def _write_pointer(model: str, wanted: Pointer, entered: tuple[OfflineRollback, ...]) -> str | None:
    """Publish `wanted` over all but an offline rollback that was not entered; return what was wrong."""
    settings = load_settings()
    ensure_keys(settings.keys)
    with changing_pointer(settings.channel, model):
        trouble = _pointer_trouble(model, wanted)
        if trouble is not None and set(list_offline_rollbacks(model)) <= set(entered):
            publish_pointer(settings.channel, wanted, partial(sign, settings.keys))
    return trouble


def mirror_champion(model: str) -> str | None:
    """Make the catalogue's alias what the ledger says; return what was wrong with it, if anything."""
    champion, found = ledger().serving(model).champion, None
    while champion is not None:
        wanted, alias = catalogue().find_version(model, champion), catalogue().alias(model, "champion")
        if alias != wanted:
            catalogue().set_alias(model, "champion", wanted)
            found = found or f"alias champion was version {alias}"
        newest = ledger().serving(model).champion
        champion = newest if newest != champion else None
    return found


def configure_serving(model: str, now: datetime) -> None:
    """Record `[serving]` of model.toml where it differs from what services were told last."""
    asked = _changed_settings(model)
    if asked is not None:
        told = ledger().last(model, ServingConfigured)
        key = f"serving:{model}:{told.seq if told else 0}"
        record_once(key, model, ServingConfigured(asked), f"serving of {model}", now)


def find_pointer_trouble(model: str) -> str | None:
    """Return what is wrong with the channel's pointer, if anything."""
    wanted = _wanted_pointer(model)
    if wanted is None:
        return None
    trouble = _pointer_trouble(model, wanted)
    if trouble is None and _changed_settings(model) is not None:
        return "[serving] of model.toml was changed"
    return trouble


def list_unpublished() -> list[str]:
    """Name the models whose pointer is not what the ledger says."""
    models = [serving.model for serving in ledger().list_serving()]
    return [model for model in models if find_pointer_trouble(model) is not None]


def _changed_settings(model: str) -> ServingSettings | None:
    """Return what `[serving]` asks for, None when services know it or there is nothing they could serve."""
    if ledger().serving(model).champion is None:
        return None
    try:
        asked = model_config(model).serving_settings
    except (MillraceError, OSError):
        # a file that is being edited, or is gone, must not keep a rollback from the services; all who
        # work by it say what is wrong with it
        return None
    return None if asked == _told_settings(ledger().last(model, ServingConfigured)) else asked


def _told_settings(entry: Entry | None) -> ServingSettings:
    if entry is not None and isinstance(entry.fact, ServingConfigured):
        return entry.fact.settings
    return ServingSettings()


def _wanted_pointer(model: str) -> Pointer | None:
    rollout = ledger().rollout(model)
    changed = ledger().entry_at_generation(model, rollout.generation)
    if rollout.champion is None or changed is None:
        return None
    history = ledger().entries(model, CHAMPION_KINDS)
    standing = standing_champions(entry.fact for entry in history if entry.seq <= changed.seq)
    configured = ledger().last(model, ServingConfigured)
    newest = configured if configured is not None and configured.seq > changed.seq else changed
    return Pointer(
        model,
        rollout.generation,
        arms=rollout.arms,
        ledger_head=newest.hash,
        revision=newest.seq,
        settings=_told_settings(configured),
        previous=name_reachable(standing),
    )


def _pointer_trouble(model: str, wanted: Pointer) -> str | None:
    settings = load_settings()
    try:
        found = read_pointer(settings.channel, model, partial(verify, settings.keys))
    except (BadPointerError, MissingKeyError) as error:
        return str(error)
    # one that was published before pointers named earlier champions stands until the next change: another
    # of the same age is refused by services
    if found in {wanted, replace(wanted, previous=())}:
        return None
    if found is None:
        return "no pointer"
    if found.offline:
        return tell_waiting(found.offline)
    if found.generation == wanted.generation:
        return f"pointer at revision {found.revision}, generation {found.generation}"
    return f"pointer at generation {found.generation}"
