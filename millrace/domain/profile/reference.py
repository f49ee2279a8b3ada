"""What has a version learned from, and what does it answer? Its windows are compared with that."""

from collections import Counter

import numpy as np
import numpy.typing as npt

from millrace.domain.answers import FloatArray
from millrace.domain.bundle import Schema
from millrace.domain.config import ModelConfig
from millrace.domain.features import NULL_TEXT, Columns
from millrace.domain.kinds import Task
from millrace.domain.profile.counts import CategoricalCounts, Profile, Reference
from millrace.domain.profile.edges import numeric_edges
from millrace.domain.profile.rows import profile_rows
from millrace.domain.profile.tally import Tally

ANSWER, CLASS = "answer", "class"


def make_reference(
    learned: Columns, labels: FloatArray, answers: FloatArray, schema: Schema, config: ModelConfig
) -> Reference:
    """Profile what a version has learned from, and its answers to other rows.

    Parameters
    ----------
    learned
        The training rows.
    labels : shape (n_learned,)
        Their labels, as of `label_values`.
    answers : shape (n_rows,) or (n_rows, n_classes)
        What the version answers to rows it has not learned from.
    """
    target = Tally(_target_edges(config.data.target, labels, schema))
    add_labels(target, labels, schema)
    answered = Tally(_answer_edges(answers, schema))
    add_answers(answered, answers, schema)
    return Reference(profile_rows(learned, config), target.profile, answered.profile)


def add_labels(target: Tally, labels: FloatArray, schema: Schema) -> None:
    """Count labels as of `label_values`, shape (n_rows,); NaN is null."""
    target.rows += len(labels)
    for numbers in target.numeric.values():
        numbers.add(labels)
    for categories in target.categorical.values():
        categories.add(*_class_counts(labels, schema.classes))


def add_answers(answered: Tally, answers: FloatArray, schema: Schema) -> None:
    """Count answers, shape (n_rows,) or (n_rows, n_classes); NaN is null."""
    answered.rows += len(answers)
    numbers, classes = _parted(answers, schema)
    answered.numeric[ANSWER].add(numbers)
    if CLASS in answered.categorical:
        answered.categorical[CLASS].add(*_class_counts(classes, schema.classes))


def _target_edges(name: str, labels: FloatArray, schema: Schema) -> Profile:
    if schema.task is Task.REGRESSION:
        return Profile(0, (numeric_edges(name, labels),), ())
    return Profile(0, (), (_of_classes(name, schema.classes),))


def _answer_edges(answers: FloatArray, schema: Schema) -> Profile:
    numbers, _ = _parted(answers, schema)
    classes = (_of_classes(CLASS, schema.classes),) if schema.task is Task.MULTICLASS else ()
    return Profile(0, (numeric_edges(ANSWER, numbers),), classes)


def _of_classes(name: str, classes: tuple[str, ...]) -> CategoricalCounts:
    return CategoricalCounts(name, classes, (0,) * len(classes), 0, 0)


def _parted(answers: FloatArray, schema: Schema) -> tuple[FloatArray, FloatArray]:
    """Return each row's number, and the place of its class, NaN where there is none."""
    if schema.task is not Task.MULTICLASS:
        return answers, np.full(len(answers), np.nan)
    numbers = answers.max(axis=1, initial=-np.inf)
    classes: npt.NDArray[np.float64] = answers.argmax(axis=1).astype(np.float64)
    return numbers, np.where(np.isnan(numbers), np.nan, classes)


def _class_counts(places: FloatArray, classes: tuple[str, ...]) -> tuple[list[str], list[int]]:
    found = Counter(places[~np.isnan(places)].astype(np.int64).tolist())
    names = [classes[place] for place in found]
    return [*names, NULL_TEXT], [*found.values(), int(np.isnan(places).sum())]
