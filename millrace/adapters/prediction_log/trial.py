"""What did two versions answer at the same time, and what became true of it?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from millrace.adapters.prediction_log.names import BoolArray
from millrace.adapters.prediction_log.pairing import Rows, pair, rows_of
from millrace.adapters.prediction_log.parts import MAX_ROWS, Span, read_parts_by_key
from millrace.adapters.prediction_log.segment import Damage
from millrace.adapters.prediction_log.tables import INPUT, Kind
from millrace.adapters.prediction_log.thin import codes_of, is_text
from millrace.adapters.prediction_log.values import (
    answers_of_log,
    has_failed,
    labels_of_log,
    sliced,
    values_at,
)
from millrace.domain.answers import FloatArray, spread_shares
from millrace.domain.kinds import Task
from millrace.domain.prediction import SLACK
from millrace.domain.rollout.measure import EVENLY, LoggedRows, Thresholds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Trial:
    """Two versions of a model in one generation, in `[since, until)`.

    `classes` are the labels in the order of the answers: those of the champion, then any that the challenger
    alone knows. `known` are those of one version, where they are not all of them. `slices` are columns of
    requests, and so are `keys`, by which labels may name them.
    """

    model: str
    generation: int
    champion: str
    challenger: str
    since: datetime
    until: datetime
    task: Task
    classes: tuple[str, ...]
    slices: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    thresholds: Thresholds = EVENLY

    def known_to(self, digest: str) -> tuple[str, ...]:
        """Return the classes of a version, in the order of its answers."""
        return self.known.get(digest, self.classes)


@dataclass(frozen=True)
class TrialRows:
    """What was logged of a trial: all of it, or a `share` of its requests where there were too many."""

    rows: LoggedRows
    share: float
    damages: tuple[Damage, ...]


def read_trial(folder: Path, trial: Trial, max_rows: int = MAX_ROWS) -> TrialRows:
    """Read what two versions answered, as `read_window` would, but that alone.

    Of more than `max_rows` answered rows about so many are read: those of a share of the requests.

    Raises
    ------
    UnreadableLogError
        If a compacted file is none.
    """
    inputs = tuple(dict.fromkeys((*trial.slices, *trial.keys)))
    span = Span(trial.model, trial.since - SLACK, trial.until, inputs)
    parts, span = read_parts_by_key(folder, span, max_rows)
    answers, shadows, labels = (rows_of(parts.whole(kind, span.inputs)) for kind in Kind)
    return TrialRows(_logged_rows(trial, answers, shadows, labels), parts.share, tuple(parts.damages))


def _logged_rows(trial: Trial, answers: Rows, shadows: Rows, labels: Rows) -> LoggedRows:
    shadows = _chosen(shadows, _is_of(shadows, trial))
    since = (trial.since - _EPOCH) // timedelta(microseconds=1)
    pairs = pair(answers, shadows, labels, since)
    is_mine = _is_of(answers, trial) & (answers.at >= since) & ~pairs.is_again
    table, shadow, label, scored = answers.part.table, pairs.shadow, pairs.label, shadows.part.table
    if not is_mine.all():
        table, shadow, label = table.filter(pa.array(is_mine)), shadow[is_mine], label[is_mine]
    values = labels_of_log(labels.part.table, trial.task, trial.classes)
    return LoggedRows(
        answered_by=is_text(table["digest"], trial.challenger),
        failed=has_failed(table),
        answers=_answers(table, trial),
        latency_us=table["latency_us"].to_numpy().astype(np.float64),
        is_scored=shadow >= 0,
        scored_by=values_at(is_text(scored["digest"], trial.challenger), shadow, False),
        score_failed=values_at(has_failed(scored), shadow, False),
        scores=values_at(_answers(scored, trial), shadow, np.nan),
        labels=values_at(values, label, np.nan),
        slices={name: sliced(*codes_of(table[INPUT + name])) for name in trial.slices},
    )


def _answers(table: pa.Table, trial: Trial) -> FloatArray:
    """Return the answers of both versions over the classes of either."""
    if trial.task is not Task.MULTICLASS:
        return answers_of_log(table["answer"], 1)
    answers, is_ours = (
        np.full((len(table), len(trial.classes)), np.nan),
        is_text(table["digest"], trial.challenger),
    )
    for digest, rows in ((trial.champion, ~is_ours), (trial.challenger, is_ours)):
        known = trial.known_to(digest)
        found = answers_of_log(table["answer"].filter(pa.array(rows)), len(known))
        answers[rows] = spread_shares(found, known, trial.classes)
    return answers


def _is_of(rows: Rows, trial: Trial) -> BoolArray:
    table = rows.part.table
    is_either = is_text(table["digest"], trial.champion) | is_text(table["digest"], trial.challenger)
    return np.asarray(is_either & (table["generation"].to_numpy() == trial.generation))


def _chosen(rows: Rows, chosen: BoolArray) -> Rows:
    return Rows(rows.part.take(chosen), rows.names[chosen], rows.at[chosen])
