"""What waits for a flow run, and what does not."""

import os
import shutil
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from millrace.domain.facts import Action, MonitoringDue, RunRequested
from millrace.domain.work import FlowName, IngestReason, Work
from millrace.steps import inbox
from millrace.steps.automation import pause_model, resume_model
from millrace.steps.claims import take_claim
from millrace.steps.decide import decide_retraining
from millrace.steps.inbox import InboxWatch
from millrace.steps.requests import list_requests, park_work, record_request
from millrace.steps.source import find_why_not, finish_ingest
from millrace.steps.stores import ledger
from millrace.steps.work import AFTER_THE_EVENT, AT_ONCE, find_work
from tests.conftest import NOON, Home
from tests.detected import record_nothing
from tests.loop import retrain, take_in

QUIET_SECONDS = 0.02
HOUR = timedelta(hours=1)
FEBRUARY = datetime(2013, 3, 1, 12, tzinfo=NOON.tzinfo)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> InboxWatch:
    """A watch that takes a file for whole at its second look."""
    monkeypatch.setattr(inbox, "QUIET_SECONDS", QUIET_SECONDS)
    return InboxWatch()


@pytest.fixture
def with_inbox(fares: Home) -> Home:
    fares.rewrite("fares", 'source = "python"', 'source = "files"\ninbox = "inbox/fares/*.csv"')
    return fares


def deliver(home: Home, name: str = "april.csv", text: str = "ride\n1\n") -> Path:
    path = home.inbox("fares", name)
    path.write_text(text)
    return path


def works(watch: InboxWatch, now: datetime = NOON, model: str = "fares") -> list[Work]:
    find_work(model, watch, now)
    time.sleep(2 * QUIET_SECONDS)
    return find_work(model, watch, now)


def flows(found: list[Work]) -> list[tuple[FlowName, str]]:
    return [(work.flow, work.reason) for work in found]


# files that arrive


def test_a_file_that_was_never_taken_in_waits_for_an_ingest(with_inbox: Home, watch: InboxWatch) -> None:
    path = deliver(with_inbox)
    [work] = works(watch)
    assert (work.flow, work.reason, work.detail) == (FlowName.INGEST, "arrived", "april.csv")
    assert work.files == (str(path),)


def test_files_that_arrived_together_are_one_piece_of_work(with_inbox: Home, watch: InboxWatch) -> None:
    deliver(with_inbox, "may.csv", "ride\n2\n")
    deliver(with_inbox, "april.csv")
    [work] = works(watch)
    assert [Path(file).name for file in work.files] == ["april.csv", "may.csv"]


def test_a_file_that_still_changes_is_left_to_its_writer(with_inbox: Home, watch: InboxWatch) -> None:
    path = deliver(with_inbox)
    for number in range(3):
        assert find_work("fares", watch, NOON) == []
        path.write_text("ride\n" + "1\n" * (number + 2))
    assert len(works(watch)) == 1


def test_a_csv_file_is_whole_only_when_it_was_quiet_for_a_while(with_inbox: Home) -> None:
    deliver(with_inbox)
    assert works(InboxWatch()) == []


def test_a_file_that_was_accepted_or_quarantined_waits_for_nothing(
    with_inbox: Home, watch: InboxWatch
) -> None:
    deliver(with_inbox)
    take_in("fares", NOON)
    assert with_inbox.kinds("fares") == ["BatchQuarantined"]
    assert works(watch) == []


def test_a_file_that_vanishes_between_two_looks_is_no_work(with_inbox: Home, watch: InboxWatch) -> None:
    path = deliver(with_inbox)
    find_work("fares", watch, NOON)
    path.unlink()
    assert find_work("fares", watch, NOON) == []


def test_the_same_files_are_the_same_work_for_another_controller(with_inbox: Home, watch: InboxWatch) -> None:
    deliver(with_inbox)
    assert works(watch)[0].key == works(InboxWatch())[0].key


# a source with a schedule


def test_a_source_is_due_once_in_a_period(fares: Home, watch: InboxWatch) -> None:
    fares.rewrite("fares", 'source = "python"', 'source = "python"\nschedule = "0 6 * * *"')
    assert flows(works(watch)) == [(FlowName.INGEST, "schedule")]
    assert find_why_not("fares", IngestReason.SCHEDULE, NOON) is None
    finish_ingest("fares", None, 0, NOON)
    assert works(watch) == []
    assert find_why_not("fares", IngestReason.SCHEDULE, NOON) == (
        "the source has nothing to be asked for: asked at 2013-04-01 12:00:00 UTC, not due since"
    )
    assert flows(works(watch, NOON + timedelta(days=40))) == [(FlowName.INGEST, "schedule")]


def test_files_by_name_are_no_answer_to_a_schedule(fares: Home, watch: InboxWatch) -> None:
    fares.rewrite("fares", 'source = "python"', 'source = "python"\nschedule = "0 6 * * *"')
    finish_ingest("fares", [Path("april.csv")], 1, NOON)
    assert flows(works(watch)) == [(FlowName.INGEST, "schedule")]


