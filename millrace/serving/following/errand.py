"""Who loads a bundle, while others look at the pointers?"""

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from millrace.adapters.scorer import Scorer
from millrace.serving.priority import LOADING, lower_priority

Load = Callable[[str], Scorer]


class Loader:
    """One thread of low priority that loads one bundle after another; before it starts, the caller's."""

    def __init__(self, on_done: Callable[[], None]) -> None:
        self._on_done = on_done
        self._asked: queue.SimpleQueue[tuple[Future[Scorer], Load, str] | None] = queue.SimpleQueue()
        # not an executor: Python waits at its end for the threads of one, however long a download hangs
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)
        self._is_busy = False

    @property
    def is_busy(self) -> bool:
        """Whether a load is under way or asked for."""
        return self._is_busy or not self._asked.empty()

    def start(self) -> None:
        """Load in a thread of its own from now on."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Begin no other load, and wait so long for the one under way."""
        with contextlib.suppress(queue.Empty):
            while asked := self._asked.get_nowait():
                asked[0].cancel()
        self._asked.put(None)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def submit(self, load: Load, digest: str) -> Future[Scorer]:
        """Have a bundle loaded in its turn."""
        future: Future[Scorer] = Future()
        if self._thread.is_alive():
            self._asked.put((future, load, digest))
        else:
            _fulfil(future, load, digest)
        return future

    def _run(self) -> None:
        lower_priority(LOADING)
        while asked := self._asked.get():
            self._is_busy = True
            _fulfil(*asked)
            del asked  # else the last scorer stays in memory until the next is asked for
            self._is_busy = False
            self._on_done()


class Errand:
    """The one bundle that a model has asked for. One thread asks; the loader has the future only."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._digest: str | None = None
        self._future: Future[Scorer] = Future()

    def bring(self, digest: str, load: Load) -> Scorer | None:
        """Return the scorer of a bundle, None while it is being loaded, or raise what loading it raised."""
        if digest != self._digest:
            self.drop()
            self._digest, self._future = digest, self._loader.submit(load, digest)
        if not self._future.done():
            return None
        future = self._future
        self.drop()
        return future.result()

    def keep(self, digests: tuple[str, ...]) -> None:
        """Drop what is none of these."""
        if self._digest not in digests:
            self.drop()

    def drop(self) -> None:
        """Want nothing: what waits is not begun, and what is under way is not taken."""
        self._future.cancel()
        self._digest, self._future = None, Future()


def _fulfil(future: Future[Scorer], load: Load, digest: str) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(load(digest))
    except BaseException as error:  # noqa: BLE001 - it is raised to who asked
        future.set_exception(error)
