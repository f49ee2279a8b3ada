"""Rides that the champion of `fares` is asked, and what the prediction log has of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from millrace.adapters.channel import bundles_folder
from millrace.adapters.parts import read_parts
from millrace.adapters.scorer import load_scorer
from millrace.domain.prediction import Answered, AnsweredRow, Label, Labelled
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from tests.conftest import NOON, Home
from tests.logged import write_log

MODEL = "fares"
COLUMNS = ("ride", "distance_km")
END = NOON + timedelta(days=20)
SECTIONS = """
[monitor]
schedule = "0 * * * *"

[performance]
min_labels = 300
max_excess_loss = 2.0
confidence = 0.95
windows = 1
slices = ["tariff"]

[health]
max_champion_age = "30d"
max_data_age = "60d"
max_p95_milliseconds = 10.0
max_error_share = 0.02
skew_rows = 1000
max_skew_share = 0.02
"""


def watch(home: Home, sections: str = SECTIONS) -> str:
    """Let model.toml ask for it, and return the champion, which knows the distance alone."""
    home.learn_from(MODEL, "distance_km", "noise", "tariff")
    with (home.models / MODEL / "model.toml").open("a", encoding="utf-8") as file:
        file.write(sections)
    return str(home.serving(MODEL).champion)


def rides() -> pd.DataFrame:
    """Return the rides of the dataset."""
    return read_parts(load_settings().data / MODEL, current_dataset(MODEL).parts).tail(2_000)


def answers_to(rows: pd.DataFrame) -> list[float]:
    champion = load_settings().channel
    [digest] = [path.name for path in bundles_folder(champion).iterdir() if _is_champion(path)]
    answers: list[float] = load_scorer(bundles_folder(champion) / digest).answer(rows).tolist()
    return answers


def _is_champion(path: Path) -> bool:
    from millrace.steps.stores import ledger

    return path.name == ledger().serving(MODEL).champion


def asked(
    digest: str,
    rows: pd.DataFrame,
    answers: Sequence[float | None],
    *,
    columns: tuple[str, ...] = (*COLUMNS, "tariff"),
    latency_us: int = 2_000,
    error: str | None = None,
    first: datetime = NOON,
) -> Answered:
    """One record of rides that are asked one after another, evenly until END."""
    at = np.linspace(first.timestamp(), END.timestamp() - 1, len(rows))
    values = rows[list(columns)].to_dict("records")
    logged = [
        AnsweredRow(f"r{row['ride']}", 0, moment, tuple(inputs.values()), answer, latency_us)
        for row, moment, inputs, answer in zip(
            rows.to_dict("records"), at.tolist(), values, answers, strict=True
        )
    ]
    return Answered(MODEL, digest, 1, "answer", columns, logged, error)


def paid(rows: pd.DataFrame, fares: Any, at: datetime = END) -> Labelled:
    """The labels of rides, by their key."""
    pairs = zip(rows["ride"].tolist(), np.asarray(fares, dtype=float).tolist(), strict=True)
    return Labelled(MODEL, at.timestamp(), ("ride",), [Label(fare, None, 0, (ride,)) for ride, fare in pairs])


def log(*records: Any, instance: str = "one") -> Path:
    folder = load_settings().predictions
    write_log(folder, *records, instance=instance)
    return folder