# trainings that are due


def test_a_model_with_data_and_without_a_champion_waits_for_a_training(
    fares: Home, watch: InboxWatch
) -> None:
    take_in("fares", NOON)
    [work] = works(watch)
    assert (work.flow, work.reason, work.patience) == (FlowName.RETRAIN, "new rows", AFTER_THE_EVENT)
    assert "no champion yet" in work.detail


def test_after_a_training_nothing_waits(fares: Home, watch: InboxWatch) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    assert works(watch) == []


def test_new_rows_wait_for_the_cooldown_without_a_record_of_each_look(fares: Home, watch: InboxWatch) -> None:
    take_in("fares", FEBRUARY)
    retrain("fares", NOON - HOUR)
    take_in("fares", NOON)
    before = fares.kinds("fares")
    assert works(watch) == []
    assert flows(works(watch, NOON + 6 * HOUR)) == [(FlowName.RETRAIN, "new rows")]
    assert fares.kinds("fares") == before


def test_a_changed_model_file_waits_for_a_training(fares: Home, watch: InboxWatch) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    fares.learn_from("fares", "distance_km", "tariff")
    assert flows(works(watch, NOON + 7 * HOUR)) == [(FlowName.RETRAIN, "config")]


def test_a_training_that_was_blocked_is_not_asked_for_again(fares: Home, watch: InboxWatch) -> None:
    take_in("fares", datetime(2013, 2, 1, 12, tzinfo=NOON.tzinfo))
    fares.rewrite("fares", 'window = "42d"', 'window = "14d"')
    assert len(works(watch)) == 1
    assert retrain("fares", NOON).decision.action is Action.BLOCK
    assert works(watch) == []


def test_a_schedule_asks_once_in_a_period_whatever_was_decided(fares: Home, watch: InboxWatch) -> None:
    fares.rewrite("fares", "[retrain]", '[retrain]\nschedule = "0 6 * * *"')
    take_in("fares", NOON)
    retrain("fares", NOON)
    tomorrow = NOON + timedelta(days=1)
    assert flows(works(watch, tomorrow)) == [(FlowName.RETRAIN, "schedule")]
    retrain("fares", tomorrow)
    assert works(watch, tomorrow + HOUR) == []


def test_a_training_that_a_living_run_is_at_is_left_to_it(fares: Home, watch: InboxWatch) -> None:
    take_in("fares", NOON)
    decided = decide_retraining("fares", *by_hand(), "a run")
    assert decided.claim is not None
    assert works(watch) == []
    ledger().release(decided.claim)
    [work] = works(watch)
    assert work.patience == AT_ONCE


def test_a_deleted_dataset_is_no_reason_to_train(fares: Home, watch: InboxWatch) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    shutil.rmtree(fares.path / "data")
    assert works(watch) == []


# looks at a model in production that are due


def test_a_look_is_due_once_in_a_period_and_only_where_something_answers(
    fares: Home, watch: InboxWatch
) -> None:
    fares.rewrite("fares", "[retrain]", '[monitor]\nschedule = "0 * * * *"\n\n[retrain]')
    take_in("fares", NOON)
    assert FlowName.MONITOR not in [work.flow for work in works(watch, NOON + HOUR)]
    retrain("fares", NOON)
    assert works(watch, NOON) == []
    [work] = works(watch, NOON + HOUR)
    assert (work.flow, work.reason, work.key) == (
        FlowName.MONITOR, "schedule", "monitor:fares:due:2013-04-01T13:00",
    )  # fmt: skip
    record_nothing("fares", NOON + HOUR)
    assert works(watch, NOON + HOUR) == []
    assert flows(works(watch, NOON + 2 * HOUR)) == [(FlowName.MONITOR, "schedule")]


def test_a_look_is_due_early_when_many_rows_were_answered(fares: Home, watch: InboxWatch) -> None:
    fares.rewrite("fares", "[retrain]", '[monitor]\nschedule = "0 * * * *"\n\n[retrain]')
    take_in("fares", NOON)
    retrain("fares", NOON)
    due = fares.ledger.append("fares", MonitoringDue(NOON, 5_000), NOON, "tests")
    [work] = works(watch)
    assert (work.flow, work.reason, work.detail, work.patience) == (
        FlowName.MONITOR, "rows", "5,000 rows since the last look", AT_ONCE,
    )  # fmt: skip
    assert work.key == f"monitor:fares:rows:{due.seq}"
    record_nothing("fares", NOON)
    assert works(watch) == []


