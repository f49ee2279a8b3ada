"""Copying the channel for services elsewhere: bundles first, then the pointer that names them."""

from collections.abc import Iterable
from functools import lru_cache, partial
from pathlib import Path

from millrace.adapters.channel import bundles_folder, list_published, parse_pointer
from millrace.adapters.keys import verify
from millrace.adapters.models import list_models
from millrace.adapters.remote_channel import RemoteChannel
from millrace.domain.offer import offer_key
from millrace.domain.pointer import Pointer
from millrace.settings import load_settings
from millrace.steps.stores import ledger


def copy_to_remote(model: str) -> str | None:
    """Make the remote channel what the local one says; return what was wrong with it, if anything.

    Raises
    ------
    RemoteChannelError
        If it does not answer; nothing but the remote has to be repaired then.
    BadPointerError
        If the local pointer may not be followed.
    """
    remote, content, found = find_remote(), _local_pointer(model), None
    while remote is not None and content is not None:
        bundles = _named_bundles(model, content)
        trouble = remote.find_trouble(model, content, bundles)
        if trouble is None:
            break
        for bundle in bundles:
            remote.send_bundle(bundle)
        remote.send_pointer(model, content)
        found = found or trouble
        # another run may have published, here and there, before this older pointer was sent
        newest = _local_pointer(model)
        content = newest if newest != content else None
    return found


def find_remote_troubles() -> dict[str, str]:
    """Return, by model, what is to be done about the remote: a pointer that differs, an offer that waits.

    Only models of this installation are asked after: names in a channel are whatever somebody wrote there.
    Bundles, a request each, are not looked at.
    """
    remote = find_remote()
    if remote is None:
        return {}
    return _find_offers(remote) | find_differing(remote)


def list_offered_there() -> list[str]:
    """Name every model that the remote has an offer of, also one that is not here: a request for each."""
    remote = find_remote()
    return [] if remote is None else [name for name in remote.list_models() if remote.list_offers(name)]


def list_untaken(model: str, digests: Iterable[str]) -> list[str]:
    """Return which of the versions that are offered were never taken in."""
    return [digest for digest in digests if not ledger().is_done(offer_key(model, digest))]


def find_differing(remote: RemoteChannel) -> dict[str, str]:
    """Return, by model, that the pointer there is not the one here."""
    settings = load_settings()
    known = {*list_models(settings.models), *(serving.model for serving in ledger().list_serving())}
    local = {model: _local_pointer(model) for model in list_published(settings.channel) if model in known}
    found = remote.read_pointers(local)
    return {
        model: f"not the pointer of revision {_parse(model, content).revision}"
        for model, content in local.items()
        if content is not None and content != found[model]
    }


def _find_offers(remote: RemoteChannel) -> dict[str, str]:
    models = list_models(load_settings().models)
    offered = {model: list_untaken(model, remote.list_offers(model)) for model in models}
    return {
        model: f"an offer of version {digests[0][:12]}, which was not taken in"
        for model, digests in offered.items()
        if digests
    }


def find_remote() -> RemoteChannel | None:
    """Return the remote channel of this installation, opened once per process; None where there is none."""
    url = load_settings().channel_url
    return None if url is None else open_remote(url)


@lru_cache
def open_remote(url: str) -> RemoteChannel:
    """Return the channel at an address, opened once per process."""
    return RemoteChannel(url)


def _local_pointer(model: str) -> bytes | None:
    path = load_settings().channel / model / "pointer.json"
    return path.read_bytes() if path.exists() else None


def _named_bundles(model: str, content: bytes) -> list[Path]:
    bundles = bundles_folder(load_settings().channel)
    return [bundles / digest for digest in dict.fromkeys(arm.digest for arm in _parse(model, content).arms)]


def _parse(model: str, content: bytes) -> Pointer:
    settings = load_settings()
    return parse_pointer(content, model, partial(verify, settings.keys), settings.channel / model)
