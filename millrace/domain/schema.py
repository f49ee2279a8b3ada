"""What goes into a model's bundles, and what does its target mean? By its `model.toml`."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from millrace.domain.bundle import InputColumn, Schema
from millrace.domain.config import ModelConfig
from millrace.domain.features import NULL_TEXT, Columns, UnreadableColumnError, number_values, text_values
from millrace.domain.kinds import ColumnType, Task
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import pandas as pd

FEWEST_CLASSES = 2
SAYS_NOTHING = "nothing said"
"""A text that no row has."""


class ClassCountError(MillraceError):
    """The target does not have the classes its task needs."""

    def __init__(self, target: str, task: Task, found: tuple[str, ...]) -> None:
        self.target, self.task, self.found = target, task, found
        needed = "exactly 2" if task is Task.BINARY else "2 or more"
        super().__init__(
            f"target {target!r} has {len(found)} classes ({', '.join(found[:5])}), a {task} model "
            f"needs {needed}. Widen training.window, or correct model.task"
        )


def usual_value(column: InputColumn) -> object:
    """Return a value that keeps the contract, and says nothing in particular."""
    match column.type:
        case ColumnType.STRING:
            return column.categories[0] if column.categories else SAYS_NOTHING
        case ColumnType.BOOL:
            return True
        case _ if column.categories:
            return float(column.categories[0])
        case _:
            return column.min if column.min is not None else 0.0


def hide_inputs(
    frame: "pd.DataFrame", inputs: Sequence[InputColumn], hidden: Collection[str]
) -> "pd.DataFrame":
    """Return rows whose hidden columns have one value that says nothing; the same rows where none is."""
    import pandas as pd

    values = {
        column.name: pd.Series(usual_value(column), frame.index).astype(frame[column.name].dtype)
        for column in inputs
        if column.name in hidden and column.name in frame
    }
    return frame.assign(**values) if values else frame


def schema_of(config: ModelConfig, classes: tuple[str, ...], threshold: float | None = None) -> Schema:
    """Return what a bundle of this model takes in and gives out."""
    return Schema(
        config.model.task,
        tuple(_input_column(name, config) for name in config.features.names),
        classes,
        tuple(_input_column(name, config) for name in config.data.key if name not in config.features.names),
        threshold,
    )


def class_names(columns: Columns, config: ModelConfig) -> tuple[str, ...]:
    """Name the classes of the target, in the order of the answers; none for a regression.

    Numbers are in numeric order, false comes before true, text is alphabetical. The last of
    a binary model's two classes is the positive one.

    Raises
    ------
    ClassCountError
        If there are fewer than two classes, or not exactly two for a binary model.
    """
    names = present_classes(columns, config)
    if config.model.task is not Task.REGRESSION:
        check_class_count(names, config)
    return names


def present_classes(columns: Columns, config: ModelConfig) -> tuple[str, ...]:
    """Name the classes that there are, as `class_names` does, be there ever so few."""
    if config.model.task is Task.REGRESSION:
        return ()
    target, column = config.data.target, config.contract.columns[config.data.target]
    texts = set(text_values(columns[target], target, column.type).tolist()) - {NULL_TEXT}
    return tuple(sorted(texts, key=lambda text: (float(text) if column.is_number else 0.0, text)))


def check_class_count(names: tuple[str, ...], config: ModelConfig) -> None:
    """Refuse classes that a model of this task cannot be of.

    Raises
    ------
    ClassCountError
        If there are fewer than two, or not exactly two for a binary model.
    """
    if len(names) < FEWEST_CLASSES or (config.model.task is Task.BINARY and len(names) > FEWEST_CLASSES):
        raise ClassCountError(config.data.target, config.model.task, names)


def label_values(columns: Columns, config: ModelConfig, classes: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Turn the target into numbers: the position in `classes`, or the value itself for a regression.

    Raises
    ------
    UnreadableColumnError
        If a label is null, or a class that is not in `classes`.
    """
    target = config.data.target
    if config.model.task is Task.REGRESSION:
        labels = number_values(columns[target], target)
        if not np.isfinite(labels).all():
            raise UnreadableColumnError(target, "a null or infinite label", "rows with a label only")
        return labels
    texts = text_values(columns[target], target, config.contract.columns[target].type)
    positions = {name: float(position) for position, name in enumerate(classes)}
    if unknown := set(texts.tolist()) - set(classes):
        raise UnreadableColumnError(target, f"label {min(unknown)!r}", f"one of {', '.join(classes)}")
    return np.array([positions[text] for text in texts], dtype=np.float64)


def _input_column(name: str, config: ModelConfig) -> InputColumn:
    contract = config.contract.columns[name]
    return InputColumn(
        name=name,
        type=contract.type,
        nullable=contract.max_null_share > 0,
        min=contract.min,
        max=contract.max,
        categories=contract.categories,
        categorical=name in config.features.categorical,
        text=name in config.features.text,
    )
