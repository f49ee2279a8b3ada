"""Taking in what other installations offer: verified to the last byte, once, and written down."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import uuid4

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import bundles_folder
from millrace.adapters.channel_source import ChannelSource, UnreachableChannelError
from millrace.adapters.keys import find_signer
from millrace.adapters.offers import (
    BadOfferError,
    list_offered_models,
    list_offers,
    parse_offer,
    read_offer,
)
from millrace.adapters.remote_channel import RemoteChannel, RemoteChannelError
from millrace.domain.bundle import CorruptBundleError
from millrace.domain.claim import ClaimDoneError, ClaimHeldError
from millrace.domain.facts import ChallengerReceived
from millrace.domain.offer import (
    PAST_KINDS,
    Offer,
    find_mismatch,
    find_past,
    offer_key,
    offer_name,
    received,
)
from millrace.errors import MillraceError, UnavailableError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.bundle_copy import take_in_bundle
from millrace.steps.claims import held, take_claim
from millrace.steps.remote_channel import find_remote, list_untaken
from millrace.steps.stores import ensure_known, ledger

SHOWN = 5
"""How many refused offers a message tells of."""
AT_ONCE = 3
"""How many offers a run takes in: each is a bundle to bring here, and whoever asked for the run waits."""

_AGAIN = "`millrace reconcile` tries it again"
_REMOVE = "remove the file"


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
    """Take in what installations trusted here offer and was never taken before, a few versions at a time.

    Raises
    ------
    OffersRefusedError
        If one is not what it must be or cannot be fetched, once others were taken.
    UnavailableError
        If the ledger does not answer, or the remote channel does not say what it has: then once what this
        machine's folder has was taken.
    """
    ensure_known(model)
    run_id, taken, refusals = f"offers {uuid4()}", [], []
    for found in _find_all(model):
        try:
            fact = _take(found, run_id, now)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - what a stranger has written there stops nobody else
            refusals.append(_tell(found, error))
            continue
        taken += [fact] if fact else []
        if len(taken) == AT_ONCE:
            break
    if refusals:
        raise OffersRefusedError(model, tuple(refusals))
    return taken


def find_offer_trouble(model: str) -> str | None:
    """Return what waits in this machine's folder to be taken in, or why it will not be.

    Bundles are not looked at here: that takes as long as they are large.
    """
    return _find_trouble(_find_here(model))


def find_offer_trouble_there(model: str) -> str | None:
    """Return the same of the remote channel: a request for the list, and one for each that is refused."""
    return _find_trouble(_find_there(model))


def _find_trouble(offers: Iterable[_Found]) -> str | None:
    refusal = None
    for found in offers:
        try:
            _, origin = _read(found)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - as where they are taken in
            refusal = refusal or _tell(found, error)
        else:
            return f"version {found.digest[:12]}, offered by {origin}, waits to be taken in"
    return refusal


def list_offered() -> list[str]:
    """Name every model that this machine's folder has an offer of, also one that is not here."""
    return list_offered_models(load_settings().channel)


def _tell(found: _Found, error: Exception) -> str:
    match error:
        case MillraceError():
            return str(error)
        case OSError():
            return f"{found.where}: cannot be read ({error.strerror or error})"
        case _:
            return f"{found.where}: a mistake in Millrace, please report it: {error!r}"


def _find_all(model: str) -> Iterator[_Found]:
    yield from _find_here(model)
    yield from _find_there(model)


def _find_there(model: str) -> Iterator[_Found]:
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
    except UnreachableChannelError as error:  # of this bundle: the channel has just shown its offers
        reason = f"its bundle cannot be fetched ({error.found})"
        raise BadOfferError(found.where, reason, _AGAIN) from error
    if manifest.model != found.model:
        raise BadOfferError(found.where, f"its bundle is one of {manifest.model}")
    return received(offer, origin)


def _read(found: _Found) -> tuple[Offer, str]:
    """Return the offer and the name of who signed it."""
    model, digest = found.model, found.digest
    offer, origin = parse_offer(_content(found), partial(find_signer, load_settings().keys), found.where)
    if mismatch := find_mismatch(offer, model, digest):
        raise BadOfferError(found.where, mismatch)
    if past := find_past(digest, [entry.fact for entry in ledger().entries(model, PAST_KINDS)]):
        raise BadOfferError(found.where, past, _REMOVE)
    return offer, origin


def _content(found: _Found) -> bytes:
    if found.remote is None:
        return read_offer(load_settings().channel, found.model, found.digest)
    try:
        return found.remote.read_offer(found.model, found.digest)
    except RemoteChannelError as error:
        raise BadOfferError(found.where, f"cannot be read ({error.reason})", _AGAIN) from error
