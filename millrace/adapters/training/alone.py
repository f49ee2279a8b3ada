"""What does a single feature answer, by a small tree that has not seen the row's block?"""

from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.adapters.training.folds import part_rows
from millrace.domain.answers import FloatArray
from millrace.domain.kinds import Task

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

DEPTH = 8
LEAST_IN_LEAF = 5
WITHIN = 5
TWO_CLASSES = 2
LEAVES = 200
"""Enough for a number to be told from its neighbours; more would learn its luck by heart."""


def answer_alone(
    feature: "pd.Series[Any]",
    labels: FloatArray,
    blocks: "npt.NDArray[Any]",
    task: Task,
    *,
    is_timed: bool,
    seed: int,
) -> FloatArray:
    """Answer every row from one feature, by trees fitted to the rows of other blocks.

    Parameters
    ----------
    feature
        A column as of `feature_frame`: numbers with NaN for null, or texts.
    labels : shape (n_rows,)
        Numbers for a regression, else the positions of the classes.

    Returns
    -------
    shape (n_rows,) or (n_rows, n_classes)
        As the answers of a model are.

    Raises
    ------
    NoPartsError
        If there are fewer than two blocks.
    """
    classes = int(labels.max(initial=0.0)) + 1
    answers = np.zeros((labels.size, classes) if task is Task.MULTICLASS else labels.size)
    # a class that is in one part only is answered with a share of 0 there, and costs every feature the same
    for train, judged in part_rows(labels, blocks, is_timed=is_timed, is_classes=False):
        learned, asked = _as_numbers(feature, labels, train, judged, task, seed)
        answers[judged] = _answer(learned, labels[train], asked, task, classes, seed)
    return answers


def _as_numbers(
    feature: "pd.Series[Any]",
    labels: FloatArray,
    train: "npt.NDArray[np.intp]",
    judged: "npt.NDArray[np.intp]",
    task: Task,
    seed: int,
) -> tuple[FloatArray, FloatArray]:
    """Return a column of numbers; a text becomes the mean label where it stands, of other training rows.

    Of several classes it becomes the share of each: their positions have no mean.
    """
    from sklearn.model_selection import KFold
    from sklearn.preprocessing import TargetEncoder

    column = feature.to_numpy()[:, np.newaxis]
    if column.dtype.kind == "f":
        return column[train], column[judged]
    within = KFold(WITHIN, shuffle=True, random_state=seed)
    # of two classes the mean position says it all, and the encoder refuses them as several
    are_several = task is Task.MULTICLASS and np.unique(labels[train]).size > TWO_CLASSES
    encoder = TargetEncoder(target_type="multiclass" if are_several else "continuous", cv=within)
    learned = encoder.fit_transform(column[train], labels[train])
    return learned, encoder.transform(column[judged])


def _answer(
    learned: FloatArray, labels: FloatArray, asked: FloatArray, task: Task, classes: int, seed: int
) -> FloatArray:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if task is Task.REGRESSION else DecisionTreeClassifier
    leaf = max(LEAST_IN_LEAF, labels.size // LEAVES)
    tree = kind(max_depth=DEPTH, min_samples_leaf=leaf, random_state=seed).fit(learned, labels)
    if task is Task.REGRESSION:
        return np.asarray(tree.predict(asked), dtype=np.float64)
    shares = np.zeros((len(asked), max(classes, 2)))
    shares[:, tree.classes_.astype(np.intp)] = tree.predict_proba(asked)
    return shares if task is Task.MULTICLASS else shares[:, 1]
