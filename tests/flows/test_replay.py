"""The demo's story on the planted model: what arrives, what is refused, and what it looked like."""

from datetime import UTC, datetime

import pytest

from flows.replay import Replay
from millrace.adapters.models import find_demo
from millrace.domain.facts import BatchQuarantined
from millrace.domain.replay import QUARANTINED
from millrace.steps.replay import prediction_service
from millrace.steps.stores import ledger
from tests.conftest import Home

DEMO = """
bootstrap = "2013-04-01T06:00:00Z"
until = "2013-05-01T06:00:00Z"

[corrupted]
batch = "2013-04"
column = "distance_km"
value = -1.0
rows = 10

[bad_challenger]
numeric = ["noise"]
categorical = []
"""


@pytest.mark.usefixtures("prefect_server")
def test_history_runs_again_with_its_accidents_on_a_clock_of_its_own(home: Home) -> None:
    home.add_model("fares")
    for path in home.models.glob("*/demo.toml"):
        path.unlink()
    (home.models / "fares" / "demo.toml").write_text(DEMO, "utf-8")
    home.learn_from("fares", "distance_km", "tariff", "luggage")

    with prediction_service() as service:
        rows = list(Replay(*find_demo(home.models), service).play())

    assert [(row.month, row.event, row.decision) for row in rows] == [
        ("2013-03", "arrived", "TRAIN"),
        ("2013-04", QUARANTINED, ""),
        ("2013-04", "arrived", "TRAIN"),
        ("2013-04", "config changed", "TRAIN"),
    ]
    start, corrupted, april, broken = rows
    assert (start.champion_before, start.gate, start.promoted) == (None, "pass", True)
    assert corrupted.champion_after == start.champion_after
    assert april.frozen == april.kept == pytest.approx(0.8, abs=0.2)  # a mean error of luck alone
    assert (broken.gate, broken.promoted) == ("fail", False)
    assert home.serving("fares").champion == april.champion_after

    [quarantined] = ledger().entries("fares", (BatchQuarantined,))
    assert quarantined.at == datetime(2013, 5, 1, 6, tzinfo=UTC)
