"""What do two versions answer to the same rows, that neither has learned from?"""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from millrace.adapters.scorer import Scorer
from millrace.domain.answers import FloatArray
from millrace.domain.config import ModelConfig
from millrace.domain.gate.change import list_differences
from millrace.domain.kinds import Task
from millrace.domain.version_diff import (
    LARGEST,
    AnswerDiff,
    RowDifference,
    differences_by_row,
    share_disagreeing,
)
from millrace.errors import MillraceError
from millrace.steps.dataset import current_dataset
from millrace.steps.gate import Compared, Marks, answer_rows, find_own_loss
from millrace.steps.rows import LabelledRows, SplitRows, split_rows
from millrace.steps.stores import model_config

if TYPE_CHECKING:
    import pandas as pd


def find_answers(model: str, old: Scorer, new: Scorer, now: datetime) -> AnswerDiff | str:
    """Compare the answers on the judged rows of the newest dataset, or say why they cannot be compared.

    A golden row that is looked at here is not counted as a look: nothing is decided by it.
    """
    try:
        return _compare(model_config(model), old, new, now)
    except (MillraceError, KeyError) as error:
        return " ".join(str(error).split())


def _compare(config: ModelConfig, old: Scorer, new: Scorer, now: datetime) -> AnswerDiff | str:
    compared = Compared(challenger=new, baseline=new, champion=old, best=None)
    split = split_rows(config, current_dataset(config.name), now)
    rows = _join(split).without_blocks(compared.learned_blocks)
    if not len(rows.labels):
        return "there is no judged row in the newest dataset that neither has learned from"
    marks = Marks(own_loss=find_own_loss(config))
    judged = answer_rows(rows, compared, split.all_classes, marks)
    before, after = judged.champion, judged.challenger
    if before is None:
        return "they answer different questions: a number and classes, or other classes"
    thresholds = (old.schema.threshold, new.schema.threshold)
    apart, tolerance = differences_by_row(before, after), config.gate.agreement_tolerance
    return AnswerDiff(
        rows=len(rows.labels),
        blocks=judged.n_blocks,
        mean=float(np.mean(after - before)),
        mean_absolute=float(np.mean(np.abs(after - before))),
        tolerance=tolerance,
        beyond_tolerance=float(np.mean(apart > tolerance)),
        disagreeing=share_disagreeing(before, after, new.schema.task, thresholds),
        largest=_list_largest(config, rows, before, after, split.all_classes),
        losses=list_differences(judged, config.gate, config.model.task),
        confidence=config.gate.confidence,
    )


def _join(split: SplitRows) -> LabelledRows:
    import pandas as pd

    sets = (split.recent, split.golden)
    return LabelledRows(
        pd.concat([one.frame for one in sets]),
        np.concatenate([one.labels for one in sets]),
        np.concatenate([one.blocks for one in sets]),
    )


def _list_largest(
    config: ModelConfig, rows: LabelledRows, old: FloatArray, new: FloatArray, classes: tuple[str, ...]
) -> tuple[RowDifference, ...]:
    apart = differences_by_row(old, new)
    # equal differences in the order of the rows, so that a second look shows the same
    largest = np.argsort(-apart, kind="stable")[:LARGEST]
    return tuple(
        RowDifference(
            row=_key_of(config, rows.frame, position),
            label=_label(config, rows.labels[position], classes),
            old=old[position].tolist(),
            new=new[position].tolist(),
            difference=float(apart[position]),
        )
        for position in largest.tolist()
        if apart[position] > 0
    )


def _key_of(config: ModelConfig, frame: "pd.DataFrame", position: int) -> dict[str, object]:
    """Return the key of a row, where there is none its number among the labelled rows of the dataset."""
    if not config.data.key:
        return {"row": int(frame.index[position])}
    values = (frame[name].iloc[position] for name in config.data.key)
    return {
        name: getattr(value, "item", lambda value=value: str(value))()
        for name, value in zip(config.data.key, values, strict=True)
    }


def _label(config: ModelConfig, label: float, classes: tuple[str, ...]) -> object:
    return float(label) if config.model.task is Task.REGRESSION else classes[int(label)]
