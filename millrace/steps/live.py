"""What a demonstration on live requests needs: people who ask, outcomes that come later, and accidents."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import cycle
from pathlib import Path
from types import TracebackType

from millrace.adapters.models import change_keys, change_section, load_source
from millrace.adapters.service_client import Given, ServiceClient
from millrace.domain.demo import LiveScript, TurnedLabels
from millrace.settings import load_settings
from millrace.steps.stores import model_config
from millrace.steps.traffic import Asked, requests_about

PAUSE_SECONDS = 0.005
"""Some two thousand rows a second: enough to judge within seconds, and the service has time to spare."""


class Asking(AbstractContextManager["Asking"]):
    """Somebody who asks while the block runs; what stops him is raised where the block waits, or ends."""

    def __init__(self, ask: Callable[[threading.Event], None]) -> None:
        self._ask = ask
        self._error: Exception | None = None
        self._is_over, self._has_ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        if error is None:
            self._raise()

    def wait(self, seconds: float) -> None:
        """Let him ask for so long; without him there is nothing to wait for."""
        self._has_ended.wait(seconds)
        self._raise()

    def _raise(self) -> None:
        error, self._error = self._error, None  # whoever has heard of it need not hear it again
        if error is not None:
            raise error

    def _run(self) -> None:
        try:
            self._ask(self._is_over)
        except Exception as error:  # noqa: BLE001 - it is raised in the other thread
            self._error = error
        finally:
            self._has_ended.set()


def asking(service: ServiceClient, model: str, batch: str, label_seconds: float) -> Asking:
    """Ask about the rows of a batch, again and again, and tell later how they ended."""
    return Asking(partial(_ask, service, model, list(_requests(model, batch)), label_seconds))


def configure_rollout(model: str, script: LiveScript) -> None:
    """Give the model the `[rollout]` of the script."""
    change_section(load_settings().models, model, "rollout", script.rollout)


def change_gate(model: str, script: LiveScript) -> None:
    """Change the model's `[gate]` as somebody does in the script."""
    change_keys(load_settings().models, model, "gate", script.slowing)


def write_turned(model: str, turned: TurnedLabels) -> Path:
    """Write the batch as the broken export would have delivered it."""
    settings, target = load_settings(), model_config(model).data.target
    rows = load_source(settings.models, model).read_batch(turned.batch).copy()
    is_turned = rows[turned.column].isin(turned.values)
    rows.loc[is_turned, target] = 1 - rows.loc[is_turned, target]
    path = settings.home / "exports" / model / f"{turned.batch}-turned.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(path, index=False)
    return path


def _requests(model: str, batch: str) -> Iterator[Asked]:
    config, frame = model_config(model), load_source(load_settings().models, model).read_batch(batch)
    labelled = frame[frame[config.data.target].notna()]
    return requests_about(model, labelled.sample(frac=1.0, random_state=config.training.seed))


def _ask(
    service: ServiceClient, model: str, asked: Sequence[Asked], label_seconds: float, is_over: threading.Event
) -> None:
    waiting: deque[tuple[float, list[tuple[Given, str | float]]]] = deque()
    for rows, labels in cycle(asked):
        if is_over.is_set():
            return
        given = service.ask(model, rows)
        waiting.append((time.monotonic() + label_seconds, list(zip(given, labels, strict=True))))
        while waiting and waiting[0][0] <= time.monotonic():
            service.tell_labels(model, waiting.popleft()[1])
        time.sleep(PAUSE_SECONDS)
