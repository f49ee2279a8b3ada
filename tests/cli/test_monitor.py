"""`millrace monitor`, as a script sees it: what it says, and how it ends."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import pytest

from millrace.adapters.models import change_section
from millrace.adapters.window_store import keep_window
from millrace.cli.monitor import NOT_AS_IT_SHOULD_BE, _exit_code
from millrace.domain.bundle import Schema
from millrace.domain.facts import MonitoringDue, WindowMonitored
from millrace.domain.kinds import Task
from millrace.domain.monitoring.findings import DriftFindings, WindowFindings
from millrace.domain.prediction import Answered, AnsweredRow
from millrace.domain.profile import Reference, count_rows, make_reference
from millrace.domain.verdict import Outcome, Verdict
from millrace.settings import load_settings
from millrace.steps.monitoring.compare import UnclearWindowError, compare_beside, compare_kept
from tests.adapters.planted import planted_config, planted_rows
from tests.cli.conftest import COMMAND, Command
from tests.conftest import NOON, Home
from tests.logged import write_log
from tests.loop import retrain, take_in

MODEL = "fares"
HOUR = timedelta(hours=1)
DRIFT = {
    "numeric": {"test": "wasserstein", "threshold": 0.3},
    "categorical": {"test": "jensenshannon", "threshold": 0.3},
    "min_rows": 50,
    "confidence": 0.99,
    "max_unseen_share": 0.5,
    "max_column_share": 0.4,
    "windows": 1,
}
TOO_OLD = {
    "max_champion_age": "30d",
    "max_data_age": "30d",
    "max_p95_milliseconds": 10.0,
    "max_error_share": 0.02,
    "skew_rows": 1_000,
    "max_skew_share": 0.02,
}
"""By which a champion of 2013 is too old."""


def answer(home: Home, rows: int) -> None:
    """Log rows that the champion answered an hour after it came."""
    at = (NOON + HOUR).timestamp()
    logged = [AnsweredRow(f"r{row}", 0, at + row, (2.5,), 12.5, 90) for row in range(rows)]
    champion = str(home.serving(MODEL).champion)
    write_log(load_settings().predictions, Answered(MODEL, champion, 1, "answer", ("distance_km",), logged))


@pytest.fixture
def served(fares: Home) -> Home:
    """`fares` has a champion since NOON."""
    take_in(MODEL, NOON)
    retrain(MODEL, NOON)
    return fares


# looking


@pytest.mark.usefixtures("prefect_server")
def test_two_who_look_at_once_end_with_6_and_look_at_each_row_once(served: Home) -> None:
    from prefect.settings import PREFECT_API_URL

    change_section(served.models, MODEL, "monitor", {"schedule": "0 * * * *"})
    change_section(served.models, MODEL, "health", TOO_OLD)
    answer(served, 200)
    environment = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    command = [COMMAND, "monitor", "look", MODEL, "--json"]
    looking = [Popen(command, env=environment, stdout=PIPE, stderr=PIPE, text=True) for _ in range(2)]
    ended = [(*one.communicate(timeout=300), one.returncode) for one in looking]
    assert [(complaints, code) for _, complaints, code in ended] == [("", 6), ("", 6)]
    looks = [fact for fact in served.facts(MODEL, WindowMonitored) if isinstance(fact, WindowMonitored)]
    assert {datetime.fromisoformat(json.loads(said)["end"]) for said, _, _ in ended} == {
        look.end for look in looks
    }
    # the second may find nothing left, or that the first has looked already
    assert sum(look.rows for look in looks) == 200
    assert looks[0].start == NOON
    assert [look.start for look in looks[1:]] == [look.end for look in looks[:-1]]


# looks that are due


def test_a_model_that_cannot_be_read_hides_no_look_that_is_due(served: Home, millrace: Command) -> None:
    answer(served, 100)
    # flights and progression come before and after
    for model, old in (("flights", "[monitor]"), ("progression", "seed = 7")):
        served.rewrite(model, old, "[nonsense]")
    change_section(served.models, MODEL, "monitor", {"schedule": "0 0 1 1 *", "every_rows": 100})
    done = millrace("monitor", "due", "flights", MODEL, "progression")
    assert done.returncode == 1
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [
        ["error", "flights"], ["error", "progression"],
    ]  # fmt: skip
    assert done.stdout.startswith("fares: ")
    assert served.facts(MODEL, MonitoringDue) == [MonitoringDue(NOON, 100)]


# comparing

REFERENCE_ROWS, WINDOW_ROWS = 600, 300
FIRST, OTHER = datetime(2026, 3, 1, 12, tzinfo=NOON.tzinfo), datetime(2026, 3, 2, 6, 30, tzinfo=NOON.tzinfo)
LATER = OTHER + timedelta(minutes=15)
CONFIG = planted_config(Task.REGRESSION)


@pytest.fixture
def kept(fares: Home) -> Home:
    """Three windows are kept, of which the last is like no other."""
    change_section(fares.models, MODEL, "monitor", {"schedule": "0 0 1 1 *"})
    change_section(fares.models, MODEL, "drift", DRIFT)
    rows = planted_rows(Task.REGRESSION, REFERENCE_ROWS, 1)
    labels = rows["y"].to_numpy(dtype=np.float64)
    reference = make_reference(rows, labels, labels, Schema(Task.REGRESSION, ()), CONFIG)
    for start, shift in ((FIRST, 0.0), (OTHER, 0.0), (LATER, 3.0)):
        asked = planted_rows(Task.REGRESSION, WINDOW_ROWS, 2)
        asked["label"] += shift * asked["label"].std()
        counted = Reference(count_rows(asked, reference.inputs, CONFIG), reference.target, reference.answers)
        found = WindowFindings(MODEL, "d" * 64, start, start + HOUR, None, None, ())
        keep_window(load_settings().monitoring, found, reference, counted)
    return fares


def failed(found: DriftFindings) -> list[str]:
    return [one.column for one in found.columns if one.outcome is Outcome.FAIL]


def test_two_windows_are_compared_by_as_much_of_their_beginning_as_tells_them_apart(
    kept: Home, millrace: Command
) -> None:
    done = millrace("monitor", "compare", MODEL, "2026-03-01", "2026-03-02T06:45", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert [one["column"] for one in found["columns"] if one["outcome"] == "fail"] == ["label"]
    assert failed(compare_beside(MODEL, FIRST, LATER)) == ["label"]
    assert failed(compare_kept(MODEL, "2026-03-01 12:00:00", "2026-03-02T06:30:00")) == []


def test_a_beginning_that_two_windows_share_or_none_has_is_told_with_those_there_are(
    kept: Home, millrace: Command
) -> None:
    done = millrace("monitor", "compare", MODEL, "2026-03-01", "2026-03-02")
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(
        "error: fares: needed the start of one window, '2026-03-02' is not; there are 2026-03-02T06:30:00, "
        "2026-03-02T06:45:00. `millrace monitor status fares`"
    )
    for unknown in ("2026-04", "yesterday"):
        with pytest.raises(UnclearWindowError, match="there are 2026-03-01T12:00:00, 2026-03-02T06:30:00"):
            compare_kept(MODEL, "2026-03-01", unknown)


def test_a_window_that_began_on_the_second_is_told_from_one_that_began_within_it(kept: Home) -> None:
    folder = load_settings().monitoring / MODEL
    [profile] = folder.glob("20260302T063000*.profile.json.gz")
    within: Path = folder / profile.name.replace("063000.000000", "063000.250000")
    within.write_bytes(profile.read_bytes())
    assert failed(compare_kept(MODEL, "2026-03-01", "2026-03-02T06:30:00")) == []
    assert failed(compare_kept(MODEL, "2026-03-01", "2026-03-02T06:30:00.25")) == []


def test_a_look_at_too_few_rows_does_not_say_that_all_is_well_again() -> None:
    at = datetime(2013, 4, 1, 12, tzinfo=UTC)
    few = Verdict("data drift", Outcome.INCONCLUSIVE, "9 of 500 rows")
    drifted = Verdict("data drift", Outcome.FAIL, "2 of 3 columns")
    looked = WindowMonitored("c1", at, at, at, 9, 0, at, at, (few,), (), "f", standing=(drifted,))
    assert _exit_code(looked) == NOT_AS_IT_SHOULD_BE
    assert _exit_code(replace(looked, standing=(few,))) == 0
