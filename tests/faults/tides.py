"""An installation with one small model whose answer is obvious, for tests of faults."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

MODEL = "tides"
MODELS = Path(__file__).parent / "models"
FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2020, 6, 1, tzinfo=UTC)
ROWS_PER_DAY = 24
OTHER_HOMES = ("MILLRACE_LEDGER_URL", "MLFLOW_TRACKING_URI", "MILLRACE_ALERT_URLS", "MILLRACE_ACTOR")


def move_in(home: Path, models: Path = MODELS) -> None:
    """Let this process work in `home`."""
    for name in OTHER_HOMES:
        os.environ.pop(name, None)
    os.environ |= {"MILLRACE_HOME": str(home), "MILLRACE_MODELS": str(models)}


def new_home(home: Path, catalogue: Path) -> Path:
    """Lay out an empty installation whose inbox holds the first 90 days."""
    (home / "var").mkdir(parents=True)
    shutil.copyfile(catalogue, home / "var" / "catalogue.sqlite")
    deliver(home, "first", day=0, days=90)
    return home


def deliver(home: Path, name: str, day: int, days: int) -> Path:
    """Put the rows of so many days into the inbox."""
    inbox = home / "inbox" / MODEL
    inbox.mkdir(parents=True, exist_ok=True)
    path = inbox / f"{name}.parquet"
    tides(day, days).to_parquet(path, index=False)
    return path


def tides(day: int, days: int) -> pd.DataFrame:
    """Return hourly levels: twice the moon less a tenth of the wind, higher in the south, and noise."""
    rng = np.random.default_rng(day)
    size = days * ROWS_PER_DAY
    moon, wind = rng.uniform(-1, 1, size), rng.uniform(-9, 9, size)
    south = rng.integers(0, 2, size)
    start = FIRST_DAY + timedelta(days=day)
    return pd.DataFrame(
        {
            "measured_at": pd.date_range(start, periods=size, freq="h"),
            "harbour": np.where(south == 1, "south", "north"),
            "moon": moon,
            "wind": wind,
            "level": 2 * moon - 0.1 * wind + south + rng.normal(0, 0.2, size),
        }
    )
