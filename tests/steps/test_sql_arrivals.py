"""What a database has that is new comes in once, in order, whatever happens in between."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from millrace.adapters.parts import read_parts
from millrace.adapters.sql_source import DatabaseUnavailableError, QueryRefusedError
from millrace.domain.facts import BatchQuarantined, SourceAsked
from millrace.domain.watermark import LagWithoutTimeError
from millrace.domain.work import FlowName, IngestReason
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.arrivals import list_arrivals, stage_arrival
from millrace.steps.batch import BatchOutcome, claim_batch
from millrace.steps.claims import list_dead_claims
from millrace.steps.dataset import current_dataset
from millrace.steps.doctor import Health, examine
from millrace.steps.inbox import InboxWatch
from millrace.steps.release import release_batch
from millrace.steps.restore import LostPartError, restore_dataset
from millrace.steps.source import find_source_due, find_why_not, finish_ingest
from millrace.steps.sql_source import count_late, find_watermark, look_at_database
from millrace.steps.stores import ledger
from millrace.steps.work import find_work
from tests.conftest import NOON, Home
from tests.loop import take_in
from tests.steps.asked import RideTable, empty_file

DYING = """
import sys
from tests.faults.points import BY_NAME
BY_NAME[sys.argv[1]].arm()
from tests.conftest import NOON
from tests.loop import take_in
take_in("fares", NOON)
"""


@pytest.fixture
def table(home: Home, tmp_path: Path) -> RideTable:
    """`fares` asks a SQLite database, which has the 1,054 rides of January."""
    table = RideTable.make(home, empty_file(tmp_path / "shop.sqlite"))
    table.write(table.rides("2013-01"))
    return table


def taken() -> list[int]:
    """Return the rides of the dataset, in its order."""
    parts = current_dataset("fares").parts
    return read_parts(load_settings().data / "fares", parts, ["ride"])["ride"].tolist()


def outcomes(now: datetime = NOON) -> list[BatchOutcome]:
    return [result.outcome for result in take_in("fares", now)]


def test_what_arrives_between_two_asks_comes_with_the_second_and_nothing_twice(table: RideTable) -> None:
    assert outcomes() == [BatchOutcome.ACCEPTED]
    assert find_watermark("fares") == 999
    assert look_at_database("fares", NOON).waiting == 54
    assert outcomes() == []
    table.write(table.rides("2013-02"))
    assert outcomes() == [BatchOutcome.ACCEPTED]
    assert taken() == [*range(1054), *range(10_000, 10_946)]
    assert [part.batch for part in current_dataset("fares").parts] == [
        "ride=..999.parquet", "ride=999..10945.parquet",
    ]  # fmt: skip
    assert table.home.left_in_staging() == []


def test_rows_that_share_a_watermark_are_never_parted(home: Home, tmp_path: Path) -> None:
    table = RideTable.make(home, empty_file(tmp_path / "shop.sqlite"), watermark="noted", batch_rows=700)
    days = [*["2013-02-01"] * 600, *["2013-02-02"] * 200, *["2013-02-03"] * 254]
    table.write(table.rides("2013-01").assign(noted=days))
    assert [one.batch for one in look_at_database("fares", NOON).ranges] == ["noted=..'2013-02-01'.parquet"]
    table.write(table.rides("2013-02").iloc[:446].assign(noted="2013-02-03"))
    assert [result.rows for result in take_in("fares", NOON)] == [600, 900]


def test_rows_that_are_too_few_for_a_batch_wait_for_more(table: RideTable) -> None:
    take_in("fares", NOON)
    assert look_at_database("fares", NOON).waiting == 54
    table.write(table.rides("2013-02").iloc[:445])
    assert (outcomes(), look_at_database("fares", NOON).waiting) == ([], 499)
    table.write(table.rides("2013-02").iloc[445:446])
    assert (outcomes(), look_at_database("fares", NOON).waiting) == ([BatchOutcome.ACCEPTED], 0)


def test_a_row_within_the_lag_waits_and_one_that_is_committed_late_is_not_lost(
    home: Home, tmp_path: Path
) -> None:
    table = RideTable.make(home, empty_file(tmp_path / "s.sqlite"), watermark="noted", lag=', lag = "1h"')
    rides = table.rides("2013-01")
    began = NOON - timedelta(minutes=90)
    noted = rides.assign(
        noted=[f"{began + timedelta(seconds=3 * at):%Y-%m-%d %H:%M:%S}" for at in range(1054)]
    )
    late = rides.index == 700
    table.write(noted[~late])
    assert [result.rows for result in take_in("fares", NOON)] == [601]
    table.write(noted[late])
    table.write(noted.iloc[:100].assign(ride=range(5000, 5100), noted=noted["noted"].iloc[-1]))
    assert [result.rows for result in take_in("fares", NOON + timedelta(hours=1))] == [553]
    assert sorted(taken()) == [*range(1054), *range(5000, 5100)]


def test_a_lag_needs_a_watermark_of_times(home: Home, tmp_path: Path) -> None:
    table = RideTable.make(home, empty_file(tmp_path / "shop.sqlite"), lag=', lag = "1h"')
    table.write(table.rides("2013-01"))
    with pytest.raises(LagWithoutTimeError, match=r"lag needs a watermark of times, 'ride' holds 0"):
        take_in("fares", NOON)


@pytest.mark.parametrize(
    "point",
    [
        "staged, not claimed",
        "claimed, nothing read",
        "in data/, not accepted",
        "accepted, claim not finished",
    ],
)
def test_a_kill_loses_and_doubles_nothing_though_rows_come_meanwhile(table: RideTable, point: str) -> None:
    died = subprocess.run([sys.executable, "-c", DYING, point], cwd=PROJECT_ROOT, check=False)
    assert died.returncode == -signal.SIGKILL
    table.write(table.rides("2013-02"))
    assert set(outcomes()) == {BatchOutcome.ACCEPTED}
    assert taken() == [*range(1054), *range(10_000, 10_946)]
    assert list_dead_claims("fares") == []


def test_the_controller_asks_again_for_a_batch_whose_run_died(table: RideTable) -> None:
    point = "claimed, nothing read"
    subprocess.run([sys.executable, "-c", DYING, point], cwd=PROJECT_ROOT, check=False)
    asked = [work for work in find_work("fares", InboxWatch(), NOON) if work.flow is FlowName.INGEST]
    assert [work.reason for work in asked] == [IngestReason.SCHEDULE, IngestReason.DIED]
    assert table.home.facts("fares") == []


def test_a_quarantined_batch_stays_there_and_stops_none_after_it(table: RideTable) -> None:
    table.run("UPDATE rides SET distance_km = 99 WHERE ride = 5")
    table.write(table.rides("2013-02"))
    assert outcomes() == [BatchOutcome.QUARANTINED, BatchOutcome.ACCEPTED]
    assert outcomes() == []
    [kept] = table.home.facts("fares", BatchQuarantined)
    assert isinstance(kept, BatchQuarantined)
    released = release_batch("fares", kept.batch_digest, "a long ride", "a person", NOON)
    assert (released.outcome, released.rows) == (BatchOutcome.ACCEPTED, 1000)
    assert find_watermark("fares") == 10_945
    assert outcomes() == []


def test_a_row_that_comes_again_under_a_new_watermark_is_told_as_a_repeated_key(
    home: Home, tmp_path: Path
) -> None:
    table = RideTable.make(home, empty_file(tmp_path / "shop.sqlite"), watermark="noted", batch_rows=2000)
    table.write(table.rides("2013-01").assign(noted="2013-02-01 00:00:00"))
    take_in("fares", NOON)
    table.run("UPDATE rides SET noted = '2013-03-01 00:00:00', fare = 7 WHERE ride = 5")
    table.write(table.rides("2013-02").assign(noted="2013-03-01 00:00:00"))
    [result] = take_in("fares", NOON)
    assert result.outcome is BatchOutcome.QUARANTINED
    told = {one.clause: one.message for one in result.violations}
    assert "1 of 953 rows repeat a key, 0.10%; allowed are 0.00%" in told["duplicates"]
    assert outcomes() == []


def test_of_two_runs_at_once_one_takes_a_batch_in_even_if_they_read_other_rows(table: RideTable) -> None:
    [arrival] = list_arrivals("fares", None, NOON)
    slower = stage_arrival(arrival)
    table.run("UPDATE rides SET noise = 1.5 WHERE ride = 7")
    assert outcomes() == [BatchOutcome.ACCEPTED]
    with pytest.raises(Exception, match="was already done: accepted as part"):
        claim_batch(arrival, slower, "another run")
    assert len(taken()) == 1000


def test_a_batch_whose_predecessor_was_not_taken_in_waits_for_it(table: RideTable) -> None:
    table.write(table.rides("2013-02"))
    first, second = list_arrivals("fares", None, NOON)
    with pytest.raises(Exception, match="is being done"):
        claim_batch(second, stage_arrival(second), "a run whose first batch failed")
    assert ledger().list_claims() == []
    claim_batch(first, stage_arrival(first), "a run")


def test_a_schedule_asks_once_for_each_time_and_records_what_was_left(table: RideTable) -> None:
    table.run("INSERT INTO rides (fare) VALUES (1.0)")
    assert find_source_due("fares", NOON) == NOON
    assert find_why_not("fares", IngestReason.SCHEDULE, NOON) is None
    finish_ingest("fares", None, len(take_in("fares", NOON)), NOON)
    assert table.home.facts("fares", SourceAsked) == [SourceAsked(1, waiting=54, unmarked=1)]
    assert find_source_due("fares", NOON + timedelta(minutes=59)) is None
    assert find_source_due("fares", NOON + timedelta(minutes=60)) is not None


def test_lost_bytes_come_back_from_the_database_as_long_as_it_has_the_same_rows(table: RideTable) -> None:
    take_in("fares", NOON)

    def lose() -> None:
        for path in [*table.home.path.glob("data/fares/*"), *table.home.path.glob("**/files/md5/*/*")]:
            path.unlink()

    lose()
    assert restore_dataset("fares", NOON) == current_dataset("fares")
    lose()
    table.run("UPDATE rides SET fare = 0 WHERE ride = 3")
    with pytest.raises(LostPartError, match=r"ride=\.\.999\.parquet is lost: .*its source now gives"):
        restore_dataset("fares", NOON)


def test_a_fresh_ledger_over_an_adopted_dataset_goes_on_where_it_ends(table: RideTable) -> None:
    take_in("fares", NOON)
    ledger().close()
    for path in table.home.path.glob("var/ledger.sqlite*"):
        path.unlink()
    from millrace.steps import stores

    stores._open_ledger.cache_clear()
    restore_dataset("fares", NOON)
    assert find_watermark("fares") == 999
    table.write(table.rides("2013-02"))
    assert outcomes() == [BatchOutcome.ACCEPTED]


def test_the_doctor_asks_the_database(table: RideTable) -> None:
    def found() -> tuple[Health, str]:
        [one] = [one for one in examine() if one.subject == "sources"]
        return one.health, one.finding

    assert found() == (Health.OK, "the databases of fares answer their queries")
    table.run("DROP TABLE rides")
    health, finding = found()
    assert health is Health.WRONG
    assert "no such table: rides" in finding


def test_a_database_that_is_gone_says_where_it_was(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2")
    home.add_model("fares")
    url = "postgresql://reader:${SHOP_PASSWORD}@127.0.0.1:1/shop"
    sql = f'sql = {{ url = "{url}", query = "SELECT 1", watermark = "ride", batch_rows = 10 }}'
    home.rewrite("fares", 'source = "python"', f'source = "sql"\n{sql}')
    with pytest.raises(DatabaseUnavailableError, match=r"reader:\*\*\*@127\.0\.0\.1:1/shop") as raised:
        take_in("fares", NOON)
    assert "hunter2" not in str(raised.value)
    assert not issubclass(QueryRefusedError, DatabaseUnavailableError)


def test_days_are_taken_in_when_they_are_over(home: Home, tmp_path: Path) -> None:
    table = RideTable.make(home, empty_file(tmp_path / "s.sqlite"), watermark="noted")
    rides = table.rides("2013-01")
    table.write(rides.assign(noted=["2013-03-31"] * 600 + ["2013-04-01"] * 454))
    assert [one.rows for one in take_in("fares", NOON)] == [600]
    table.write(rides.iloc[:100].assign(ride=range(7000, 7100), noted="2013-04-01"))
    assert [one.rows for one in take_in("fares", datetime(2013, 4, 2, tzinfo=UTC))] == [554]


def test_a_row_that_comes_later_within_the_same_second_is_not_lost(home: Home, tmp_path: Path) -> None:
    table = RideTable.make(home, empty_file(tmp_path / "s.sqlite"), watermark="noted")
    rides, second = table.rides("2013-01"), f"{NOON:%Y-%m-%d %H:%M:%S}"
    table.write(rides.iloc[:600].assign(noted="2013-03-01 00:00:00"))
    table.write(rides.iloc[600:700].assign(noted=second))
    assert [one.rows for one in take_in("fares", NOON)] == [600]
    table.write(rides.iloc[700:1054].assign(noted=second))
    table.write(table.rides("2013-02").iloc[:100].assign(noted=second))
    assert [one.rows for one in take_in("fares", NOON + timedelta(seconds=1))] == [554]


def test_rows_that_came_late_are_told_until_a_day_of_batches_has_gone_by(table: RideTable) -> None:
    take_in("fares", NOON)
    assert count_late("fares") == 0
    table.write(table.rides("2013-01").iloc[:3].assign(ride=[5, 6, 998]))
    finish_ingest("fares", None, len(take_in("fares", NOON)), NOON)
    assert table.home.facts("fares", SourceAsked)[-1] == SourceAsked(0, waiting=54, late=3)
    table.write(table.rides("2013-02"))
    assert outcomes() == [BatchOutcome.ACCEPTED]
    assert count_late("fares") == 3
    table.write(table.rides("2013-03").assign(distance_km=1e6))
    assert outcomes() == [BatchOutcome.QUARANTINED]
    assert count_late("fares") == 3


def test_days_written_without_hyphens_are_taken_in_when_they_are_over(home: Home, tmp_path: Path) -> None:
    table = RideTable.make(home, empty_file(tmp_path / "s.sqlite"), watermark="noted")
    rides = table.rides("2013-01")
    table.write(rides.assign(noted=["20130331"] * 600 + ["20130401"] * 454))
    assert [one.upto for one in look_at_database("fares", NOON).ranges] == ["20130331"]


def test_a_watermark_in_the_future_waits_is_told_and_does_not_end_the_source(
    home: Home, tmp_path: Path
) -> None:
    table = RideTable.make(home, empty_file(tmp_path / "s.sqlite"), watermark="noted")
    rides = table.rides("2013-01")
    table.write(rides.iloc[:600].assign(noted="2013-03-01 00:00:00"))
    table.write(rides.iloc[600:601].assign(noted="2099-01-01 00:00:00"))
    finish_ingest("fares", None, len(take_in("fares", NOON)), NOON)
    assert table.home.facts("fares", SourceAsked) == [SourceAsked(1, ahead=1)]
    table.write(table.rides("2013-02").assign(noted="2013-03-02 00:00:00"))
    assert [one.rows for one in take_in("fares", NOON)] == [952]
