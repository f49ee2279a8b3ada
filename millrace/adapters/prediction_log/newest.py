"""Which are the newest rows that a version answered?"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from millrace.adapters.prediction_log.frames import answer_columns
from millrace.adapters.prediction_log.parts import Span, read_parts
from millrace.adapters.prediction_log.reader import read_window
from millrace.adapters.prediction_log.tables import Kind
from millrace.adapters.prediction_log.thin import is_text, micros_of

_SHORTEST = timedelta(days=1)


@dataclass(frozen=True)
class Newest:
    """Rows as of `Window.predictions`, all with an answer, and how many places of the log are damaged."""

    rows: pd.DataFrame
    damages: int


def read_newest(
    folder: Path, model: str, digest: str, since: datetime, until: datetime, max_rows: int
) -> Newest:
    """Read about the newest `max_rows` rows of a version in `[since, until)`, in the order of time."""
    start = _start_of_newest(folder, model, digest, since, until, max_rows)
    window = read_window(folder, model, start, until)
    mine = window.predictions[window.predictions["digest"] == digest]
    # another version in the same time may have had more classes
    others = [name for name in answer_columns(mine)[1:] if mine[name].isna().all()]
    mine = mine.drop(columns=others)
    has_answer = mine[answer_columns(mine)].notna().all(axis=1)
    return Newest(mine[has_answer].tail(max_rows).reset_index(drop=True), len(window.damages))


def _start_of_newest(
    folder: Path, model: str, digest: str, since: datetime, until: datetime, max_rows: int
) -> datetime:
    """Look back ever further, until there are rows enough."""
    back = _SHORTEST
    while True:
        start = max(since, until - back)
        parts = read_parts(folder, Span(model, start, until))
        table = parts.whole(Kind.ANSWERS, ()).table
        at = np.sort(micros_of(table["at"])[is_text(table["digest"], digest)])
        wanted = int(max_rows * parts.share)
        if len(at) > wanted:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at[-wanted]))
        if start == since:
            return since
        back *= 4
