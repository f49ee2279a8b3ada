"""What would services have written down if they had answered history's rows?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.prediction_log.replayed import write_segment
from millrace.adapters.scorer import Scorer, load_scorer
from millrace.domain.answers import FloatArray
from millrace.domain.config import ModelConfig
from millrace.domain.prediction import Answer, Answered, AnsweredRow, Label, Labelled, Record
from millrace.domain.serving import Serving
from millrace.settings import load_settings
from millrace.steps.replay.history import History
from millrace.steps.stores import ledger, model_config
from millrace.steps.traffic import spell_labels, spell_rows

if TYPE_CHECKING:
    import pandas as pd

ASKED_ROWS = 2_000
"""So many rows of a step, drawn by the model's seed, are written down for looks; all of them are scored."""
COMPACTED_EVERY = 20
A_MOMENT = 0.001


@dataclass(frozen=True)
class PaperLog:
    """The prediction log of an installation without a service: a segment for each step.

    A step that is written again puts the same in the place of what it wrote before.
    """

    model: str
    history: History
    bounds: tuple[datetime, ...]

    def write(self, step: int) -> None:
        """Write what the champion answers to the rows of a step, and the labels due since the last one."""
        config, serving = model_config(self.model), ledger().serving(self.model)
        records = list(self._tell_labels(config, step))
        rows = self._sample(config, step - 1)
        if serving.champion is not None and rows is not None:
            scorer = load_scorer(bundles_folder(load_settings().channel) / serving.champion)
            records.append(_answered(config, serving, scorer, rows, _name(step - 1)))
        if records:
            write_segment(load_settings().predictions, self._stem(step), records)
        if step % COMPACTED_EVERY == 0:
            from millrace.adapters.prediction_log.compaction import compact

            compact(load_settings().predictions)

    def _tell_labels(self, config: ModelConfig, step: int) -> Iterator[Record]:
        """Yield the labels of rows of the log that are due by this step, and were not by the one before."""
        delay, time = config.data.label_delay or timedelta(0), str(config.data.time)
        before, now = self.bounds[step - 1], self.bounds[step]
        told_at = now.timestamp() - A_MOMENT
        for stretch, (start, end) in enumerate(pairwise(self.bounds[: step + 1])):
            rows = self._sample(config, stretch) if end + delay > before and start + delay <= now else None
            if rows is None:
                continue
            due = rows[time] + delay
            told = rows[rows[config.data.target].notna() & (due > before) & (due <= now)]
            labels = spell_labels(config, told)
            named = zip(labels, told.index.tolist(), strict=True)
            yield Labelled(
                self.model, told_at, (), [Label(label, _name(stretch), row, None) for label, row in named]
            )

    def _sample(self, config: ModelConfig, stretch: int) -> "pd.DataFrame | None":
        """Draw the rows of a stretch that somebody asks about: the same ones each time."""
        rows = self.history.rows_of(stretch)
        if rows is None:
            return None
        drawn = rows.sample(min(ASKED_ROWS, len(rows)), random_state=config.training.seed)
        return drawn.sort_values(str(config.data.time), kind="stable").reset_index(drop=True)

    def _stem(self, step: int) -> str:
        return f"{self.bounds[step]:%Y%m%dT%H%M%S%fZ}-replay-{step:06d}"


def _answered(
    config: ModelConfig, serving: Serving, scorer: Scorer, rows: "pd.DataFrame", request_id: str
) -> Answered:
    asked, times = spell_rows(scorer.schema, rows), rows[str(config.data.time)]
    columns = tuple(asked[0])
    answers = [_answer(one) for one in scorer.answer(rows)]
    written = [
        AnsweredRow(request_id, number, at.timestamp(), tuple(row.values()), answer, 1)
        for number, (row, at, answer) in enumerate(zip(asked, times, answers, strict=True))
    ]
    return Answered(config.name, scorer.digest, serving.generation, "answer", columns, written)


def _answer(given: FloatArray) -> Answer | None:
    if not np.isfinite(given).all():
        return None
    return float(given) if given.ndim == 0 else tuple(given.tolist())


def _name(stretch: int) -> str:
    return f"stretch-{stretch:06d}"
