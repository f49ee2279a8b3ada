"""What do the answers, labels and inputs of the log mean as numbers?"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from millrace.adapters.prediction_log.thin import NUMBER, TEXT, codes_of
from millrace.domain.answers import FloatArray
from millrace.domain.canonical import NULL, value_text
from millrace.domain.kinds import Task
from millrace.domain.rollout.measure import Sliced

MAX_VALUES = 50
"""So many values of a column are watched by themselves, the commonest."""
OTHERS = "(others)"


def answers_of_log(column: pa.ChunkedArray, width: int) -> FloatArray:
    """Return answers, NaN where there is none, or one of another width: its model had other classes."""
    answers = np.full((len(column), width), np.nan)
    start = 0
    for chunk in column.chunks:
        is_whole = pc.fill_null(pc.equal(chunk.value_lengths(), width), False)
        numbers = chunk.filter(is_whole).flatten().to_numpy(zero_copy_only=False)
        rows = answers[start : start + len(chunk)]
        rows[is_whole.to_numpy(zero_copy_only=False)] = numbers.reshape(-1, width)
        start += len(chunk)
    return answers[:, 0] if width == 1 else answers


def labels_of_log(table: pa.Table, task: Task, classes: tuple[str, ...]) -> FloatArray:
    """Return the labels of a table as `label_value` does."""
    texts, codes = codes_of(table[TEXT])
    values = np.array([*(label_value(text, task, classes) for text in texts), np.nan])[codes]
    numbers = table[NUMBER].to_numpy()
    if task is Task.REGRESSION:
        return np.where(np.isnan(numbers), values, numbers)
    for number in np.unique(numbers[~np.isnan(numbers)]):
        values[numbers == number] = label_value(float(number), task, classes)
    return values


def label_value(label: str | float | None, task: Task, classes: tuple[str, ...]) -> float:
    """Return the value of a label, or the place of its class; NaN for what is neither."""
    if label is None:
        return np.nan
    if task is Task.REGRESSION:
        return _number(label)
    text = value_text(label)
    return float(classes.index(text)) if text in classes else np.nan


def sliced(texts: list[str], codes: npt.NDArray[np.int32]) -> Sliced:
    """Return the commonest texts by themselves, and the others as one; the code of null is -1."""
    names = [*texts, NULL]
    counts = np.bincount(codes % len(names), minlength=len(names)).tolist()
    found = sorted((at for at, count in enumerate(counts) if count), key=lambda at: (-counts[at], names[at]))
    kept = found[:MAX_VALUES]
    rest = (OTHERS,) if len(found) > len(kept) else ()
    # 16 bits are what numpy sorts without comparing
    places = np.full(len(names), len(kept), dtype=np.int16)
    places[kept] = np.arange(len(kept))
    return Sliced((*(names[at] for at in kept), *rest), places[codes])


def has_failed(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Whether an error came instead of the answers of a table."""
    return np.asarray(table["error"].is_valid().to_numpy())


def values_at(
    values: npt.NDArray[Any], positions: npt.NDArray[np.integer[Any]], missing: float
) -> npt.NDArray[Any]:
    """Return the values at positions; -1 is where there is none."""
    last = np.full((1, *values.shape[1:]), missing, values.dtype)
    return np.asarray(np.concatenate([values, last])[positions])


def _number(label: str | float) -> float:
    try:
        return float(label)
    except ValueError:
        return np.nan
