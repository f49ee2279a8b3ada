"""Offering a version to another installation: its bytes first, then the ledger, then one signed file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import bundles_folder
from millrace.adapters.channel_source import ChannelSource, UnreachableChannelError
from millrace.adapters.keys import ensure_keys, sign
from millrace.adapters.offers import encode_offer, write_offer
from millrace.adapters.remote_channel import RemoteChannelError
from millrace.domain.address import mask_address
from millrace.domain.bundle import CorruptBundleError
from millrace.domain.facts import ChallengerJudged, Fact, VersionOffered
from millrace.domain.ledger import Entry
from millrace.domain.offer import Offer, ensure_offerable, list_versions, tell_course
from millrace.errors import AmbiguousNameError, MillraceError, MissingReasonError, UnavailableError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.bundle_copy import take_in_bundle
from millrace.steps.claims import taking_turns
from millrace.steps.offline_rollback import enter_offline_rollbacks
from millrace.steps.remote_channel import open_remote
from millrace.steps.stores import ensure_known, ledger


class UnusableChannelError(MillraceError):
    """A place where no offer can be put."""

    def __init__(self, channel: str, found: str) -> None:
        self.channel, self.found = channel, found
        super().__init__(
            f"channel {channel}: {found}, the channel of another installation was needed, one that can be "
            "written: a folder, or an address such as s3://bucket/prefix. Nothing was offered"
        )


class OfferNotSentError(UnavailableError):
    """The other installation's channel cannot be used now."""

    def __init__(self, channel: str, reason: str) -> None:
        self.channel, self.reason = channel, reason
        super().__init__(
            f"channel {channel}: {reason}. Nothing was offered yet; bring it back, or correct the address, "
            "and run the same command again"
        )


class NothingToOfferError(MillraceError):
    """No version of the model has that name."""

    def __init__(self, model: str, version: str | None) -> None:
        self.model, self.version = model, version
        found = f"no judged version starts with {version!r}" if version else "it has no champion"
        super().__init__(f"{model}: {found}. `millrace history {model}` lists the versions")


@dataclass(frozen=True)
class Offered:
    """The offer that lies in `channel` now; `is_new` when it did not before."""

    channel: str
    offer: Offer
    is_new: bool


def offer_version(
    channel: str, model: str, version: str | None, reason: str, run_id: str, now: datetime
) -> Offered:
    """Copy a judged version to another channel and offer it there; done again, it is the same offer.

    Parameters
    ----------
    version
        The first characters of a digest, None for the champion.

    Raises
    ------
    UnusableChannelError, NothingToOfferError, NotOfferableError, OfferNotSentError
        If it cannot be done; then nothing was offered.
    """
    if not reason.strip():
        raise MissingReasonError("promotion to another channel")
    ensure_known(model)
    told, folder = _find_channel(channel)
    ensure_keys(load_settings().keys)
    enter_offline_rollbacks(model, now)
    digest = _find_version(model, version)
    ensure_offerable(model, digest, _facts(model))
    verify_bundle(bundles_folder(load_settings().channel), digest)
    with taking_turns(f"offering:{model}:{digest}", run_id):
        _send_bundle(channel, folder, digest)
        before = _find_offered(model, digest, told)
        ensure_offerable(model, digest, _facts(model))  # its bytes took their time, or another run's turn did
        # the ledger first: a file that was put there cannot be called back, and names its entry
        entry, fact = before or _record(model, VersionOffered(digest, told, reason), now)
        offer = _make_offer(model, entry, fact)
        _send_offer(channel, folder, offer)
    return Offered(told, offer, is_new=before is None)


def _find_channel(channel: str) -> tuple[str, Path | None]:
    """Return the address as it may be told, and the folder where it is one."""
    settings, folder = load_settings(), _folder_of(channel)
    told = mask_address(channel) if folder is None else str(folder)
    if urlsplit(channel).scheme in {"http", "https"}:
        raise UnusableChannelError(told, "a web server takes no files")
    if folder is not None and not folder.is_dir():
        raise UnusableChannelError(told, "no such folder (`millrace init` there makes it)")
    for own in (str(settings.channel), settings.channel_url):
        if own is not None and (_folder_of(own) or own.rstrip("/")) == (folder or channel.rstrip("/")):
            raise UnusableChannelError(told, "this is the channel of this installation itself")
    return told, folder


def _folder_of(channel: str) -> Path | None:
    path = channel.removeprefix("file://")
    return None if "://" in path else Path(path).expanduser().resolve()


def _find_version(model: str, version: str | None) -> str:
    if version is None:
        champion = ledger().serving(model).champion
        if champion is None:
            raise NothingToOfferError(model, None)
        return champion
    found = {digest for digest in list_versions(_facts(model)) if digest.startswith(version)}
    if not found:
        raise NothingToOfferError(model, version)
    if len(found) > 1:
        raise AmbiguousNameError(version, tuple(sorted(found)))
    return found.pop()


def _send_bundle(channel: str, folder: Path | None, digest: str) -> None:
    own = load_settings().channel
    if folder is not None:
        take_in_bundle(folder, digest, ChannelSource(str(own)))
        return
    with _sending(channel):
        remote, bundle = open_remote(channel), bundles_folder(own) / digest
        remote.send_bundle(bundle)
        try:
            _fetch_again(channel, digest)
        except CorruptBundleError:  # bytes of the same size lay there
            remote.send_bundle(bundle, anew=True)
            _fetch_again(channel, digest)


def _fetch_again(channel: str, digest: str) -> None:
    """Verify what came there, not what left here."""
    with TemporaryDirectory() as arrived:
        ChannelSource(channel).fetch_bundle(digest, Path(arrived))


def _send_offer(channel: str, folder: Path | None, offer: Offer) -> None:
    content = encode_offer(offer, partial(sign, load_settings().keys))
    if folder is not None:
        write_offer(folder, offer.model, offer.digest, content)
        return
    with _sending(channel):
        open_remote(channel).send_offer(offer.model, offer.digest, content)


@contextmanager
def _sending(channel: str) -> Iterator[None]:
    try:
        yield
    except (RemoteChannelError, UnreachableChannelError) as error:
        found = error.reason if isinstance(error, RemoteChannelError) else error.found
        raise OfferNotSentError(mask_address(channel), found) from error


def _find_offered(model: str, digest: str, told: str) -> tuple[Entry, VersionOffered] | None:
    """Return by what the version was offered there since it was judged last, if it was."""
    found = None
    for entry in ledger().entries(model, (ChallengerJudged, VersionOffered)):
        match entry.fact:
            case ChallengerJudged() as fact if fact.digest == digest:
                found = None
            case VersionOffered() as fact if (fact.digest, fact.channel) == (digest, told):
                found = entry, fact
            case _:
                pass
    return found


def _record(model: str, fact: VersionOffered, now: datetime) -> tuple[Entry, VersionOffered]:
    return ledger().append(model, fact, now, current_actor()), fact


def _make_offer(model: str, entry: Entry, fact: VersionOffered) -> Offer:
    """Return the offer that `entry` is about, the same each time."""
    entries = ledger().entries(model)
    judged, trained = ensure_offerable(model, fact.digest, [one.fact for one in entries])
    return Offer(
        model,
        fact.digest,
        judged,
        trained,
        course=tell_course(fact.digest, [one for one in entries if one.seq < entry.seq]),
        ledger_head=entry.hash,
        reason=fact.reason,
        offered_by=entry.actor,
        offered_at=entry.at,
    )


def _facts(model: str) -> list[Fact]:
    return [entry.fact for entry in ledger().entries(model)]
