"""What does a service do about the pointer of one model?"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from millrace.adapters.bundle_store import BundleStore, Kept
from millrace.adapters.channel import parse_pointer
from millrace.adapters.channel_source import (
    ChannelSource,
    OversizedFileError,
    UnreachableChannelError,
    Unread,
)
from millrace.adapters.scorer import Scorer
from millrace.domain.pointer import Pointer
from millrace.errors import MillraceError
from millrace.serving.following.acceptance import Verify, accept_pointer
from millrace.serving.following.errand import Errand, Load, Loader
from millrace.serving.following.loaded import Loaded, check_agreement
from millrace.serving.following.loading import load_bundle, load_stored
from millrace.serving.following.pause import Pause
from millrace.serving.following.trouble import Doing, Trouble, TroubleKind, Troubles, kind_of, told

CHAMPIONS = 3
"""How many last champions, the present one among them, stay warm and on disk."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelState:
    """What a model serves, which bundles are warm, and what is wrong."""

    pointer: Pointer | None
    digests: tuple[str, ...]
    trouble: Trouble | None


@dataclass(frozen=True)
class _Wanted:
    """A pointer that was accepted, as it was signed."""

    pointer: Pointer
    content: bytes


class FollowedModel:
    """One model: what serves, what is wanted, what is wrong. One thread drives it, any may ask its state."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that a model is followed with
        self,
        model: str,
        source: ChannelSource,
        store: BundleStore,
        verify: Verify,
        on_change: Callable[[str, Loaded], None],
        loader: Loader,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = model
        self._source, self._store, self._verify, self._on_change = source, store, verify, on_change
        self._loaded: Loaded | None = None
        self._newest: Pointer | None = None
        self._wanted: _Wanted | None = None
        self._unkept: _Wanted | None = None
        self._champions: tuple[str, ...] = ()
        self._warm: dict[str, Scorer] = {}
        self._cold: set[str] = set()
        self._loading, self._keeping = Pause(monotonic), Pause(monotonic)
        self._errand = Errand(loader)
        self._troubles = Troubles(model)

    @property
    def state(self) -> ModelState:
        loaded = self._loaded
        return ModelState(loaded.pointer if loaded else None, tuple(self._warm), self._troubles.first)

    @property
    def is_known(self) -> bool:
        """Whether there is more of it than a name in a listing."""
        return self._newest is not None or self._wanted is not None or self._troubles.first is not None

    @property
    def had_pointer(self) -> bool:
        """Whether a pointer of it was ever accepted, or the store holds one."""
        return self._newest is not None or self._wanted is not None or Doing.KEEPING in self._troubles

    @property
    def is_untried(self) -> bool:
        """Whether the pointer that is wanted has neither been adopted nor failed."""
        return self._wanted is not None and Doing.LOADING not in self._troubles

    @property
    def digests(self) -> tuple[str, ...]:
        """The bundles that stay: the last champions, and the arms of what serves and of what is wanted."""
        pointers = (self._loaded and self._loaded.pointer, self._wanted and self._wanted.pointer)
        arms = [arm.digest for pointer in pointers if pointer for arm in pointer.arms]
        return tuple(dict.fromkeys([*self._champions, *arms]))

    def recover(self) -> None:
        """Serve what the store holds, whatever has become of the channel."""
        where = f"{self._store.folder}/{self.model}/pointer.json"
        try:
            content, kept = self._store.read_pointer(self.model), self._store.read_kept(self.model)
            if content is None:
                return
            pointer = accept_pointer(content, self.model, self._verify, where, None)
        except Exception as error:  # noqa: BLE001 - the store may hold anything; the channel has it anew
            self._troubles.begin(Doing.KEEPING, TroubleKind.STORE, f"not followed from the store: {error}")
            return
        self._newest, self._wanted = pointer, _Wanted(pointer, content)
        self._champions = kept.champions if kept else ()
        self._pursue(self._wanted, partial(load_stored, self._store))
        self._loading.reset()

    def read(self) -> None:
        """Look at the pointer in the channel.

        Raises
        ------
        UnreachableChannelError
            If the channel does not show it; that is remembered as the model's trouble, too.
        """
        try:
            found = self._source.read_pointer(self.model)
        except UnreachableChannelError as error:
            self.lose(error)
            raise
        except OversizedFileError as error:
            self._troubles.begin(Doing.ACCEPTING, TroubleKind.REFUSED_POINTER, str(error))
            return
        if found is Unread.ABSENT:
            self._miss()
            return
        self._troubles.end(Doing.READING)
        if found is not Unread.UNCHANGED:
            self._judge(found)

    def lose(self, error: UnreachableChannelError) -> None:
        """Remember that the channel cannot be asked."""
        self._troubles.begin(Doing.READING, TroubleKind.UNREACHABLE, str(error))

    def act(self) -> bool:
        """Load what is wanted, or keep what was loaded, when it is time to; return whether that changed."""
        before = self._loaded
        if self._wanted is not None:
            if self._loading.is_over:
                self._pursue(self._wanted, partial(load_bundle, self._source, self._store))
        elif self._unkept is None:
            self._warm_champion()
        if self._unkept is not None and self._keeping.is_over:
            self._keep(self._unkept)
        return self._loaded is not before

    def _miss(self) -> None:
        self._troubles.end(Doing.ACCEPTING)
        if self.model in self._source.models or self.is_known:
            stays = f"generation {self._newest.generation} stays" if self._newest else "nothing of it serves"
            sentence = f"no pointer in {self._source.url}; {stays}. `millrace reconcile` publishes it again"
            self._troubles.begin(Doing.READING, TroubleKind.NO_POINTER, sentence)

    def _judge(self, content: bytes) -> None:
        where = f"{self._source.url}/{self.model}/pointer.json"
        try:
            pointer = accept_pointer(content, self.model, self._verify, where, self._newest)
        except Exception as error:  # noqa: BLE001 - a stranger's bytes may break what reads them in any way
            self._troubles.begin(Doing.ACCEPTING, TroubleKind.REFUSED_POINTER, str(error))
            return
        self._troubles.end(Doing.ACCEPTING)
        self._want(_Wanted(pointer, content))

    def _want(self, wanted: _Wanted) -> None:
        if self._loaded is not None and self._loaded.pointer.payload == wanted.pointer.payload:
            self._wanted = None
            self._troubles.end(Doing.LOADING)
        elif self._wanted is None or self._wanted.pointer.payload != wanted.pointer.payload:
            self._wanted = wanted
            self._loading.reset()
        self._forget()

    def _pursue(self, wanted: _Wanted, load: Load) -> None:
        """Adopt what is wanted if all of it is warm; else take what has been loaded and ask for the next."""
        try:
            for arm in wanted.pointer.arms:
                if arm.digest not in self._warm and not self._warm_up(arm.digest, load):
                    return
            loaded = Loaded(
                wanted.pointer, {arm.digest: self._warm[arm.digest] for arm in wanted.pointer.arms}
            )
            check_agreement(loaded)
            self._on_change(self.model, loaded)
        except Exception as error:  # noqa: BLE001 - a bundle may break what opens it in any way
            self._loading.begin()
            sentence = f"generation {wanted.pointer.generation} is not followed: {told(error)}"
            self._troubles.begin(Doing.LOADING, kind_of(error), sentence)
            return
        self._adopt(wanted, loaded)

    def _warm_up(self, digest: str, load: Load) -> bool:
        scorer = self._errand.bring(digest, load)
        if scorer is not None:
            self._warm = {**self._warm, digest: scorer}
        return scorer is not None

    def _adopt(self, wanted: _Wanted, loaded: Loaded) -> None:
        self._loaded, self._newest, self._wanted, self._unkept = loaded, wanted.pointer, None, wanted
        champion = wanted.pointer.champion
        others = [digest for digest in self._champions if digest != champion]
        self._champions = (champion, *others)[:CHAMPIONS]
        self._forget()
        self._keeping.reset()
        self._troubles.end(Doing.LOADING)
        log.info("%s: serves generation %d", self.model, wanted.pointer.generation)

    def _keep(self, served: _Wanted) -> None:
        kept = Kept(tuple(arm.digest for arm in served.pointer.arms), self._champions)
        try:
            self._store.keep_pointer(self.model, served.content, kept, self._is_not_newer)
        except OSError as error:
            self._keeping.begin()
            sentence = f"generation {served.pointer.generation} serves, but would not after a restart: "
            self._troubles.begin(Doing.KEEPING, TroubleKind.STORE, sentence + told(error))
            return
        self._unkept = None
        self._troubles.end(Doing.KEEPING)

    def _is_not_newer(self, content: bytes) -> bool:
        try:
            kept = parse_pointer(content, self.model, self._verify, "the store")
        except MillraceError:
            return True
        return self._newest is not None and kept.order <= self._newest.order

    def _warm_champion(self) -> None:
        """After a restart load one former champion a round; without it a rollback takes as long as a load."""
        missing = [digest for digest in self._champions if digest not in {*self._warm, *self._cold}]
        for digest in missing[:1]:
            try:
                self._warm_up(digest, partial(load_stored, self._store))
            except Exception as error:  # noqa: BLE001 - it does not serve; when it must, it is loaded or told
                self._cold.add(digest)
                log.info("%s: former champion %s stays cold: %s", self.model, digest[:12], error)

    def _forget(self) -> None:
        self._warm = {digest: scorer for digest, scorer in self._warm.items() if digest in self.digests}
        self._errand.keep(self.digests)
