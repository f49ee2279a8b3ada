"""How does MLflow open a bundle? `mlflow.pyfunc.load_model` comes here, and the scorer answers."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

    from millrace.adapters.scorer import Scorer


class BundleModel:
    """A bundle with the one method MLflow asks for."""

    def __init__(self, scorer: "Scorer") -> None:
        self._scorer = scorer

    def predict(self, frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
        return self._scorer.answer(frame)


def _load_pyfunc(path: str) -> BundleModel:
    from millrace.adapters.scorer import load_scorer

    return BundleModel(load_scorer(Path(path)))
