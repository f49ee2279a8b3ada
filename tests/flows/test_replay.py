"""The demo's story on the planted model: what happens, what is refused, and what it looked like."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.replay import FlowLoop, replay_demo
from millrace.adapters import clock
from millrace.adapters.models import change_section, find_demo
from millrace.domain.decision import Reason
from millrace.domain.facts import BatchQuarantined, WindowMonitored
from millrace.domain.replay import QUARANTINED
from millrace.domain.rollout.timeline import Turn
from millrace.steps.replay.loop import PlainLoop
from millrace.steps.replay.script import prediction_service
from millrace.steps.stores import ledger
from tests.conftest import NOON, Home

DEMO = """
bootstrap = "2013-04-01T06:00:00Z"
until = "2013-05-01T06:00:00Z"

[asking]
every = "7d"
rows = 200

[retrain]
min_new_rows = 500
cooldown = "6h"
budget_per_day = 4

[corrupted]
batch = "2013-04"
column = "distance_km"
value = -1.0
rows = 10

[bad_challenger]
after = "2013-04"
numeric = ["noise"]
categorical = []
"""
WATCHED: dict[str, dict[str, Any]] = {
    "monitor": {"schedule": "0 6 * * *"},
    "drift": {
        "numeric": {"test": "wasserstein", "threshold": 0.3},
        "categorical": {"test": "jensenshannon", "threshold": 0.3},
        "min_rows": 150,
        "confidence": 0.99,
        "max_unseen_share": 0.05,
        "max_column_share": 0.4,
        "windows": 1,
    },
    "performance": {"min_labels": 150, "max_excess_loss": 0.3, "confidence": 0.95, "windows": 1},
}


@pytest.fixture
def clock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process, and what it starts, go by a clock of its own."""
    monkeypatch.setenv(clock.CLOCK, str(tmp_path / "clock"))
    clock._open.cache_clear()
    clock.set_clock(datetime(2013, 4, 1, 6, tzinfo=UTC))
    yield
    clock._open.cache_clear()


def told(home: Home) -> list[str]:
    """Name the kinds of all entries but those of the catalogue and the channel, which a replay has not."""
    return [kind for kind in home.kinds("fares") if kind not in {"VersionRegistered", "ServingConfigured"}]


@pytest.mark.usefixtures("prefect_server")
def test_the_loop_of_a_replay_leaves_the_entries_that_the_flows_leave(
    fares: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue_template: Path
) -> None:
    other = Home.make(tmp_path / "other", catalogue_template)
    other.add_model("fares")
    later = NOON + timedelta(days=31)
    found = []
    for home, loop in ((fares, FlowLoop("fares")), (other, PlainLoop("fares"))):
        home.enter(monkeypatch)
        home.rewrite("fares", "min_new_rows = 500", "min_new_rows = 20_000")
        change_section(home.models, "fares", "monitor", WATCHED["monitor"])
        for now in (NOON, later):
            loop.ingest(None, now)
            loop.retrain(Reason.NEW_ROWS, "", False, now)
            loop.monitor(now)
        found.append(told(home))
    assert found[0] == found[1]
    assert {"DecisionMade", "ChampionPromoted", "WindowMonitored"} <= {*found[0]}


@pytest.mark.usefixtures("prefect_server", "clock_file")
def test_history_runs_again_with_its_accidents_on_a_clock_of_its_own(home: Home) -> None:
    home.add_model("fares")
    for path in home.models.glob("*/demo.toml"):
        path.unlink()
    (home.models / "fares" / "demo.toml").write_text(DEMO, "utf-8")
    home.learn_from("fares", "distance_km", "tariff", "luggage")
    for name, section in WATCHED.items():
        change_section(home.models, "fares", name, section)
    turns: list[Turn] = []

    with prediction_service() as service:
        replay = replay_demo(*find_demo(home.models), service, turns.append)
        rows = list(replay.play())

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
    assert "from decision to champion" in {timing.what for timing in replay.timings}

    [quarantined] = ledger().entries("fares", (BatchQuarantined,))
    assert quarantined.at == datetime(2013, 5, 1, 6, tzinfo=UTC)
    looks = [look for look in home.facts("fares", WindowMonitored) if isinstance(look, WindowMonitored)]
    assert [look.end.date().isoformat() for look in looks] == [
        "2013-04-08",
        "2013-04-15",
        "2013-04-22",
        "2013-04-29",
    ]
    assert [look.rows for look in looks] == [200] * 4
    assert [look.labels for look in looks] == [0, 200, 200, 200]  # what was asked a week ago has its labels
    assert {verdict.outcome for verdict in looks[-1].verdicts if verdict.rule == "performance"} == {"pass"}
