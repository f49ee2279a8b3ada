"""Which versions is a training a function of?"""

import platform
from functools import cache
from importlib.metadata import version

from millrace.adapters.training.estimators import ESTIMATORS, LIGHTGBM, XGBOOST

ALWAYS = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "optuna",
    "onnx",
    "skl2onnx",
    "onnxruntime",
    "skops",
)
ONLY_OF = {LIGHTGBM: ("lightgbm", "onnxmltools"), XGBOOST: ("xgboost-cpu", "onnxmltools")}
"""What one estimator alone needs: a new version of it is no reason to train the others again."""


@cache
def training_environment(estimator: str) -> dict[str, str]:
    """Return the versions that trained and exported, for the manifest; one's own pipeline may use any."""
    own = () if estimator in ESTIMATORS else (name for names in ONLY_OF.values() for name in names)
    packages = dict.fromkeys((*ALWAYS, *ONLY_OF.get(estimator, ()), *own))
    found = {package: version(package) for package in packages}
    return {"python": platform.python_version(), "machine": platform.machine(), **found}
