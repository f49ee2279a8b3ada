"""What a demonstration on live requests needs: people who ask, flights that land, and accidents."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

from millrace.adapters.channel import bundles_folder
from millrace.adapters.models import change_section, load_source
from millrace.adapters.scorer import load_scorer
from millrace.adapters.service_client import Given, ServiceClient
from millrace.domain.canonical import value_text
from millrace.domain.demo import LiveScript, TurnedLabels
from millrace.settings import load_settings
from millrace.steps.stores import ledger, model_config

ROWS_OF_REQUEST, PAUSE_SECONDS = 20, 0.005
"""Some two thousand rows a second: enough to judge within seconds, and the service has time to spare."""

Asked = tuple[list[dict[str, Any]], list[str]]


@contextmanager
def asking(service: ServiceClient, model: str, batch: str, label_seconds: float) -> Iterator[None]:
    """Ask about the rows of a batch, again and again, and tell later how they ended."""
    asked, is_over = list(_requests(model, batch)), threading.Event()
    thread = threading.Thread(target=_ask, args=(service, model, asked, label_seconds, is_over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def configure_rollout(model: str, script: LiveScript) -> None:
    """Give the model the `[rollout]` of the script."""
    change_section(load_settings().models, model, "rollout", script.rollout)


def change_gate(model: str, script: LiveScript) -> None:
    """Change the model's `[gate]` as somebody does in the script."""
    gate = model_config(model).gate.model_dump(mode="json")
    change_section(load_settings().models, model, "gate", {**gate, **script.slowing})


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
    settings, config = load_settings(), model_config(model)
    schema = load_scorer(bundles_folder(settings.channel) / str(ledger().serving(model).champion)).schema
    frame = load_source(settings.models, model).read_batch(batch)
    frame = frame[frame[config.data.target].notna()].sample(frac=1.0, random_state=config.training.seed)
    names = [column.name for column in (*schema.inputs, *schema.key)]
    rows = json.loads(frame[names].to_json(orient="records", date_format="iso", date_unit="us"))
    labels = [value_text(label) for label in frame[config.data.target].tolist()]
    for start in range(0, len(rows), ROWS_OF_REQUEST):
        yield rows[start : start + ROWS_OF_REQUEST], labels[start : start + ROWS_OF_REQUEST]


def _ask(
    service: ServiceClient, model: str, asked: Sequence[Asked], label_seconds: float, is_over: threading.Event
) -> None:
    waiting: deque[tuple[float, list[tuple[Given, str]]]] = deque()
    for rows, labels in cycle(asked):
        if is_over.is_set():
            return
        given = service.ask(model, rows)
        waiting.append((time.monotonic() + label_seconds, list(zip(given, labels, strict=True))))
        while waiting and waiting[0][0] <= time.monotonic():
            service.tell_labels(model, waiting.popleft()[1])
        time.sleep(PAUSE_SECONDS)
