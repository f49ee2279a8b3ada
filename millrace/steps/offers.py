"""Taking in what other installations offer: verified to the last byte, once, and written down."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import uuid4

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import bundles_folder
from millrace.adapters.channel_source import ChannelSource
from millrace.adapters.keys import find_signer
from millrace.adapters.offers import (
    BadOfferError,
    list_offered_models,
    list_offers,
    parse_offer,
    read_offer,
)
from millrace.adapters.remote_channel import RemoteChannel
from millrace.domain.bundle import CorruptBundleError
from millrace.domain.claim import ClaimDoneError, ClaimHeldError
from millrace.domain.facts import ChallengerReceived
from millrace.domain.offer import Offer, find_mismatch, offer_key, offer_name, received
from millrace.errors import MillraceError, UnavailableError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.bundle_copy import take_in_bundle
from millrace.steps.claims import held, take_claim
from millrace.steps.remote_channel import find_remote, list_untaken
from millrace.steps.stores import ensure_known, ledger

SHOWN = 5
"""How many refused offers a message tells of."""


class OffersRefusedError(MillraceError):
    """Offers that were not taken, each with the reason; what was good beside them was."""

    def __init__(self, model: str, refusals: tuple[str, ...]) -> None:
        self.model, self.refusals = model, refusals
        more = f"; and {len(refusals) - SHOWN} more" if len(refusals) > SHOWN else ""
        super().__init__(f"{model}: not every offer was taken. {'; '.join(refusals[:SHOWN])}{more}")


@dataclass(frozen=True)
class _Found:
    """An offer that nobody has taken in; `remote` is where it lies, None for this machine's folder."""

    model: str
    digest: str
    remote: RemoteChannel | None = None

    @property
    def where(self) -> str:
        root = self.remote.url if self.remote else load_settings().channel
        return f"{root}/{offer_name(self.model, self.digest)}"


def receive_offers(model: str, now: datetime) -> list[ChallengerReceived]:
    """Take in each version that an installation trusted here offers, and that never was taken before.

    Raises
    ------
    OffersRefusedError
        If one is not what it must be, once the others were taken.
    UnavailableError
        If the remote channel does not answer, once what this machine's folder has was taken.
    """
    ensure_known(model)
    run_id, taken, refusals = f"offers {uuid4()}", [], []
    for found in _find_all(model):
        try:
            fact = _take(found, run_id, now)
        except UnavailableError:
            raise
        except (MillraceError, OSError) as error:
            refusals.append(str(error))
            continue
        taken += [fact] if fact else []
    if refusals:
        raise OffersRefusedError(model, tuple(refusals))
    return taken


def find_offer_trouble(model: str) -> str | None:
    """Return what waits in this machine's folder to be taken in, or why it will not be.

    Bundles are not looked at here: that takes as long as they are large.
    """
    refusal = None
    for found in _find_here(model):
        try:
            _, origin = _read(found)
        except (MillraceError, OSError) as error:
            refusal = refusal or str(error)
        else:
            return f"version {found.digest[:12]}, offered by {origin}, waits to be taken in"
    return refusal


def list_offered() -> list[str]:
    """Name every model that this machine's folder has an offer of, also one that is not here."""
    return list_offered_models(load_settings().channel)


def _find_all(model: str) -> Iterator[_Found]:
    yield from _find_here(model)
    remote = find_remote()
    if remote is not None:
        for digest in list_untaken(model, remote.list_offers(model)):
            yield _Found(model, digest, remote)


def _find_here(model: str) -> list[_Found]:
    digests = list_untaken(model, list_offers(load_settings().channel, model))
    return [_Found(model, digest) for digest in digests]


def _take(found: _Found, run_id: str, now: datetime) -> ChallengerReceived | None:
    """Take an offer in, unless another run is at it or has done it."""
    model, digest = found.model, found.digest
    try:
        claim = take_claim(offer_key(model, digest), run_id)
    except (ClaimDoneError, ClaimHeldError):
        return None
    with held(claim):
        known = {
            entry.fact.digest
            for entry in ledger().entries(model, (ChallengerReceived,))
            if isinstance(entry.fact, ChallengerReceived)
        }
        fact = None
        if digest not in known:
            fact = _verify(found)
            ledger().append(model, fact, now, current_actor(), claim)
        ledger().finish(claim, "received")
    return fact


def _verify(found: _Found) -> ChallengerReceived:
    """Return the fact of a good offer, its bundle in this machine's folder."""
    settings = load_settings()
    offer, origin = _read(found)
    try:
        if found.remote is not None:
            take_in_bundle(settings.channel, found.digest, ChannelSource(settings.channel_url or ""))
        manifest = verify_bundle(bundles_folder(settings.channel), found.digest)
    except CorruptBundleError as error:
        reason = f"its bundle has a wrong {error.file} (found {error.found}, needed {error.needed})"
        raise BadOfferError(found.where, reason) from error
    if manifest.model != found.model:
        raise BadOfferError(found.where, f"its bundle is one of {manifest.model}")
    return received(offer, origin)


def _read(found: _Found) -> tuple[Offer, str]:
    """Return the offer and the name of who signed it."""
    settings, model, digest = load_settings(), found.model, found.digest
    if found.remote is None:
        content = read_offer(settings.channel, model, digest)
    else:
        content = found.remote.read_offer(model, digest)
    offer, origin = parse_offer(content, partial(find_signer, settings.keys), found.where)
    if mismatch := find_mismatch(offer, model, digest):
        raise BadOfferError(found.where, mismatch)
    return offer, origin
