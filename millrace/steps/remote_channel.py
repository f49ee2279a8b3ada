"""Copying the channel for services elsewhere: bundles first, then the pointer that names them."""

from functools import lru_cache, partial
from pathlib import Path

from millrace.adapters.channel import bundles_folder, list_published, parse_pointer
from millrace.adapters.keys import verify
from millrace.adapters.remote_channel import RemoteChannel
from millrace.domain.pointer import Pointer
from millrace.settings import load_settings


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
    """Return, by model, in what the remote's pointers differ; bundles, a request each, are not looked at."""
    remote = find_remote()
    if remote is None:
        return {}
    local = {model: _local_pointer(model) for model in list_published(load_settings().channel)}
    found = remote.read_pointers(local)
    return {
        model: f"not the pointer of revision {_parse(model, content).revision}"
        for model, content in local.items()
        if content is not None and content != found[model]
    }


def find_remote() -> RemoteChannel | None:
    """Return the remote channel of this installation, opened once per process; None where there is none."""
    url = load_settings().channel_url
    return None if url is None else _open_remote(url)


def _local_pointer(model: str) -> bytes | None:
    path = load_settings().channel / model / "pointer.json"
    return path.read_bytes() if path.exists() else None


def _named_bundles(model: str, content: bytes) -> list[Path]:
    bundles = bundles_folder(load_settings().channel)
    return [bundles / digest for digest in dict.fromkeys(arm.digest for arm in _parse(model, content).arms)]


def _parse(model: str, content: bytes) -> Pointer:
    settings = load_settings()
    return parse_pointer(content, model, partial(verify, settings.keys), settings.channel / model)


@lru_cache
def _open_remote(url: str) -> RemoteChannel:
    return RemoteChannel(url)
