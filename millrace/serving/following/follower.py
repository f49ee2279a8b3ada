"""How does a service come to serve what the channel says?"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable

from millrace.adapters import clock
from millrace.adapters.bundle_store import BundleStore
from millrace.adapters.channel_source import ChannelSource, UnreachableChannelError
from millrace.serving.following.acceptance import Verify
from millrace.serving.following.errand import Loader
from millrace.serving.following.followed_model import FollowedModel, ModelState
from millrace.serving.following.loaded import Loaded
from millrace.serving.following.trouble import Doing, Trouble, TroubleKind, Troubles
from millrace.serving.priority import LOADING, lower_priority

LISTING_SECONDS = 10.0
"""How often a channel that is not a folder is asked for new models: a listing there costs money."""

MODELS = 10_000
"""How many names are taken from a listing: it may list anything."""

PRUNING_SECONDS = 3600.0
STOP_SECONDS = 15.0

log = logging.getLogger(__name__)


class Follower:
    """One thread that looks at every model's pointer in turn, and hands over what another loaded and proved.

    `on_change` is called in the one that looks: it waits for no bundle, so what is warm is adopted at once.
    """

    def __init__(
        self,
        source: ChannelSource,
        store: BundleStore,
        verify: Verify,
        on_change: Callable[[str, Loaded], None],
        interval_seconds: float = 0.25,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._store, self._interval_seconds = source, store, interval_seconds
        self._verify, self._on_change, self._monotonic = verify, on_change, monotonic
        self._models: dict[str, FollowedModel] = {}
        self._listed_at: float | None = None
        self._prune_at = 0.0
        self._troubles = Troubles("channel")
        self._is_ready, self._is_over, self._wake = threading.Event(), threading.Event(), threading.Event()
        self._loader = Loader(self._wake.set)
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    @property
    def ready(self) -> bool:
        """Whether all models that the store or else the channel knows have been tried once."""
        return self._is_ready.is_set()

    def wait_until_ready(self, seconds: float) -> bool:
        """Wait until they have been tried, or so long; return whether they have."""
        return self._is_ready.wait(seconds)

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with the channel as a whole."""
        return self._troubles.first

    @property
    def models(self) -> list[str]:
        """The models that serve or should."""
        return sorted(name for name, followed in self._models.items() if followed.is_known)

    def state(self, model: str) -> ModelState | None:
        """Return what a model serves and what is wrong with it; None for one nobody has told of."""
        followed = self._models.get(model)
        return followed.state if followed is not None and followed.is_known else None

    def start(self) -> None:
        """Begin to follow, in threads of low priority: to load must not take the core from answering."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer; what serves stays."""
        self._is_over.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        self._loader.stop(STOP_SECONDS)

    def recover(self) -> None:
        """Serve what the store holds; the channel is not asked."""
        stored = [model for model in self._store.list_models() if model in (self._source.models or [model])]
        for model in stored:
            self._followed(model).recover()
        states = [self._models[model].state for model in stored]
        if states and all(state.pointer is not None for state in states):
            self._is_ready.set()

    def look(self) -> None:
        """Look once at every model's pointer, and do what it asks for."""
        lost = self._list()
        changed = False
        for followed in list(self._models.values()):
            if lost is None:
                lost = _read(followed)
            else:
                followed.lose(lost)
            changed |= followed.act()
        self._prune_at = self._monotonic() if changed else self._prune_at
        # a download may last longer than what is old, and half of it looks like one that died
        if self._monotonic() >= self._prune_at and not self._loader.is_busy:
            self._prune()
        if not any(followed.is_untried for followed in self._models.values()):
            self._is_ready.set()

    def _run(self) -> None:
        lower_priority(LOADING)
        _survive(self.recover)
        self._loader.start()
        while not self._is_over.is_set():
            self._wake.clear()
            _survive(self.look)
            if not self._is_over.is_set():
                self._wake.wait(self._interval_seconds)

    def _list(self) -> UnreachableChannelError | None:
        """Take up new models; return the error of a channel that does not answer at all."""
        if not self._is_listing_due():
            return None
        try:
            models = self._source.list_models()
        except UnreachableChannelError as error:
            self._troubles.begin(Doing.READING, TroubleKind.UNREACHABLE, str(error))
            return error if not error.answered or self._source.is_local else None
        self._listed_at = self._monotonic()
        self._troubles.end(Doing.READING)
        self._take_up(models)
        return None

    def _take_up(self, listed: list[str]) -> None:
        models = listed[:MODELS]
        if len(listed) > MODELS:
            sentence = (
                f"{len(listed):,} models are listed, {MODELS:,} at most are followed: remove the others"
            )
            self._troubles.begin(Doing.ACCEPTING, TroubleKind.UNEXPECTED, sentence)
        else:
            self._troubles.end(Doing.ACCEPTING)
        for model in models:
            self._followed(model)
        # names that come and go must not fill the memory
        gone = {name for name in self._models.keys() - {*models} if not self._models[name].had_pointer}
        for name in gone:
            self._source.forget(name)
        if gone:
            self._models = {name: one for name, one in self._models.items() if name not in gone}

    def _is_listing_due(self) -> bool:
        if self._listed_at is None or self._source.is_local:
            return True
        return self._monotonic() - self._listed_at >= LISTING_SECONDS

    def _followed(self, model: str) -> FollowedModel:
        if model not in self._models:
            followed = FollowedModel(
                model,
                self._source,
                self._store,
                self._verify,
                self._on_change,
                self._loader,
                self._monotonic,
            )
            self._models = {**self._models, model: followed}
        return self._models[model]

    def _prune(self) -> None:
        self._prune_at = self._monotonic() + PRUNING_SECONDS
        keep = {digest for followed in self._models.values() for digest in followed.digests}
        with contextlib.suppress(OSError):
            self._store.prune(keep, clock.now())


def _read(followed: FollowedModel) -> UnreachableChannelError | None:
    try:
        followed.read()
    except UnreachableChannelError as error:
        return None if error.answered else error
    return None


def _survive(act: Callable[[], None]) -> None:
    try:
        act()
    except Exception:
        # without this thread the service would serve the same for ever, and nobody would know
        log.exception("a look at the channel failed; the next comes in its turn")
