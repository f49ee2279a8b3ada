"""Taking a bundle from one channel into another: whole or not at all, every byte verified."""

from pathlib import Path

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.bundle_store import BundleStore
from millrace.adapters.channel_source import ChannelSource
from millrace.domain.bundle import CorruptBundleError


def take_in_bundle(root: Path, digest: str, source: ChannelSource) -> None:
    """Make the channel in the folder `root` hold the bundle that `source` has; one it has stays.

    Raises
    ------
    CorruptBundleError
        If `source` has other bytes than `digest` says; then nothing of them is kept.
    UnreachableChannelError
        If it does not show them.
    """
    store = BundleStore(root)
    try:
        verify_bundle(store.bundles, digest)
    except CorruptBundleError:
        store.discard(digest)  # half copied, or rotten: the next reader must find all of it or none
        store.receive(digest, source.fetch_bundle, verify_bundle)
