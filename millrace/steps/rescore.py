"""What would the challenger have answered to the newest rows of the log?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.prediction_log.frames import answer_columns, inputs_of
from millrace.adapters.prediction_log.names import BoolArray
from millrace.adapters.prediction_log.newest import read_newest
from millrace.adapters.prediction_log.tables import INPUT
from millrace.adapters.prediction_log.trial import Trial
from millrace.adapters.prediction_log.values import label_value, sliced
from millrace.adapters.scorer import Scorer, load_scorer
from millrace.domain.answers import FloatArray, spread_shares
from millrace.domain.canonical import value_text
from millrace.domain.kinds import Task
from millrace.domain.rollout.measure import LoggedRows, Sliced
from millrace.domain.rollout.policy import REPLAYED_ROWS
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.stores import model_config

if TYPE_CHECKING:
    import pandas as pd

REPLAYED_TIME = timedelta(days=30)
"""Older rows tell of another season."""
CHUNK_ROWS = 1024
"""Rows that the challenger scores at once, and that count as failed where one of them breaks it."""


class UnloggedColumnsError(MillraceError):
    """The log does not say what the challenger would have been asked."""

    def __init__(self, model: str, columns: Sequence[str]) -> None:
        self.model, self.columns = model, tuple(columns)
        super().__init__(
            f"{model}: found no readable {', '.join(self.columns)} in the log, needed every column that the "
            "challenger takes, as a direct rollout scores logged rows again. Take it out of serving.hash and "
            "serving.leave_out, or choose another rollout.strategy"
        )


@dataclass(frozen=True)
class Rescored:
    """Rows that the champion answered, scored by the challenger; the oldest is of `since`."""

    rows: LoggedRows
    since: datetime
    damages: int


def rescore_log(trial: Trial) -> Rescored:
    """Score what the champion was last asked through the challenger's bundle.

    Raises
    ------
    UnloggedColumnsError
        If a column of the challenger is hashed in the log, or not there.
    """
    settings = load_settings()
    since = trial.until - REPLAYED_TIME
    newest = read_newest(settings.predictions, trial.model, trial.champion, since, trial.until, REPLAYED_ROWS)
    frame = newest.rows
    if frame.empty:
        return Rescored(
            _logged_rows(trial, frame, np.empty(0), np.empty(0, bool)), trial.since, newest.damages
        )
    scorer = load_scorer(bundles_folder(settings.channel) / trial.challenger)
    _ensure_logged(trial.model, scorer, frame)
    scores, has_failed = score_rows(scorer, inputs_of(frame))
    return Rescored(_logged_rows(trial, frame, scores, has_failed), frame["at"].iloc[0], newest.damages)


def _ensure_logged(model: str, scorer: Scorer, frame: "pd.DataFrame") -> None:
    settings, logged = model_config(model).serving_settings, inputs_of(frame).columns
    hidden = {*settings.hashed, *settings.left_out}
    names = [column.name for column in scorer.schema.inputs]
    if missing := [name for name in names if name in hidden or name not in logged]:
        raise UnloggedColumnsError(model, missing)


def score_rows(scorer: Scorer, inputs: "pd.DataFrame") -> tuple[FloatArray, BoolArray]:
    """Answer rows; those of a chunk that breaks the scorer have no answer, and failed."""
    classes = (len(scorer.schema.classes),) if scorer.schema.task is Task.MULTICLASS else ()
    scores, has_failed = np.full((len(inputs), *classes), np.nan), np.zeros(len(inputs), dtype=bool)
    for start in range(0, len(inputs), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        try:
            scores[chunk] = scorer.answer(inputs[chunk])
        except Exception:  # noqa: BLE001 - a challenger that breaks is a finding, never a fault
            has_failed[chunk] = True
    return scores, has_failed


def _logged_rows(
    trial: Trial, frame: "pd.DataFrame", scores: FloatArray, has_failed: BoolArray
) -> LoggedRows:
    nobody, everybody = np.zeros(len(frame), dtype=bool), np.ones(len(frame), dtype=bool)
    answers = frame[answer_columns(frame)].to_numpy("float64")
    if trial.task is Task.MULTICLASS:
        answers = spread_shares(answers, trial.known_to(trial.champion), trial.classes)
        scores = spread_shares(scores, trial.known_to(trial.challenger), trial.classes)
    labels = [label_value(label, trial.task, trial.classes) for label in _values(frame, "label")]
    return LoggedRows(
        answered_by=nobody,
        failed=nobody,
        answers=answers if trial.task is Task.MULTICLASS else answers[:, 0],
        latency_us=np.full(len(frame), np.nan),
        is_scored=everybody,
        scored_by=everybody,
        score_failed=has_failed,
        scores=scores,
        labels=np.array(labels, dtype=np.float64),
        slices={name: _sliced(_values(frame, INPUT + name)) for name in trial.slices},
    )


def _values(frame: "pd.DataFrame", name: str) -> list[Any]:
    values = frame[name] if name in frame else [None] * len(frame)
    return [None if value is None or value != value else value for value in values]  # noqa: PLR0124 - NaN


def _sliced(values: list[Any]) -> Sliced:
    texts: dict[str, int] = {}
    codes = [-1 if value is None else texts.setdefault(value_text(value), len(texts)) for value in values]
    return sliced(list(texts), np.array(codes, dtype=np.int32))
