"""Is the target among the features under another name?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from millrace.domain.kinds import Task
from millrace.domain.proposal.findings import Target
from millrace.domain.proposal.parts import Sum, find_parts
from millrace.domain.proposal.words import words_of

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]

SAME = 0.9999
"""A rank correlation, or a share of the variance, that two measurements of the world do not have."""

SEPARATES = 0.99
FAR_BELOW = 0.8
"""What separates the classes by itself is the target if nothing else comes near; else it is easy."""

LEAST_ROWS = 40
AFTER_WORDS = frozenset({
    "date", "reason", "outcome", "result", "at", "time", "timestamp", "code", "label",
    "flag", "status", "cause", "class", "encoded", "cat", "binary", "target", "datum", "grund"})  # fmt: skip
FORETOLD_WORDS = frozenset(
    {"prediction", "predicted", "pred", "proba", "probability", "forecast", "estimate"}
)
LEAST_WORD = 3


@dataclass(frozen=True)
class Leaks:
    """What knows the target, by column with the evidence, and what may."""

    found: dict[str, str]
    suspected: dict[str, str]


def find_leaks(frame: "pd.DataFrame", columns: Sequence[str], target: Target, labels: FloatArray) -> Leaks:
    """Look for the target among the columns, on rows that have one.

    Parameters
    ----------
    frame
        A sample of the rows; numbers, texts and bools as pandas has them.
    columns
        Which of them would be features.
    labels : shape (n_rows,)
        The target as numbers; of classes, their positions.
    """
    found, suspected = _by_name(columns, target.column)
    rest = [name for name in columns if name not in found]
    if len(labels) >= LEAST_ROWS:
        values = {name: _as_numbers(frame[name]) for name in rest}
        if target.task is Task.REGRESSION:
            _by_rank(values, labels, found, suspected)
        else:
            _by_separation(frame, values, target, labels, found, suspected)
        if target.task is not Task.MULTICLASS:
            _by_parts(values, labels, found, suspected)
    return Leaks(found, {name: why for name, why in suspected.items() if name not in found})


def _by_name(columns: Sequence[str], target: str) -> tuple[dict[str, str], dict[str, str]]:
    found, suspected = {}, {}
    stem = _stem(target)
    for name in columns:
        words = words_of(name)
        rest = [word for word in words if not _is_form_of(word, stem)]
        has_target = bool(stem) and len(words) - len(rest) >= len(stem)
        if has_target and rest and all(word in AFTER_WORDS for word in rest):
            found[name] = f"by its name it comes with {target}, or after it"
        elif has_target and FORETOLD_WORDS & {*words}:
            found[name] = f"by its name it is a prediction of {target}"
        elif has_target:
            suspected[name] = f"its name has that of the target {target} in it"
    return found, suspected


def _stem(target: str) -> tuple[str, ...]:
    return tuple(word for word in words_of(target) if word not in AFTER_WORDS and len(word) >= LEAST_WORD)


def _is_form_of(word: str, stem: tuple[str, ...]) -> bool:
    """`churn` is a form of `churned`, `late` of `latest` is none."""
    return any(word == one or (len(word) > LEAST_WORD and _same_root(word, one)) for one in stem)


def _same_root(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and long[len(short) :] in {"s", "d", "ed", "er", "ing", "n"}


def _as_numbers(values: "pd.Series[Any]") -> FloatArray:
    """Numbers as they are, texts by the order of their first letters; NaN is null."""
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_numeric_dtype(values.dtype) or is_bool_dtype(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    codes, _ = pd.factorize(values, sort=True)
    return np.where(codes < 0, np.nan, codes.astype(np.float64))


def _by_rank(
    values: dict[str, FloatArray], labels: FloatArray, found: dict[str, str], suspected: dict[str, str]
) -> None:
    from scipy.stats import rankdata

    for name, column in values.items():
        known = np.isfinite(column)
        if known.sum() < max(LEAST_ROWS, 0.5 * known.size) or np.ptp(column[known]) == 0.0:
            continue
        ranks = abs(_correlation(rankdata(column[known]), rankdata(labels[known])))
        explained = _explained_by_value(column[known], labels[known])
        if ranks >= SAME:
            found[name] = f"it rises and falls with the target, rank correlation {ranks:.5f}"
        elif explained >= SAME:
            found[name] = f"each of its values stands for one of the target, {explained:.3%} of the variance"
        elif ranks >= 1.0 - 50.0 * (1.0 - SAME):
            suspected[name] = f"rank correlation {ranks:.4f} with the target"


def _correlation(one: FloatArray, other: FloatArray) -> float:
    spread = one.std() * other.std()
    return float(np.mean((one - one.mean()) * (other - other.mean())) / spread) if spread > 0 else 0.0


def _explained_by_value(column: FloatArray, labels: FloatArray) -> float:
    """Share of the variance between the values of a column that repeat; 0 where too few of them do."""
    _, positions, counts = np.unique(column, return_inverse=True, return_counts=True)
    repeated = counts[positions] > 1
    if repeated.sum() < 0.5 * column.size or counts.size > column.size / 3 or np.ptp(labels) == 0.0:
        return 0.0
    means = np.bincount(positions, weights=labels) / counts
    within = np.mean((labels - means[positions])[repeated] ** 2)
    return float(1.0 - within / labels.var())


def _by_separation(
    frame: "pd.DataFrame", values: dict[str, FloatArray], target: Target, labels: FloatArray,
    found: dict[str, str], suspected: dict[str, str],
) -> None:  # fmt: skip
    for name, column in values.items():
        is_empty = np.isnan(column).astype(np.float64)
        if 0.0 < is_empty.mean() < 1.0 and (score := _separation(is_empty, labels)) >= SEPARATES:
            found[name] = f"where it is empty tells the class, {score:.1%} of neighbours agree"
    scores = {name: _separation(column, labels) for name, column in values.items() if name not in found}
    for name, score in scores.items():
        if score >= SEPARATES and _is_code(frame[name], labels, len(target.classes)):
            found[name] = f"a code for the target: one value for each class, {score:.1%} of neighbours agree"
    strong = [name for name, score in scores.items() if score >= SEPARATES and name not in found]
    others = [score for name, score in scores.items() if name not in found and name not in strong]
    if len(strong) == 1 and others and max(others) < FAR_BELOW:
        found[strong[0]] = (
            f"alone it separates the classes ({scores[strong[0]]:.1%}), the next best {max(others):.1%}"
        )
    elif strong:
        suspected |= {name: f"alone it separates the classes ({scores[name]:.1%})" for name in strong}


def _separation(column: FloatArray, labels: FloatArray) -> float:
    """How well does a column separate the classes: 0 not at all, 1 without an error.

    Rows in the order of the column are neighbours: of those the share is counted whose classes differ,
    beyond the changes that classes side by side need, against the share that chance would bring.
    """
    known = np.isfinite(column)
    if known.sum() < max(LEAST_ROWS, 0.5 * known.size):
        return 0.0
    column, labels = column[known], labels[known]
    shuffled = np.random.default_rng(0).permutation(labels.size)  # equal values stand in no order of classes
    order = shuffled[np.argsort(column[shuffled], kind="stable")]
    ordered, sorted_labels = column[order], labels[order]
    classes, counts = np.unique(labels, return_counts=True)
    chance = 1.0 - np.sum((counts / labels.size) ** 2)
    differ = sorted_labels[1:] != sorted_labels[:-1]
    within = ordered[1:] == ordered[:-1]
    needed = 0 if within.mean() > 0.5 else classes.size - 1  # noqa: PLR2004 (most values repeat)
    pairs = differ[within] if needed == 0 else differ
    return float(1.0 - max(0.0, pairs.sum() - needed) / pairs.size / chance) if chance > 0 else 0.0


def _is_code(values: "pd.Series[Any]", labels: FloatArray, classes: int) -> bool:
    return int(values.nunique()) == classes and np.unique(labels).size == classes


def _by_parts(
    values: dict[str, FloatArray], labels: FloatArray, found: dict[str, str], suspected: dict[str, str]
) -> None:
    left = {name: column for name, column in values.items() if name not in found}
    while (parts := find_parts(left, labels)) is not None:
        if not parts.is_plain:
            suspected |= {name: _told(parts) for name in parts.columns}
            return
        found |= {name: _told(parts) for name in parts.columns}
        left = {name: column for name, column in left.items() if name not in found}


def _told(parts: Sum) -> str:
    formula = parts.formula if len(parts.formula) <= _LONG else f"{parts.formula[:_LONG]}..."
    if parts.unit is not None:
        return f"the target is {formula}, rounded to {parts.unit:g}"
    missing = 1.0 - parts.explained
    how = "exactly" if missing < _NOTHING else f"but for {missing:.1g} of its variance"
    return f"the target is {formula}, {how}"


_LONG = 80
_NOTHING = 1e-12
"""What arithmetic in floats leaves of a variance."""
