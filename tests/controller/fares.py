"""The planted model `fares` on a stack: its rides, its inbox, and what the ledger says of it."""

import importlib.util
from pathlib import Path
from typing import TypeVar

import pandas as pd

from millrace.domain.claim import Claim
from millrace.domain.facts import BatchAccepted, ChampionPromoted, Fact
from millrace.steps.stores import ledger
from tests.conftest import PLANTED
from tests.controller.stack import Stack, wait_for

HELD_UP = """
import time

from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from millrace.settings import load_settings


def build(config):
    while (load_settings().home / "hold").exists():
        time.sleep(0.05)
    return make_pipeline(SimpleImputer(), LinearRegression())
"""

F = TypeVar("F", bound=Fact)
MONTHS = ("2013-01", "2013-02", "2013-03")


def rides(month: str) -> pd.DataFrame:
    """All rides of a month, as the planted source has them."""
    path = PLANTED / "fares" / "source.py"
    spec = importlib.util.spec_from_file_location("rides", path)
    assert spec is not None
    assert spec.loader is not None
    source = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(source)
    rows: pd.DataFrame = source.read_batch(month)
    return rows


def day(number: int) -> pd.DataFrame:
    """The rides of one day of April."""
    rows = rides("2013-04")
    return rows[rows["at"].dt.day == number]


def later_day(number: int) -> pd.DataFrame:
    """The rides of a day after March, the first of April being 0; there is no end to them."""
    rows, shift = day(1 + number % 28), 28 * (number // 28)
    return rows.assign(ride=rows["ride"] + 10_000 * shift, at=rows["at"] + pd.Timedelta(days=shift))


def deliver(stack: Stack, name: str, rows: pd.DataFrame) -> Path:
    """Put a whole file into the inbox."""
    folder = stack.home / "inbox" / "fares"
    folder.mkdir(parents=True, exist_ok=True)
    path = write(folder / ".being-written", rows)
    return path.rename(folder / f"{name}.parquet")


def write(path: Path, rows: pd.DataFrame) -> Path:
    rows.to_parquet(path, index=False)
    return path


def hold_up(stack: Stack) -> Path:
    """Return a file that keeps every training from going on while it is there; the model's folder changes."""
    (stack.models / "fares" / "pipeline.py").write_text(HELD_UP)
    file = stack.models / "fares" / "model.toml"
    file.write_text(file.read_text().replace('estimator = "linear"', 'estimator = "pipeline:build"'))
    hold = stack.home / "hold"
    hold.touch()
    return hold


def training_claim() -> Claim | None:
    return next((claim for claim in ledger().list_claims() if claim.key.startswith("retrain:")), None)


def facts(kind: type[F]) -> list[F]:
    return [entry.fact for entry in ledger().entries("fares", (kind,)) if isinstance(entry.fact, kind)]


def accepted(name: str) -> bool:
    return f"{name}.parquet" in [fact.part.batch for fact in facts(BatchAccepted)]


def crown(stack: Stack) -> None:
    """Have the first three months become a champion."""
    for month in MONTHS:
        deliver(stack, month, rides(month))
    wait_for("a champion", lambda: facts(ChampionPromoted))
    wait_for("the runs to end", lambda: not stack.alive())
