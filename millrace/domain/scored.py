"""Which columns does a scored table have beside those that were kept, and what stands in them?"""

from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.domain.answers import FloatArray
from millrace.domain.bundle import Schema
from millrace.domain.kinds import Task
from millrace.errors import MillraceError

ERROR = "error"
PROBABILITY, DECISION, PREDICTION, LIKELIEST = "probability", "decision", "prediction", "likeliest"
SHARE = "share_"


class TakenNameError(MillraceError):
    """A column that is to be kept has the name of a column of answers."""

    def __init__(self, taken: tuple[str, ...]) -> None:
        self.taken = taken
        super().__init__(
            f"the input has a column {', '.join(map(repr, taken))}, which is a column of answers too. "
            "Rename it there, or name the columns to keep by --keep"
        )


def answer_names(schema: Schema) -> tuple[str, ...]:
    """Name the columns of answers, in their order.

    >>> answer_names(Schema(Task.MULTICLASS, (), ("oak", "pine")))
    ('likeliest', 'share_oak', 'share_pine')
    """
    match schema.task:
        case Task.BINARY:
            return (PROBABILITY,) if schema.threshold is None else (PROBABILITY, DECISION)
        case Task.MULTICLASS:
            return (LIKELIEST, *(f"{SHARE}{name}" for name in schema.classes))
        case Task.REGRESSION:
            return (PREDICTION,)


def ensure_free(kept: tuple[str, ...], schema: Schema, more: tuple[str, ...]) -> None:
    """Refuse kept columns that a column of answers, or one of `more`, is called like."""
    taken = {*answer_names(schema), ERROR, *more} & {*kept}
    if taken:
        raise TakenNameError(tuple(sorted(taken)))


def spread_answers(answers: FloatArray, schema: Schema) -> dict[str, npt.NDArray[Any]]:
    """Turn answers, shape (n_rows,) or (n_rows, n_classes), into columns; texts as object arrays.

    A row whose answer is NaN has NaN for each number and None for each text.
    """
    names = answer_names(schema)
    if schema.task is Task.MULTICLASS:
        lost = np.asarray(np.isnan(answers).any(axis=1))
        first = np.where(lost[:, np.newaxis], 0.0, answers).argmax(axis=1)
        likeliest = np.array(schema.classes, dtype=object)[first]
        likeliest[lost] = None
        return dict(zip(names, [likeliest, *answers.T], strict=True))
    columns: list[npt.NDArray[Any]] = [answers]
    if schema.threshold is not None and schema.task is Task.BINARY:
        decided = np.array(schema.classes, dtype=object)[(answers >= schema.threshold).astype(np.intp)]
        decided[np.isnan(answers)] = None
        columns.append(decided)
    return dict(zip(names, columns, strict=True))
