"""How is a challenger's pipeline built and fitted, the same way every time?"""

from millrace.adapters.training.alone import answer_alone
from millrace.adapters.training.constant import constant_answer
from millrace.adapters.training.environment import training_environment
from millrace.adapters.training.estimators import (
    ESTIMATORS,
    HIST_GRADIENT_BOOSTING,
    LIGHTGBM,
    LINEAR,
    RANDOM_FOREST,
    XGBOOST,
    EstimatorParameterError,
    UnknownEstimatorError,
)
from millrace.adapters.training.fitting import (
    EmptyFeatureError,
    Learned,
    UnfittedError,
    answer_folds,
    answer_unseen,
    fill_unknown,
    fit_model,
    fit_pipeline,
)
from millrace.adapters.training.folds import NoPartsError, part_rows
from millrace.adapters.training.pipeline import (
    CustomBuild,
    InvalidBuildError,
    UnsupportedPipelineError,
    baseline_config,
    build_pipeline,
)
from millrace.adapters.training.weights import RowWeightError, row_weights

__all__ = [
    "ESTIMATORS",
    "HIST_GRADIENT_BOOSTING",
    "LIGHTGBM",
    "LINEAR",
    "RANDOM_FOREST",
    "XGBOOST",
    "CustomBuild",
    "EmptyFeatureError",
    "EstimatorParameterError",
    "InvalidBuildError",
    "Learned",
    "NoPartsError",
    "RowWeightError",
    "UnfittedError",
    "UnknownEstimatorError",
    "UnsupportedPipelineError",
    "answer_alone",
    "answer_folds",
    "answer_unseen",
    "baseline_config",
    "build_pipeline",
    "constant_answer",
    "fill_unknown",
    "fit_model",
    "fit_pipeline",
    "part_rows",
    "row_weights",
    "training_environment",
]
