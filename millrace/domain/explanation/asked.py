"""How does scikit-learn's inspection ask what is no estimator of its own?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator, RegressorMixin

from millrace.domain.answers import FloatArray

if TYPE_CHECKING:
    import pandas as pd


class Asked(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """What answers rows, as scikit-learn's inspection asks it: nothing is fitted.

    It is a regressor whatever the task: its answers are probabilities already, and a column for each class
    is what scikit-learn knows as several outputs.
    """

    def __init__(self, answer: Callable[[Any], FloatArray] | None = None) -> None:
        self.answer = answer

    def fit(self, _features: Any, _labels: Any = None) -> "Asked":
        """Do nothing."""
        return self

    def predict(self, features: "pd.DataFrame") -> FloatArray:
        """Answer rows."""
        if self.answer is None:
            raise TypeError("there is nothing to ask")
        return self.answer(features)

    def __sklearn_is_fitted__(self) -> bool:
        return True
