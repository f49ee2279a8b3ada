"""What does a run show of a training?"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from mlflow.entities import Metric, Param


@dataclass(frozen=True)
class TrainingRecord:
    """All that a run shows of a training.

    `monthly` is by metric, then by month (`2013-04`); `tables` are texts by file name. `example`
    holds the features of some rows, `answers` what the bundle answered for them.
    """

    model: str
    run_key: str
    digest: str
    bundle_dir: Path
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    monthly: Mapping[str, Mapping[str, float]]
    tags: Mapping[str, str]
    tables: Mapping[str, str]
    trials: Sequence[Mapping[str, object]]
    example: "pd.DataFrame"
    answers: "np.ndarray"
    at: datetime

    @property
    def at_ms(self) -> int:
        return int(self.at.timestamp() * 1000)


def params_of(record: TrainingRecord) -> "list[Param]":
    """Return the parameters as MLflow keeps them, as text."""
    from mlflow.entities import Param

    return [Param(name, str(value)) for name, value in record.parameters.items()]


def metrics_of(record: TrainingRecord) -> "list[Metric]":
    """Return the metrics; those by month have the month as their step (201304), so that it is the axis."""
    from mlflow.entities import Metric

    overall = [Metric(name, value, record.at_ms, 0) for name, value in record.metrics.items()]
    monthly = [
        Metric(f"monthly/{name}", value, record.at_ms, int(month.replace("-", "")))
        for name, months in record.monthly.items()
        for month, value in months.items()
    ]
    return overall + monthly


def write_tables(folder: Path, record: TrainingRecord) -> None:
    """Write the tables, and the search trials as a CSV, which the MLflow UI shows as a table."""
    for file_name, text in record.tables.items():
        (folder / file_name).write_text(text, encoding="utf-8")
    if record.trials:
        (folder / "trials.csv").write_text(_csv(record.trials), encoding="utf-8")


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
