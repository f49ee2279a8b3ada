"""What serves: changed in the ledger first, then told to the channel and mirrored in the catalogue."""

from datetime import datetime
from functools import partial

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import BadPointerError, bundles_folder, publish_pointer, read_pointer
from millrace.adapters.keys import MissingKeyError, ensure_keys, sign, verify
from millrace.domain.claim import Claim
from millrace.domain.facts import ChallengerJudged, ChampionPromoted, ChampionRolledBack
from millrace.domain.pointer import Arm, ArmRole, Pointer
from millrace.domain.serving import Serving, plan_promotion, plan_rollback, standing_champions
from millrace.domain.verdict import Outcome
from millrace.errors import MissingReasonError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.stores import catalogue, ensure_known, ledger

SERVING_KINDS = (ChampionPromoted, ChampionRolledBack)
WHOLE = 100
"""The weight, in percent, of the only arm that answers."""


def promote_challenger(model: str, judged: ChallengerJudged, claim: Claim, now: datetime) -> Serving:
    """Crown the judged bundle, if what serves is still what it was judged against.

    Raises
    ------
    StaleGenerationError
        If the champion changed since: the next run judges the challenger against the new one.
    """
    if judged.outcome is not Outcome.PASS:
        raise ValueError(f"only a pass is promoted, not {judged.outcome}")
    serving = ledger().serving(model)
    if serving.champion == judged.digest:
        return serving
    verify_bundle(bundles_folder(load_settings().channel), judged.digest)
    fact = plan_promotion(serving, judged.digest, judged.reason)
    ledger().change_serving(model, fact, now, current_actor(), seen=judged.generation, claim=claim)
    return ledger().serving(model)


def roll_back(model: str, reason: str, now: datetime) -> ChampionRolledBack:
    """Make the champion before the current one answer again, its bytes verified first."""
    if not reason.strip():
        raise MissingReasonError("rollback")
    ensure_known(model)
    serving = ledger().serving(model)
    standing = standing_champions(entry.fact for entry in ledger().entries(model, SERVING_KINDS))
    fact = plan_rollback(serving, standing, reason)
    verify_bundle(bundles_folder(load_settings().channel), fact.digest)
    ledger().change_serving(model, fact, now, current_actor(), seen=serving.generation)
    return fact


def publish_serving(model: str) -> None:
    """Tell the channel what serves, then mirror it in the catalogue."""
    publish_model_pointer(model)
    mirror_champion(model)


def publish_model_pointer(model: str) -> str | None:
    """Make the channel's pointer what the ledger says; return what was wrong with it, if anything."""
    settings, wanted, found = load_settings(), _wanted_pointer(model), None
    if wanted is not None:
        ensure_keys(settings.keys)
    while wanted is not None and (trouble := _pointer_trouble(model, wanted)) is not None:
        publish_pointer(settings.channel, wanted, partial(sign, settings.keys))
        found = found or trouble
        # another run may have changed what serves, and published it, before this older pointer was
        newest = _wanted_pointer(model)
        wanted = newest if newest != wanted else None
    return found


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


def _wanted_pointer(model: str) -> Pointer | None:
    serving = ledger().serving(model)
    entry = ledger().entry_at_generation(model, serving.generation)
    if serving.champion is None or entry is None:
        return None
    arms = (Arm(serving.champion, ArmRole.ANSWER, WHOLE),)
    return Pointer(model, serving.generation, arms, None, entry.hash)


def find_pointer_trouble(model: str) -> str | None:
    """Return what is wrong with the channel's pointer, if anything."""
    wanted = _wanted_pointer(model)
    return None if wanted is None else _pointer_trouble(model, wanted)


def _pointer_trouble(model: str, wanted: Pointer) -> str | None:
    settings = load_settings()
    try:
        found = read_pointer(settings.channel, model, partial(verify, settings.keys))
    except (BadPointerError, MissingKeyError) as error:
        return str(error)
    if found == wanted:
        return None
    return "no pointer" if found is None else f"pointer at generation {found.generation}"
