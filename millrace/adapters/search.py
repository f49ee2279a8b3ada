"""Which hyperparameters are best, tried in the order time allows?"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from millrace.domain.answers import FloatArray, FoldAnswers
from millrace.domain.blocks import hashed_share
from millrace.domain.config import USUAL_METRIC, Metric, ModelConfig, SearchPolicy
from millrace.domain.decided import decide
from millrace.domain.kinds import Task
from millrace.domain.metric_terms import HALF
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import optuna

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Span:
    """What one hyperparameter may be, on a logarithmic scale. `stock` is the estimator's own value."""

    low: float
    high: float
    stock: float
    whole: bool = False

    def suggest(self, trial: "optuna.Trial", name: str) -> float:
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=True)
        return trial.suggest_float(name, self.low, self.high, log=True)


_BOOSTING = {
    "learning_rate": Span(0.01, 0.5, 0.1),
    "max_iter": Span(30, 500, 100, whole=True),
    "max_leaf_nodes": Span(4, 127, 31, whole=True),
    "min_samples_leaf": Span(5, 500, 20, whole=True),
    "l2_regularization": Span(1e-6, 100.0, 1e-6),
}

_FOREST = {
    "n_estimators": Span(30, 300, 100, whole=True),
    "max_leaf_nodes": Span(16, 1024, 256, whole=True),
    "min_samples_leaf": Span(1, 200, 5, whole=True),
}
_LIGHTGBM = {
    "learning_rate": Span(0.01, 0.5, 0.1),
    "n_estimators": Span(30, 500, 100, whole=True),
    "num_leaves": Span(4, 127, 31, whole=True),
    "min_child_samples": Span(5, 500, 20, whole=True),
    "reg_lambda": Span(1e-6, 100.0, 1e-6),
}
_XGBOOST = {
    "learning_rate": Span(0.01, 0.5, 0.3),
    "n_estimators": Span(30, 500, 100, whole=True),
    "max_depth": Span(2, 10, 6, whole=True),
    "min_child_weight": Span(0.1, 100.0, 1.0),
    "reg_lambda": Span(1e-3, 100.0, 1.0),
}

SPACES: dict[tuple[str, Task], dict[str, Span]] = {
    **{("hist_gradient_boosting", task): _BOOSTING for task in Task},
    **{("random_forest", task): _FOREST for task in Task},
    **{("lightgbm", task): _LIGHTGBM for task in Task},
    **{("xgboost", task): _XGBOOST for task in Task},
    ("linear", Task.BINARY): {"C": Span(1e-4, 1e3, 1.0)},
    ("linear", Task.MULTICLASS): {"C": Span(1e-4, 1e3, 1.0)},
    ("linear", Task.REGRESSION): {"alpha": Span(1e-3, 1e4, 1.0)},
}


class NoSearchSpaceError(MillraceError):
    """There is nothing to search for this estimator."""

    def __init__(self, estimator: str, fixed: tuple[str, ...]) -> None:
        self.estimator, self.fixed = estimator, fixed
        super().__init__(
            f"training.search is asked for, but {estimator!r} has no free hyperparameter "
            f"(fixed in model.toml: {', '.join(fixed) or 'none'}). Searched are those of "
            f"{', '.join(sorted({name for name, _ in SPACES}))}. Take training.search out of model.toml"
        )


class NoFoldError(MillraceError):
    """The training blocks cannot be folded so that every fold can be learned from and judged."""

    def __init__(self, blocks: int, folds: int) -> None:
        self.blocks, self.folds = blocks, folds
        super().__init__(
            f"{blocks} training blocks give no fold to search on, needed are more than {folds}, with "
            "every class among the rows of each side. Lower training.search.folds, or widen training.window"
        )


@dataclass(frozen=True)
class Trial:
    """One try: the parameters and their mean loss over the folds."""

    number: int
    parameters: dict[str, object]
    loss: float


@dataclass(frozen=True)
class SearchResult:
    """All that was tried, and the parameters of the lowest loss."""

    parameters: dict[str, object]
    trials: tuple[Trial, ...]


def search_parameters(
    config: ModelConfig,
    policy: SearchPolicy,
    labels: FloatArray,
    blocks: npt.NDArray[np.str_],
    answer_fold: FoldAnswers,
    on_trial: Callable[[int, int], None],
) -> SearchResult:
    """Try `policy.trials` sets of hyperparameters, the stock ones first, and return the best.

    `on_trial` hears how many of how many are done. The same seed gives the same trials.
    """
    fixed = dict(config.training.parameters)
    space = find_space(config)
    folds = list(list_folds(config, policy.folds, labels, blocks))
    if not folds:
        raise NoFoldError(len(np.unique(blocks)), policy.folds)

    study = _new_study(config.training.seed)
    study.enqueue_trial({name: span.stock for name, span in space.items()})
    trials: list[Trial] = []
    for number in range(policy.trials):
        asked = study.ask()
        parameters = fixed | {name: span.suggest(asked, name) for name, span in space.items()}
        loss = _mean_loss(config, labels, folds, parameters, answer_fold)
        study.tell(asked, loss)
        trials.append(Trial(number, parameters, loss))
        on_trial(number + 1, policy.trials)
    return SearchResult(min(trials, key=lambda trial: trial.loss).parameters, tuple(trials))