def test_finding_work_needs_nothing_that_counts_rows() -> None:
    code = "import sys, millrace.steps.work; print({'pyarrow', 'pandas', 'mlflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_look_that_a_living_run_is_at_is_left_to_it(fares: Home, watch: InboxWatch) -> None:
    fares.rewrite("fares", "[retrain]", '[monitor]\nschedule = "0 * * * *"\n\n[retrain]')
    take_in("fares", NOON)
    retrain("fares", NOON)
    take_claim("monitor:fares:look", "a run")
    assert works(watch, NOON + HOUR) == []


def test_a_look_by_a_clock_that_was_ahead_holds_no_schedule_up(fares: Home, watch: InboxWatch) -> None:
    fares.rewrite("fares", "[retrain]", '[monitor]\nschedule = "0 * * * *"\n\n[retrain]')
    take_in("fares", NOON)
    retrain("fares", NOON)
    record_nothing("fares", NOON + timedelta(days=365))
    assert flows(works(watch, NOON + HOUR)) == [(FlowName.MONITOR, "schedule")]


# pausing


def test_while_a_model_is_paused_nothing_waits(with_inbox: Home, watch: InboxWatch) -> None:
    deliver(with_inbox)
    pause_model("fares", "the agency resends May", NOON)
    assert works(watch) == []
    why_not = find_why_not("fares", IngestReason.SCHEDULE, NOON)
    assert why_not is not None
    assert why_not.startswith("automatic work is paused: ")
    assert why_not.endswith(" at 2013-04-01 12:00 UTC: the agency resends May")
    resume_model("fares", "May is in", NOON)
    assert len(works(watch)) == 1


# asking, once


def test_an_attempt_is_recorded_once_by_however_many_controllers(with_inbox: Home, watch: InboxWatch) -> None:
    deliver(with_inbox)
    [work] = works(watch)
    assert record_request(work, 1, "one controller", NOON)
    assert record_request(work, 1, "another controller", NOON)
    [entry] = list_requests("fares")
    assert entry.fact == RunRequested(work.key, "ingest", "arrived, april.csv", 1)


def test_while_another_controller_records_an_attempt_it_is_left_to_it(
    with_inbox: Home, watch: InboxWatch
) -> None:
    deliver(with_inbox)
    [work] = works(watch)
    take_claim(f"request:{work.key}#1", "another controller")
    assert not record_request(work, 1, "one controller", NOON)
    assert list_requests("fares") == []


def test_work_is_parked_once(with_inbox: Home, watch: InboxWatch) -> None:
    deliver(with_inbox)
    [work] = works(watch)
    record_request(work, 1, "one controller", NOON)
    for controller in ("one", "another"):
        park_work(work, 4, controller, NOON)
    assert with_inbox.kinds("fares") == ["RunRequested", "RunParked"]


def by_hand() -> tuple[object, ...]:
    from millrace.domain.decision import Reason

    return Reason.BY_HAND, False, NOON


def test_a_file_is_read_once_however_often_it_is_looked_at(
    with_inbox: Home, watch: InboxWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def counted(path: Path) -> str:
        read.append(path)
        return f"{len(read):064x}"

    monkeypatch.setattr(inbox, "digest_of_file", counted)
    path = deliver(with_inbox)
    for _ in range(5):
        works(watch)
    assert read == [path]
    time.sleep(0.01)
    deliver(with_inbox, text="ride\n3\n")
    works(watch)
    assert read == [path, path]


def test_what_cannot_be_read_stays_in_the_inbox_and_keeps_nothing_out(
    with_inbox: Home, watch: InboxWatch, caplog: pytest.LogCaptureFixture
) -> None:
    good = deliver(with_inbox, "good.csv")
    (good.parent / "folder.csv").mkdir()
    (good.parent / "loop.csv").symlink_to("loop.csv")
    os.mkfifo(good.parent / "pipe.csv")
    with open(os.fsencode(good.parent) + b"/\xff.csv", "wb") as odd:
        odd.write(b"ride\n9\n")
    [work] = works(watch)
    assert work.files == (str(good),)
    assert [record.args[1] for record in caplog.records if record.args] == ["\udcff.csv"]
    works(watch)
    assert len(caplog.records) == 1


def test_a_block_is_asked_about_again_after_a_day(fares: Home, watch: InboxWatch) -> None:
    take_in("fares", datetime(2013, 2, 1, 12, tzinfo=NOON.tzinfo))
    fares.rewrite("fares", 'window = "42d"', 'window = "14d"')
    retrain("fares", NOON)
    assert works(watch, NOON + timedelta(hours=23)) == []
    assert flows(works(watch, NOON + timedelta(hours=25))) == [(FlowName.RETRAIN, "new rows")]


def test_what_a_clock_that_was_ahead_has_written_holds_no_schedule_up(fares: Home, watch: InboxWatch) -> None:
    fares.rewrite("fares", 'source = "python"', 'source = "python"\nschedule = "0 6 * * *"')
    finish_ingest("fares", None, 0, NOON + timedelta(days=365))
    assert flows(works(watch)) == [(FlowName.INGEST, "schedule")]
