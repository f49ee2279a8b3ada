"""Do some columns add up to the target, or multiply to it?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

MOST_PARTS = 12
EXACT = 1.0 - 1e-6
"""What is left is rounding; a law of nature that was measured leaves more."""

NEAR_ONE = 0.01
LEAST_ROWS_EACH = 10


@dataclass(frozen=True)
class Sum:
    """Columns that give the target. `is_plain` says that each counts once, to be added or taken off."""

    columns: tuple[str, ...]
    formula: str
    explained: float
    is_plain: bool


def find_parts(values: Mapping[str, FloatArray], target: FloatArray) -> Sum | None:
    """Find columns of which the target is the sum or the product, up to rounding.

    One column after the other is taken, the one that explains most of what is left.

    Parameters
    ----------
    values
        Columns of shape (n_rows,), NaN for null; those with nulls are no parts.
    target : shape (n_rows,)

    References
    ----------
    Orthogonal matching pursuit: Pati, Rezaiifar, Krishnaprasad (1993).
    """
    whole = {
        name: column for name, column in values.items() if np.isfinite(column).all() and np.ptp(column) > 0
    }
    added = _pursue(whole, target, " + ")
    if added is not None and added.is_plain:
        return added
    if (target > 0).all():
        positive = {name: np.log(column) for name, column in whole.items() if (column > 0).all()}
        multiplied = _pursue(positive, np.log(target), " * ")
        if multiplied is not None and multiplied.is_plain:
            return multiplied
    return added


def _pursue(values: Mapping[str, FloatArray], target: FloatArray, sign: str) -> Sum | None:
    names = list(values)
    spread = float(np.var(target))
    if not names or spread == 0.0:
        return None
    columns = np.column_stack([values[name] for name in names])
    centred = columns - columns.mean(axis=0)
    deviations = centred.std(axis=0)
    centred, names = (
        centred[:, deviations > 0],
        [name for name, one in zip(names, deviations, strict=True) if one > 0],
    )
    units, wanted = centred / centred.std(axis=0), target - target.mean()
    chosen: list[int] = []
    left = wanted
    for _ in range(min(MOST_PARTS, len(names), target.size // LEAST_ROWS_EACH)):
        strength = np.abs(units.T @ left)
        strength[chosen] = 0.0
        chosen.append(int(np.argmax(strength)))
        weights, *_rest = np.linalg.lstsq(centred[:, chosen], wanted, rcond=None)
        left = wanted - centred[:, chosen] @ weights
        explained = 1.0 - float(np.var(left)) / spread
        if explained >= EXACT:
            return _sum_of([names[one] for one in chosen], weights, explained, sign)
    return None


def _sum_of(names: list[str], weights: FloatArray, explained: float, sign: str) -> Sum:
    is_plain = bool((np.abs(np.abs(weights) - 1.0) <= NEAR_ONE).all()) or len(names) == 1
    if is_plain:
        minus = " - " if sign == " + " else " / "
        terms = [(minus if weight < 0 else sign) + name for name, weight in zip(names, weights, strict=True)]
        formula = "".join(terms).removeprefix(sign)
    else:
        formula = " + ".join(f"{weight:.3g} * {name}" for name, weight in zip(names, weights, strict=True))
    return Sum(tuple(names), formula, explained, is_plain)