def find_space(config: ModelConfig) -> dict[str, Span]:
    """Return what is searched: the estimator's hyperparameters that `model.toml` does not fix."""
    fixed = config.training.parameters
    space = SPACES.get((config.training.estimator, config.model.task), {})
    free = {name: span for name, span in space.items() if name not in fixed}
    if not free:
        raise NoSearchSpaceError(config.training.estimator, tuple(sorted(fixed)))
    return free


def list_folds(
    config: ModelConfig, folds: int, labels: FloatArray, blocks: npt.NDArray[np.str_]
) -> Iterator[tuple[Rows, Rows]]:
    """Yield rows to learn from and rows to judge, no block in both; with time, never judge the past.

    A fold without every class on the side that learns, or with a single one on the side that
    judges, says nothing about a classifier and is left out.
    """
    for train_blocks, judged_blocks in _block_folds(config, folds, np.unique(blocks)):
        train = np.flatnonzero(np.isin(blocks, train_blocks))
        judged = np.flatnonzero(np.isin(blocks, judged_blocks))
        if config.model.task is Task.REGRESSION or _has_classes(labels, train, judged):
            yield train, judged


def _block_folds(
    config: ModelConfig, folds: int, names: npt.NDArray[np.str_]
) -> Iterator[tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]]:
    from sklearn.model_selection import KFold, TimeSeriesSplit

    if len(names) <= folds:
        return
    if config.data.time is not None:
        ordered, splitter = names, TimeSeriesSplit(n_splits=folds)
    else:
        ordered = np.array(sorted(names, key=lambda name: hashed_share("search", str(name))))
        splitter = KFold(n_splits=folds)
    for train, judged in splitter.split(ordered):
        yield ordered[train], ordered[judged]


def _has_classes(labels: FloatArray, train: Rows, judged: Rows) -> bool:
    return bool(np.isin(labels, labels[train]).all()) and len(np.unique(labels[judged])) > 1


def _mean_loss(
    config: ModelConfig,
    labels: FloatArray,
    folds: list[tuple[Rows, Rows]],
    parameters: Mapping[str, object],
    answer_fold: FoldAnswers,
) -> float:
    metric = config.gate.metric
    if metric is Metric.OWN:
        metric = USUAL_METRIC[config.model.task]
    losses = [
        fold_loss(metric, labels[judged], answer_fold(parameters, train, judged), config.gate.quantile)
        for train, judged in folds
    ]
    return float(np.mean(losses))


def fold_loss(
    metric: Metric, labels: FloatArray, answers: FloatArray, quantile: float | None = None
) -> float:
    """Return the gate's metric as a loss: lower is better.

    What is decided of two classes is decided at a half: a threshold is chosen once the search is over. A
    user's own loss is not known here.
    """
    match metric:
        case Metric.F1 | Metric.BALANCED_ACCURACY:
            return _decision_loss(metric, labels, answers)
        case Metric.AUC | Metric.PR_AUC | Metric.LOG_LOSS | Metric.BRIER:
            return _probability_loss(metric, labels, answers)
        case _:
            return _number_loss(metric, labels, answers, quantile)


def _probability_loss(metric: Metric, labels: FloatArray, answers: FloatArray) -> float:
    from sklearn import metrics

    classes = list(range(answers.shape[1])) if answers.ndim > 1 else [0, 1]
    match metric:
        case Metric.AUC:
            return 1.0 - float(metrics.roc_auc_score(labels, answers))
        case Metric.PR_AUC:
            return 1.0 - float(metrics.average_precision_score(labels, answers))
        case Metric.LOG_LOSS:
            return float(metrics.log_loss(labels, answers, labels=classes))
        case _ if answers.ndim == 1:
            return float(metrics.brier_score_loss(labels, answers))
        case _:
            return float(metrics.brier_score_loss(labels, answers, labels=classes, scale_by_half=False))


def _number_loss(metric: Metric, labels: FloatArray, answers: FloatArray, quantile: float | None) -> float:
    from sklearn import metrics

    match metric:
        case Metric.PINBALL:
            return float(metrics.mean_pinball_loss(labels, answers, alpha=quantile))
        case Metric.MAPE:
            return float(metrics.mean_absolute_percentage_error(labels, answers))
        case Metric.MAE:
            return float(metrics.mean_absolute_error(labels, answers))
        case _:
            return float(metrics.root_mean_squared_error(labels, answers))


def _decision_loss(metric: Metric, labels: FloatArray, answers: FloatArray) -> float:
    from sklearn import metrics

    decided = decide(answers, HALF)
    if metric is Metric.BALANCED_ACCURACY:
        return 1.0 - float(metrics.balanced_accuracy_score(labels, decided))
    average = "macro" if answers.ndim > 1 else "binary"
    return 1.0 - float(metrics.f1_score(labels, decided, average=average, zero_division=0.0))


def _new_study(seed: int) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
