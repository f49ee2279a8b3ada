"""Which rows is a version asked about that it has not learned from?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.domain.bundle import InputColumn
from millrace.domain.features import MissingColumnsError, number_values
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray, StrArray
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import pandas as pd

    from millrace.adapters.scorer import Scorer
    from millrace.steps.rows import LabelledRows, SplitRows


class NoUnseenRowsError(MillraceError):
    """Every judged row is of a block that the version has learned from, or there is none."""

    def __init__(self, model: str, digest: str, judged: int, needed: int, found: int) -> None:
        self.model, self.digest, self.judged, self.found = model, digest, judged, found
        super().__init__(
            f"{model}: version {digest[:12]} has not learned from {found} of {judged} judged rows, "
            f"{needed} are needed. Take in more data, or enlarge [recent] and [golden]"
        )


MIN_ROWS = 20
"""With fewer, what is found is chance."""


@dataclass(frozen=True, eq=False)
class UnseenRows:
    """Rows as scikit-learn's inspection takes them, with what became true of them."""

    features: "pd.DataFrame"
    labels: FloatArray
    blocks: StrArray
    rows_there: int


def sample_unseen(model: str, scorer: "Scorer", split: "SplitRows", max_rows: int) -> UnseenRows:
    import pandas as pd

    learned = frozenset(scorer.manifest.training_blocks)
    judged = [rows.without_blocks(learned) for rows in (split.recent, split.golden)]
    labels = np.concatenate([_labels(rows, split, scorer) for rows in judged])
    blocks = np.concatenate([rows.blocks for rows in judged])
    known = np.flatnonzero(~np.isnan(labels))
    if len(known) < MIN_ROWS:
        there = len(split.recent.labels) + len(split.golden.labels)
        raise NoUnseenRowsError(model, scorer.digest, there, MIN_ROWS, len(known))
    chosen = known
    if len(known) > max_rows:
        drawn = np.random.default_rng(scorer.manifest.seed).choice(known, max_rows, replace=False)
        chosen = np.sort(drawn)
    frame = pd.concat([rows.frame for rows in judged], ignore_index=True)
    features = raw_features(frame, scorer.schema.inputs).iloc[chosen].reset_index(drop=True)
    return UnseenRows(features, labels[chosen], blocks[chosen], len(known))


def _labels(rows: "LabelledRows", split: "SplitRows", scorer: "Scorer") -> FloatArray:
    """Return labels by the classes of the bundle, which may be others than today's; NaN for none of them."""
    if scorer.schema.task is Task.REGRESSION:
        return rows.labels
    classes = scorer.schema.classes
    places = [float(classes.index(name)) if name in classes else np.nan for name in split.all_classes]
    return np.array(places, dtype=np.float64)[rows.labels.astype(np.intp)]


def raw_features(frame: "pd.DataFrame", inputs: tuple[InputColumn, ...]) -> "pd.DataFrame":
    """Return the columns that a bundle takes, numbers as such and all else as it is, None for null.

    Raises
    ------
    MissingColumnsError
        If a column is not there.
    """
    import pandas as pd

    names = tuple(column.name for column in inputs)
    if missing := tuple(name for name in names if name not in frame):
        raise MissingColumnsError(missing, names)
    columns: dict[str, Any] = {}
    for column in inputs:
        values = frame[column.name]
        if is_numeric(column):
            columns[column.name] = number_values(values, column.name)
        else:
            columns[column.name] = values.astype(object).where(values.notna(), None)
    return pd.DataFrame(columns)


def is_numeric(column: InputColumn) -> bool:
    """Whether the values of an input are quantities."""
    return not column.is_text
