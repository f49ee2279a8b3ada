"""How does a bundle become a scorer that may answer?"""

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.bundle_store import BundleStore
from millrace.adapters.channel_source import ChannelSource
from millrace.adapters.scorer import Scorer, load_scorer, prove
from millrace.domain.bundle import MANIFEST_FILE, CorruptBundleError


def load_bundle(source: ChannelSource, store: BundleStore, digest: str) -> Scorer:
    """Return a proven scorer, from the store or else from the channel; what is corrupt is fetched anew."""
    try:
        return load_stored(store, digest)
    except CorruptBundleError:
        store.discard(digest)
    store.receive(digest, source.fetch_bundle, verify_bundle)
    return load_stored(store, digest)


def load_stored(store: BundleStore, digest: str) -> Scorer:
    """Return a proven and warm scorer of a bundle that lies in the store.

    Raises
    ------
    CorruptBundleError
        If it does not lie there, or is not what its name says.
    UnprovenBundleError
        If it does not answer its own examples as it did.
    """
    scorer = load_scorer(store.bundle(digest))
    if scorer.digest != digest:
        raise CorruptBundleError(MANIFEST_FILE, f"the manifest of {scorer.digest}", f"that of {digest}")
    prove(scorer, scorer.examples)
    # the proof has answered all examples at once; the first row alone takes other ways through the engine
    scorer.answer({column.name: [scorer.examples.rows[0][column.name]] for column in scorer.schema.inputs})
    return scorer
