"""Who asks while history runs again, and when does anybody know how it ended?"""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.models import load_source
from millrace.adapters.scorer import load_scorer
from millrace.adapters.service_client import Given, NotServedError, ServiceClient
from millrace.domain.answers import FloatArray
from millrace.domain.blocks import name_blocks
from millrace.domain.bundle import Schema
from millrace.domain.canonical import value_text
from millrace.domain.config import ModelConfig
from millrace.domain.demo import AskingScript
from millrace.domain.kinds import Task
from millrace.domain.losses import block_loss, metric_value
from millrace.domain.schema import class_names, label_values
from millrace.settings import load_settings
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    import pandas as pd

ROWS_OF_REQUEST = 20

Asked = tuple[list[dict[str, Any]], list[str | float]]
"""Rows of one request, and what became true of them."""


def requests_about(model: str, rows: "pd.DataFrame") -> Iterator[Asked]:
    """Yield what the champion is asked about rows with a label, some at a time, and the labels."""
    champion = str(ledger().serving(model).champion)
    schema = load_scorer(bundles_folder(load_settings().channel) / champion).schema
    asked, labels = spell_rows(schema, rows), spell_labels(model_config(model), rows)
    for start in range(0, len(asked), ROWS_OF_REQUEST):
        yield asked[start : start + ROWS_OF_REQUEST], labels[start : start + ROWS_OF_REQUEST]


def spell_rows(schema: Schema, rows: "pd.DataFrame") -> list[dict[str, Any]]:
    """Write rows as a request does, keys and all."""
    names = [column.name for column in (*schema.inputs, *schema.key)]
    asked: list[dict[str, Any]] = json.loads(
        rows[names].to_json(orient="records", date_format="iso", date_unit="us")
    )
    return asked


def spell_labels(config: ModelConfig, rows: "pd.DataFrame") -> list[str | float]:
    """Write what became true of rows as somebody tells it to a service."""
    is_number = config.model.task is Task.REGRESSION
    truths = rows[config.data.target].tolist()
    return [float(truth) if is_number else value_text(truth) for truth in truths]


@dataclass
class Traffic:
    """Asks a service about rows of a model's source when they happen, and tells labels when they are due."""

    model: str
    service: ServiceClient
    script: AskingScript
    batches: Sequence[str]
    _waiting: deque[tuple[datetime, list[tuple[Given, str | float]]]] = field(default_factory=deque)
    _asked: "list[pd.DataFrame]" = field(default_factory=list)

    def ask(self, now: datetime) -> None:
        """Ask about a sample of the rows of the time since the last asking.

        Raises
        ------
        NotServedError
            If a row was answered by another bundle than the champion.
        """
        import pandas as pd

        config, champion = model_config(self.model), ledger().serving(self.model).champion or ""
        self.service.wait_until_answers_by(self.model, champion)
        rows = self._rows_of(now - self.script.every, now)
        given, labels = list[Given](), list[str | float]()
        for asked, truths in requests_about(self.model, rows):
            given += self.service.ask(self.model, asked)
            labels += truths
        if other := {one.digest for one in given} - {champion}:
            raise NotServedError(
                self.service.url, f"answers of {champion[:12]}", f"some of {min(other)[:12]}"
            )
        delay = config.data.label_delay or timedelta(0)
        self._waiting.append((now + delay, list(zip(given, labels, strict=True))))
        answers = pd.Series([one.answer for one in given], rows.index, object)
        self._asked.append(rows.assign(_answer=answers))

    def tell(self, now: datetime) -> None:
        """Tell how it ended, of all of which somebody knows by now."""
        while self._waiting and self._waiting[0][0] <= now:
            self.service.tell_labels(self.model, self._waiting.popleft()[1])

    def score(
        self, since: datetime, until: datetime, frozen: str | None
    ) -> tuple[float | None, float | None]:
        """Return the gate's metric on what was asked about a time: a frozen bundle's, and the answers'."""
        import pandas as pd

        config = model_config(self.model)
        if not self._asked or frozen is None or config.data.time is None:
            return None, None
        asked = pd.concat(self._asked, ignore_index=True)
        of_time = asked[config.data.time].between(since, until, inclusive="left")
        rows = asked[of_time].reset_index(drop=True)
        if rows.empty:
            return None, None
        scorer = load_scorer(bundles_folder(load_settings().channel) / frozen)
        answers = np.array([_numbers(answer) for answer in rows["_answer"]], dtype=np.float64)
        return self._metric(rows, scorer.answer(rows)), self._metric(rows, answers)

    def _metric(self, rows: "pd.DataFrame", answers: FloatArray) -> float:
        config = model_config(self.model)
        labels = label_values(rows, config, class_names(rows, config))
        loss = block_loss(config.followed_metric, labels, answers, name_blocks(rows, config))
        return metric_value(config.followed_metric, loss.point)

    def _rows_of(self, since: datetime, until: datetime) -> "pd.DataFrame":
        time, seed = str(model_config(self.model).data.time), model_config(self.model).training.seed
        rows = self._history[self._history[time].between(since, until, inclusive="left")]
        return rows.sample(min(self.script.rows, len(rows)), random_state=seed).sort_values(time)

    @cached_property
    def _history(self) -> "pd.DataFrame":
        """All rows with a label, of every batch there will be."""
        import pandas as pd

        source = load_source(load_settings().models, self.model)
        rows = pd.concat([source.read_batch(batch) for batch in self.batches], ignore_index=True)
        return rows[rows[model_config(self.model).data.target].notna()]


def _numbers(answer: object) -> object:
    return [*answer.values()] if isinstance(answer, dict) else answer
