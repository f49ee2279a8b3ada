"""How far apart does Evidently find two samples of a column, and what does that look like?"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from millrace.domain.drift import Samples
from millrace.settings import prepare_dependencies

if TYPE_CHECKING:
    from evidently.core.report import Snapshot


@dataclass(frozen=True)
class DrawnReport:
    """Evidently's report: a page that needs nothing from elsewhere, and what stands in it."""

    html: bytes
    json: bytes


def score_columns(columns: Mapping[str, Samples]) -> dict[str, float | str]:
    """Return Evidently's distance of each column, or why there is none; one that raises ends no other.

    The tests are called as a report calls them: a report spends two thirds of its time on drawing.
    """
    prepare_dependencies()
    return {name: _score(samples) for name, samples in columns.items()}


def draw_report(columns: Mapping[str, Samples]) -> DrawnReport:
    """Draw the columns in one report, which has none that Evidently cannot compare or draw."""
    prepare_dependencies()
    compared = {name: one for name, one in columns.items() if not isinstance(_score(one), str)}
    with _quiet():
        snapshot = _try(compared) or _run({name: one for name, one in compared.items() if _try({name: one})})
        return DrawnReport(snapshot.get_html_str(as_iframe=False).encode(), snapshot.json().encode())


def _score(samples: Samples) -> float | str:
    import pandas as pd
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    kind = ColumnType.Categorical if samples.is_categorical else ColumnType.Numerical
    then, now = (pd.Series(values).dropna() for values in (samples.reference, samples.current))
    if then.empty or now.empty:
        return "there is no value to compare"
    try:
        with _quiet():
            if not samples.is_categorical and not isfinite(np.std(then.to_numpy())):
                # Wasserstein is divided by it: whatever came would have a distance of 0
                return "its values are too large to have a standard deviation"
            test = get_stattest(then, now, kind, str(samples.test.test))
            score = float(test(then, now, kind, samples.test.threshold).drift_score)
    except Exception as error:  # noqa: BLE001 - whatever it raises, the other columns are judged
        return f"Evidently could not compare it: {' '.join(str(error).split()) or type(error).__name__}"
    return score if isfinite(score) else f"Evidently's {samples.test.test} is {score}, needed is a number"


def _try(columns: Mapping[str, Samples]) -> "Snapshot | None":
    """Draw the columns; None where Evidently cannot draw one of them, which may have a score all the same."""
    try:
        return _run(columns)
    except Exception:  # noqa: BLE001 - whatever it raises, the others can be drawn
        return None


def _run(columns: Mapping[str, Samples]) -> "Snapshot":
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    definition = DataDefinition(
        numerical_columns=[name for name, one in columns.items() if not one.is_categorical],
        categorical_columns=[name for name, one in columns.items() if one.is_categorical],
    )
    then, now = (
        Dataset.from_pandas(
            _frame({name: _values(one, is_then) for name, one in columns.items()}), definition
        )
        for is_then in (True, False)
    )
    metrics = [
        ValueDrift(column=name, method=str(one.test.test), threshold=one.test.threshold)
        for name, one in columns.items()
    ]
    return Report(metrics).run(now, then)


def _values(samples: Samples, is_then: bool) -> npt.NDArray[Any]:
    return samples.reference if is_then else samples.current


def _frame(columns: dict[str, npt.NDArray[Any]]) -> Any:
    """Return columns of different lengths side by side: Evidently leaves out the nulls at their ends."""
    import pandas as pd

    rows = max((len(values) for values in columns.values()), default=0)
    return pd.DataFrame({name: _filled(values, rows) for name, values in columns.items()})


def _filled(values: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    """Mix the values, for in rising order they would be drawn as if they had risen with time."""
    filled = np.full(rows, None if values.dtype == object else np.nan, dtype=values.dtype)
    filled[: len(values)] = np.random.default_rng(0).permutation(values)
    return filled


@contextmanager
def _quiet() -> Iterator[None]:
    """Divisions by zero end as a reason, not as lines on the screen."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
