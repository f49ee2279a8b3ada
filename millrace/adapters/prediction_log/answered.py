"""What did one version answer in a time, as arrays, and what became true of it?"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from millrace.adapters.prediction_log.label_counting import count_labels
from millrace.adapters.prediction_log.names import BoolArray
from millrace.adapters.prediction_log.pairing import Rows, pair, rows_of
from millrace.adapters.prediction_log.parts import (
    MAX_ROWS,
    Span,
    count_since,
    read_parts,
    read_parts_by_key,
)
from millrace.adapters.prediction_log.segment import Damage
from millrace.adapters.prediction_log.tables import INPUT, Kind
from millrace.adapters.prediction_log.thin import TEXT, codes_of, is_text
from millrace.adapters.prediction_log.values import (
    answers_of_log,
    has_failed,
    labels_of_log,
    sliced,
    values_at,
)
from millrace.domain.answers import spread_shares
from millrace.domain.kinds import Task
from millrace.domain.label_joining import LabelCounts
from millrace.domain.monitoring.answered import AnsweredRows
from millrace.domain.prediction import SLACK

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Answering:
    """A version of a model in `[start, end)`, whatever else answered then.

    `classes` are the labels in the order of the answers. `columns` are those of requests by which rows are
    told apart, and so are `keys`, by which labels may name them. A label is late after `label_delay`.
    """

    model: str
    digest: str
    start: datetime
    end: datetime
    task: Task
    classes: tuple[str, ...]
    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    label_delay: timedelta | None = None


@dataclass(frozen=True)
class AnsweredLog:
    """What was logged of it: all, or a `share` of the requests where there were too many.

    Of several classes the answers have those of the version, and then those that only labels name: it gave
    them no share. `unreadable_labels` are rows whose newest label is none of a binary model's classes, or no
    number. A label of a row that was answered at another time is among the `unknown` ones. `damages` are
    places and whole files that could not be read: their rows are missing.
    """

    rows: AnsweredRows
    share: float
    labels: LabelCounts
    unreadable_labels: int
    damages: tuple[Damage, ...]


def read_answered(folder: Path, wanted: Answering, max_rows: int = MAX_ROWS) -> AnsweredLog:
    """Read what a version answered, each row with its newest label.

    Of more than `max_rows` answered rows about so many are read: those of a share of the requests.
    """
    inputs = tuple(dict.fromkeys((*wanted.columns, *wanted.keys)))
    span = Span(wanted.model, wanted.start - SLACK, wanted.end, inputs)
    parts, span = read_parts_by_key(folder, span, max_rows, is_strict=False)
    answers, shadows, labels = (rows_of(parts.whole(kind, span.inputs)) for kind in Kind)
    since = (wanted.start - _EPOCH) // _MICROSECOND
    pairs = pair(answers, shadows, labels, since)
    is_mine = is_text(answers.part.table["digest"], wanted.digest) & (answers.at >= since) & ~pairs.is_again
    classes = _named_classes(wanted, labels)
    values = labels_of_log(labels.part.table, wanted.task, classes)
    positions = pairs.label[is_mine]
    rows = _answered_rows(wanted, classes, answers, is_mine)
    rows = replace(
        rows,
        labels=values_at(values, positions, np.nan),
        labelled_at=values_at(labels.at, positions, -1),
    )
    return AnsweredLog(
        rows=rows,
        share=parts.share,
        labels=count_labels(answers, labels, values, pairs, is_mine, wanted.label_delay),
        unreadable_labels=int(((positions >= 0) & np.isnan(rows.labels)).sum()),
        damages=tuple(parts.damages),
    )


def count_answered(folder: Path, model: str, start: datetime, end: datetime) -> int:
    """Count about how many rows a model, whichever version, answered in `[start, end)`."""
    parts = read_parts(folder, Span(model, start, end), is_strict=False)
    return round(len(parts.whole(Kind.ANSWERS, ()).ids) / parts.share)


def count_labels_since(folder: Path, model: str, start: datetime) -> int:
    """Count at least how many labels came for what a model answered from `start` on: no answer is read.

    Raises
    ------
    UnreadableLogError
        If a compacted file is none.
    """
    return count_since(folder, Span(model, start - SLACK, start), Kind.LABELS)


def _named_classes(wanted: Answering, labels: Rows) -> tuple[str, ...]:
    """Name the classes of a version, and after them what labels say that another one may know."""
    if wanted.task is not Task.MULTICLASS:
        return wanted.classes
    texts, _ = codes_of(labels.part.table[TEXT])
    return tuple(dict.fromkeys((*wanted.classes, *sorted(texts))))


def _answered_rows(
    wanted: Answering, classes: tuple[str, ...], answers: Rows, is_mine: BoolArray
) -> AnsweredRows:
    table = answers.part.table
    if not is_mine.all():
        table = table.filter(pa.array(is_mine))
    is_of_several = wanted.task is Task.MULTICLASS
    given = answers_of_log(table["answer"], len(wanted.classes) if is_of_several else 1)
    return AnsweredRows(
        at=answers.at[is_mine],
        answers=spread_shares(given, wanted.classes, classes) if is_of_several else given,
        labels=np.full(len(table), np.nan),
        labelled_at=np.full(len(table), -1),
        latency_us=table["latency_us"].to_numpy().astype(np.float64),
        failed=has_failed(table),
        is_first=table["row"].to_numpy() == 0,
        slices={name: sliced(*codes_of(table[INPUT + name])) for name in wanted.columns},
    )
