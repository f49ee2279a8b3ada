"""How does a report about a window stand beside the trainings?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

WINDOW = "window"
"""The tag of a run that holds a report: which window it is about."""


@dataclass(frozen=True)
class ReportRecord:
    """What a run shows of a window: `files` are contents by file name, metrics plain numbers."""

    model: str
    digest: str
    window: str
    metrics: Mapping[str, float]
    files: Mapping[str, bytes]
    at: datetime

    @property
    def at_ms(self) -> int:
        return int(self.at.timestamp() * 1000)


def write_report(client: "MlflowClient", experiment: str, record: ReportRecord) -> str:
    """Write a report down as a run; one that stands there is found, a half-written one is replaced."""
    for run in client.search_runs([experiment], f"tags.{WINDOW} = '{record.window}'"):
        if run.info.status == "FINISHED":
            return str(run.info.run_id)
        client.delete_run(run.info.run_id)
    return _write_run(client, experiment, record)


def _write_run(client: "MlflowClient", experiment: str, record: ReportRecord) -> str:
    from mlflow.entities import Metric

    tags = {WINDOW: record.window, "bundle": record.digest, "kind": "monitoring"}
    run = client.create_run(
        experiment, start_time=record.at_ms, tags=tags, run_name=f"window {record.window}"
    )
    run_id = str(run.info.run_id)
    client.log_batch(run_id, [Metric(name, value, record.at_ms, 0) for name, value in record.metrics.items()])
    with TemporaryDirectory() as folder:
        for name, content in record.files.items():
            (Path(folder) / name).write_bytes(content)
        client.log_artifacts(run_id, folder)
    client.set_terminated(run_id, "FINISHED", end_time=record.at_ms)
    return run_id
