"""Models of which drift is found again and again, by a monitor that is only as reliable as its events."""

import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from millrace.adapters import clock
from millrace.steps.detections import list_open
from tests.conftest import PLANTED, Home
from tests.controller.fares import MONTHS, later_day, rides, write
from tests.controller.stack import Stack, make_event
from tests.controller.storm import DRIFT
from tests.detected import record_drift
from tests.loop import retrain, take_in

MODELS = tuple(f"fares-{number}" for number in range(6))
EVENTS = ("sent", "sent", "doubled", "lost")
WINDOWS = ("new rows", "new rows", "nothing new", "new rows, as before")
"""What a window brings: the last goes on with the drift before, the others begin one."""


def lay_out(root: Path, catalogue: Path) -> Home:
    """Make a home with copies of `fares` that train on a few new rows only where drift is found."""
    home = Home(root / "home", root / "models")
    home.models.mkdir()
    (home.path / "var").mkdir(parents=True)
    shutil.copyfile(catalogue, home.path / "var" / "catalogue.sqlite")
    for model in MODELS:
        shutil.copytree(PLANTED / "fares", home.models / model)
        home.rewrite(model, 'name = "fares"', f'name = "{model}"')
        home.rewrite(model, 'source = "python"', f'source = "files"\ninbox = "inbox/{model}/*.parquet"')
        home.rewrite(model, 'cooldown = "6h"', 'cooldown = "0s"')
        home.rewrite(model, "budget_per_day = 4", "budget_per_day = 1000")
        home.rewrite(model, "min_rows = 500", "min_rows = 30")
    return home


def crown_all(home: Path) -> None:
    """Let each model have a champion that has learned from the first three months."""
    months = [write(home / f"{month}.parquet", rides(month)) for month in MONTHS]
    for model in MODELS:
        take_in(model, clock.now(), months)
        retrain(model, clock.now(), in_catalogue=True)


@dataclass
class Drifting:
    """One model: its drift is recorded, and the event sent, doubled or lost, once the last is answered."""

    stack: Stack
    model: str
    luck: random.Random
    windows: int
    counts: Counter[str]
    recorded: list[int] = field(default_factory=list)
    since: datetime = field(default_factory=clock.now)
    quiet_until: float = 0.0

    def step(self) -> bool:
        """Go on if nothing is left to be answered; False once all has been."""
        if list_open(self.model):
            self.quiet_until = time.monotonic() + self.luck.uniform(0, 3)
        elif time.monotonic() >= self.quiet_until:
            if len(self.recorded) == self.windows:
                return False
            self._find_drift()
        return True

    def _find_drift(self) -> None:
        brings = self.luck.choice(WINDOWS)
        if brings != "nothing new":
            day = later_day(len(self.recorded))
            take_in(self.model, clock.now(), [write(self.stack.home / f"{self.model}.parquet", day)])
        if brings != "new rows, as before":
            self.since = clock.now()
        self.recorded.append(record_drift(self.model, clock.now(), self.since))
        self.counts[f"windows with {brings}"] += 1
        self._tell(self.luck.choice(EVENTS))

    def _tell(self, how: str) -> None:
        event = make_event(DRIFT, self.model, {"model": self.model, "share": 0.41})
        try:
            for _ in range({"lost": 0, "sent": 1, "doubled": 2}[how]):
                self.stack.send(event)
        except httpx.HTTPError:
            how = "lost with the server"
        self.counts[f"events {how}"] += 1
