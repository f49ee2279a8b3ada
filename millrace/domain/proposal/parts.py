"""Do some columns add up to the target, or multiply to it?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

MOST_PARTS = 12
EXACT = 1.0 - 1e-6
"""What is left is rounding; a law of nature that was measured leaves more."""

NEGLIGIBLE = 1e-3
"""A column that moves the target by less than so much of its spread is no part, it only goes with it."""

LEAST_STEPS = 5.0
"""So many units is a rounded target's standard deviation: with fewer, any good fit looks rounded."""

ROUNDED = 0.6
"""Of a unit: rounding leaves up to a half, and the mean that was taken off some more."""

NEAR_ONE = 0.01
LEAST_ROWS_EACH = 10


@dataclass(frozen=True)
class Sum:
    """Columns that give the target. `is_plain` says that each counts once, to be added or taken off.

    `unit` is what the target was rounded to, None where it was not.
    """

    columns: tuple[str, ...]
    formula: str
    explained: float
    is_plain: bool
    unit: float | None = None


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
    unit = _unit_of(target) if sign == " + " else None
    chosen: list[int] = []
    left = wanted
    for _ in range(min(MOST_PARTS, len(names), target.size // LEAST_ROWS_EACH)):
        strength = np.abs(units.T @ left)
        strength[chosen] = 0.0
        chosen.append(int(np.argmax(strength)))
        weights, left = _fit(centred[:, chosen], wanted)
        if _is_whole_sum(left, spread, unit):
            needed = _without_decoys(centred, chosen, wanted, weights, unit)
            weights, left = _fit(centred[:, needed], wanted)
            explained = 1.0 - float(np.var(left)) / spread
            is_rounded = explained < EXACT
            found = _sum_of([names[one] for one in needed], weights, explained, sign)
            return replace(found, unit=unit) if is_rounded else found
    return None


def _fit(columns: FloatArray, wanted: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the weights of the columns, and what is left of the target."""
    solved, *_rest = np.linalg.lstsq(columns, wanted, rcond=None)
    weights = np.asarray(solved, dtype=np.float64)
    return weights, wanted - columns @ weights


def _is_whole_sum(left: FloatArray, spread: float, unit: float | None) -> bool:
    if float(np.var(left)) <= (1.0 - EXACT) * spread:
        return True
    return unit is not None and float(np.abs(left).max()) <= ROUNDED * unit


def _without_decoys(
    centred: FloatArray, chosen: list[int], wanted: FloatArray, weights: FloatArray, unit: float | None
) -> list[int]:
    """Take out columns that were taken early, for they go with the target, and that the others do without."""
    moved = np.abs(weights) * centred[:, chosen].std(axis=0)
    needed = [one for one, much in zip(chosen, moved, strict=True) if much > NEGLIGIBLE * wanted.std()]
    if not needed:
        return chosen
    _, left = _fit(centred[:, needed], wanted)
    return needed if _is_whole_sum(left, float(np.var(wanted)), unit) else chosen


def _unit_of(target: FloatArray) -> float | None:
    """Return what the values are rounded to, None where that is too coarse or too fine to tell anything."""
    for unit in (1.0, 0.1, 0.01):
        steps = target / unit
        if np.allclose(steps, np.round(steps), rtol=0.0, atol=1e-6):
            return unit if float(target.std()) >= LEAST_STEPS * unit else None
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
