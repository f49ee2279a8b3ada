"""How does the mean answer change with one input, all others staying as they are?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from millrace.domain.canonical import value_text

if TYPE_CHECKING:
    import pandas as pd

    from millrace.domain.explanation.asked import Asked

GRID = 20
"""So many numbers are asked about: a curve of more looks the same."""
MAX_CATEGORIES = 12
"""So many categories are asked about, the commonest."""
MAX_CURVES = 6
"""So many classes are shown, those whose share changes most."""
TAIL = 0.02
"""How much of a column is left out at either end: there the mean is over combinations that never were."""
_BARS = 20


@dataclass(frozen=True)
class Curve:
    """The mean answer at each value; of a multiclass model the mean share of the class `of`."""

    of: str | None
    answers: tuple[float, ...]

    @property
    def span(self) -> float:
        """How far the answers are apart."""
        return max(self.answers) - min(self.answers)


@dataclass(frozen=True)
class Dependence:
    """The mean answer with one column set to each of `values` in every row.

    `shares` says how common values are: of a category that of each, of a number that of the rows between
    two of `bars`. What they lack to 1 is null, rarer categories, or beyond the ends.
    """

    name: str
    is_numeric: bool
    values: tuple[float, ...]
    texts: tuple[str, ...]
    curves: tuple[Curve, ...]
    bars: tuple[float, ...]
    shares: tuple[float, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The values as people read them."""
        return tuple(f"{value:.4g}" for value in self.values) if self.is_numeric else self.texts


def measure_dependence(
    asked: "Asked", features: "pd.DataFrame", name: str, *, is_numeric: bool, classes: tuple[str, ...]
) -> Dependence | None:
    """Set a column to one value after the other; None where fewer than two values are known.

    Parameters
    ----------
    features
        Raw rows: numbers as float64, categories as the values they came as, null as NaN or None.
    classes
        Those of a multiclass model, in the order of its answers; else none.

    References
    ----------
    Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29(5),
    2001, section 8.2.
    """
    from sklearn.inspection import partial_dependence

    column = features[name]
    grid: npt.NDArray[Any] = _numbers(column.to_numpy(np.float64)) if is_numeric else _categories(column)
    if len(grid) < 2:  # noqa: PLR2004
        return None
    found = partial_dependence(
        asked,
        features,
        [name],
        kind="average",
        method="brute",
        custom_values={name: grid},
        categorical_features=None if is_numeric else [name],
    )
    curves = _curves(np.asarray(found["average"], dtype=np.float64), classes)
    if is_numeric:
        bars, shares = _bars(column.to_numpy(np.float64), grid)
        return Dependence(name, True, tuple(grid.tolist()), (), curves, bars, shares)
    texts = tuple(value_text(value) for value in grid.tolist())
    counts = column.value_counts()
    shares = tuple(float(counts[value]) / len(column) for value in grid.tolist())
    return Dependence(name, False, (), texts, curves, (), shares)


def _numbers(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    known = values[np.isfinite(values)]
    distinct = np.unique(known)
    if len(distinct) <= GRID:
        return distinct
    return np.unique(np.quantile(known, np.linspace(TAIL, 1.0 - TAIL, GRID), method="nearest"))


def _categories(column: "pd.Series[Any]") -> npt.NDArray[np.object_]:
    counts = column.value_counts()
    ranked = sorted(counts.items(), key=lambda one: (-one[1], value_text(one[0])))  # type: ignore[arg-type]
    return np.array([value for value, _ in ranked[:MAX_CATEGORIES]], dtype=object)


def _curves(averages: npt.NDArray[np.float64], classes: tuple[str, ...]) -> tuple[Curve, ...]:
    if not classes:
        return (Curve(None, tuple(averages[0].tolist())),)
    curves = [Curve(of, tuple(one.tolist())) for of, one in zip(classes, averages, strict=True)]
    shown = sorted(curves, key=lambda one: -one.span)[:MAX_CURVES]
    return tuple(one for one in curves if one in shown)


def _bars(
    values: npt.NDArray[np.float64], grid: npt.NDArray[np.float64]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    edges = np.linspace(grid[0], grid[-1], _BARS + 1)
    counts, _ = np.histogram(values[np.isfinite(values)], edges)
    return tuple(edges.tolist()), tuple((counts / len(values)).tolist())
