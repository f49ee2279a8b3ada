"""What a look does for people, also where the catalogue is away."""

from datetime import timedelta

import pytest

import tasks.monitor
from flows.monitor import monitor
from millrace.adapters.models import change_section
from millrace.domain.facts import ReportKept, WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.monitoring.window import Window
from millrace.steps.monitoring.counting import count_window
from millrace.steps.monitoring.report import keep_report
from tests.conftest import NOON, Home
from tests.flows.test_flows import run
from tests.loop import retrain, take_in
from tests.webhook import Webhook

pytestmark = pytest.mark.usefixtures("prefect_server")

MODEL = "fares"
LATER = NOON + timedelta(days=40)
TOO_OLD = {
    "max_champion_age": "30d",
    "max_data_age": "30d",
    "max_p95_milliseconds": 10.0,
    "max_error_share": 0.02,
    "skew_rows": 1_000,
    "max_skew_share": 0.02,
}
"""By which a champion that came at NOON is too old at LATER."""


@pytest.fixture
def served(fares: Home) -> Home:
    """`fares` has a champion since NOON, and its age is watched."""
    take_in(MODEL, NOON)
    retrain(MODEL, NOON)
    change_section(fares.models, MODEL, "monitor", {"schedule": "0 * * * *"})
    change_section(fares.models, MODEL, "health", TOO_OLD)
    return fares


def test_a_catalogue_that_is_away_takes_the_report_and_nothing_else(
    served: Home, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////dev/null/catalogue.sqlite")
    monkeypatch.setattr(tasks.monitor._keep_report, "retry_delay_seconds", [0.0, 0.0, 0.0])
    ran = run(monitor, MODEL, now=LATER)
    assert served.facts(MODEL, WindowMonitored) == [ran.result]
    assert served.facts(MODEL, ReportKept) == []
    assert ran.task_runs["keep the report"] == 4
    assert "fares: 0 rows and 0 labels" in ran.artifacts["monitoring"]
    assert webhook.titles == ["fares: staleness not as it should be"]


def test_a_report_that_is_kept_again_is_recorded_once(served: Home) -> None:
    looked = run(monitor, MODEL, now=LATER).result
    [kept] = served.facts(MODEL, ReportKept)
    window = Window(looked.digest, looked.start, looked.end, looked.start, looked.end)
    found = WindowFindings(MODEL, looked.digest, looked.start, looked.end, None, None, ())
    assert keep_report(MODEL, looked, count_window(MODEL, window), found, True, LATER) == kept
    assert served.facts(MODEL, ReportKept) == [kept]
