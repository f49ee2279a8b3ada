"""An installation whose champion of `fares` knows all that a ride costs, and a log of what it was asked."""

import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import load_scorer
from millrace.domain.prediction import Answered, AnsweredRow, Label, Labelled
from millrace.settings import load_settings
from tests.conftest import NOON, Home
from tests.logged import write_log
from tests.loop import retrain, take_in

MODEL = "fares"
HOUR = timedelta(hours=1)
COLUMNS = ("ride", "distance_km", "luggage", "noise", "tariff")
RIDE: dict[str, Any] = {"ride": 7, "distance_km": 25.0, "luggage": 3, "noise": 0.5, "tariff": "night"}
"""It costs 75 for the distance, 24 for the luggage, and 20 at night."""


def crown(home: Home) -> str:
    """Let `fares` learn from every column, and return its champion."""
    home.learn_from(MODEL, "distance_km", "luggage", "noise", "tariff")
    take_in(MODEL, NOON)
    retrain(MODEL, NOON)
    return str(home.serving(MODEL).champion)


def make_crowned(root: Path, catalogue: Path) -> Home:
    """Lay out an installation below `root` in which `fares` has that champion."""
    home = Home.make(root, catalogue)
    home.add_model(MODEL)
    with pytest.MonkeyPatch.context() as patch:
        home.enter(patch)
        crown(home)
    return home


def copy_crowned(template: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Enter a copy of it below `root`."""
    shutil.copytree(template, root, dirs_exist_ok=True)
    home = Home(root / "home", root / "models")
    home.enter(monkeypatch)
    return home


def answer_to(digest: str, ride: dict[str, Any]) -> float:
    scorer = load_scorer(bundles_folder(load_settings().channel) / digest)
    return float(scorer.answer({name: [value] for name, value in ride.items()})[0])


def log_rides(
    digest: str,
    rides: Sequence[dict[str, Any]],
    *,
    request_id: str = "r1",
    answers: Sequence[float | None] | None = None,
    columns: tuple[str, ...] = COLUMNS,
    seconds: float = 60.0,
) -> Path:
    """Log rides of one request, by default as they were answered."""
    given = [answer_to(digest, ride) for ride in rides] if answers is None else answers
    at = NOON.timestamp() + seconds
    rows = [
        AnsweredRow(request_id, row, at, tuple(ride[name] for name in columns), answer, 140)
        for row, (ride, answer) in enumerate(zip(rides, given, strict=True))
    ]
    folder = load_settings().predictions
    write_log(folder, Answered(MODEL, digest, 1, "answer", columns, rows), instance=f"{request_id}-{seconds}")
    return folder


def tell_fare(request_id: str, row: int, fare: float) -> None:
    """Log what a ride really cost, an hour after noon."""
    told = Labelled(MODEL, (NOON + HOUR).timestamp(), (), [Label(fare, request_id, row, None)])
    write_log(load_settings().predictions, told, instance=f"fare-{request_id}-{row}")
