"""Is a champion's health what its log, its bundle, its dataset and the ledger say?"""

from datetime import datetime, timedelta

import pytest

from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.segment import list_segments
from millrace.domain.monitoring.findings import Watched
from millrace.domain.monitoring.window import Window
from millrace.domain.verdict import Outcome, Verdict
from millrace.settings import load_settings
from millrace.steps.monitoring.health import check_health, check_health_of
from tests.conftest import NOON, Home
from tests.steps.monitored import END, MODEL, SECTIONS, answers_to, asked, log, rides, watch

DAY = timedelta(days=1)


def checked(digest: str, now: datetime = END) -> dict[str, Verdict]:
    return {one.rule: one for one in check_health_of(MODEL, digest, NOON, END, now)}


def test_a_champion_in_good_health_passes(published: Home) -> None:
    digest, rows = watch(published), rides()
    compact(log(asked(digest, rows, answers_to(rows))))
    found = checked(digest)
    assert [*found] == [Watched.SKEW, Watched.LATENCY, Watched.ERRORS, Watched.STALENESS]
    assert {one.outcome for one in found.values()} == {Outcome.PASS}
    told = found[Watched.SKEW].reason
    assert "0 of 1000 rows answered otherwise" in told
    assert "0 of 1000 rows have other inputs in the dataset" in told
    assert found[Watched.STALENESS].reason.startswith("the champion is 20 days old of 30 allowed")
    assert check_health(MODEL, Window(digest, NOON, END, NOON, END), END) == tuple(found.values())


def test_good_health_is_doubted_where_a_part_of_the_log_is_gone(published: Home) -> None:
    digest, rows = watch(published), rides()
    folder = log(asked(digest, rows, answers_to(rows)), asked(digest, rows[:20], answers_to(rows[:20])))
    [segment] = list_segments(folder)
    segment.write_bytes(segment.read_bytes()[:-100])
    found = checked(digest)
    assert found[Watched.STALENESS].outcome is Outcome.PASS
    assert {found[one].outcome for one in (Watched.SKEW, Watched.LATENCY, Watched.ERRORS)} == {
        Outcome.INCONCLUSIVE
    }


def test_a_champion_that_nobody_has_replaced_is_stale(published: Home) -> None:
    digest = watch(published)
    assert checked(digest, NOON + 31 * DAY)[Watched.STALENESS].outcome is Outcome.FAIL
    never = checked("f" * 64)[Watched.STALENESS]
    assert never.outcome is Outcome.INCONCLUSIVE
    assert "found no promotion of it in the ledger" in never.reason


def test_slow_requests_and_lost_rows_fail(published: Home) -> None:
    digest, rows = watch(published), rides()
    answers = answers_to(rows)
    log(
        asked(digest, rows[200:], answers[200:], latency_us=50_000),
        asked(digest, rows[:200], [None] * 200, error="ValueError"),
    )
    found = checked(digest)
    assert found[Watched.LATENCY].outcome is Outcome.FAIL
    assert "p95 50 ms, 1800 of 1800 requests slower than 10 ms" in found[Watched.LATENCY].reason
    assert found[Watched.ERRORS].outcome is Outcome.FAIL
    assert "200 of 2000 rows without an answer" in found[Watched.ERRORS].reason


def test_answers_that_training_would_not_give_are_skew(published: Home) -> None:
    digest, rows = watch(published), rides()
    log(asked(digest, rows, [answer + 1.0 for answer in answers_to(rows)]))
    found = checked(digest)[Watched.SKEW]
    assert found.outcome is Outcome.FAIL
    assert "1000 of 1000 rows answered otherwise by the pipeline of training, at most by 1" in found.reason


def test_a_feature_that_is_computed_otherwise_online_is_skew(published: Home) -> None:
    digest, rows = watch(published), rides()
    in_miles = rows.assign(distance_km=rows["distance_km"] / 1.609)
    log(asked(digest, in_miles, answers_to(in_miles)))
    found = checked(digest)[Watched.SKEW]
    assert found.outcome is Outcome.FAIL
    assert "0 of 1000 rows answered otherwise" in found.reason
    assert "1000 of 1000 rows have other inputs in the dataset (distance_km 1000)" in found.reason


def test_a_key_with_a_time_finds_its_rows(published: Home) -> None:
    published.rewrite(MODEL, 'key = ["ride"]', 'key = ["ride", "at"]')
    digest, rows = watch(published), rides()
    told = rows.assign(at=[moment.isoformat() for moment in rows["at"]])
    log(asked(digest, told, answers_to(rows), columns=("ride", "at", "distance_km", "tariff")))
    found = checked(digest)[Watched.SKEW]
    assert "0 of 1000 rows have other inputs in the dataset" in found.reason
    assert found.outcome is Outcome.PASS


def test_rows_that_the_dataset_does_not_have_are_asked_again_all_the_same(published: Home) -> None:
    digest, rows = watch(published), rides()
    rows = rows.assign(ride=rows["ride"] + 1_000_000)
    log(asked(digest, rows, answers_to(rows)))
    found = checked(digest)[Watched.SKEW]
    assert found.outcome is Outcome.PASS
    assert found.reason.endswith("no row of the log stands in the dataset")


def test_inputs_that_could_not_be_compared_because_something_broke_are_no_pass(published: Home) -> None:
    digest, rows = watch(published), rides()
    log(asked(digest, rows, answers_to(rows)))
    for part in (load_settings().data / MODEL).glob("*.parquet"):
        part.unlink()
    found = checked(digest)[Watched.SKEW]
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "0 of 1000 rows answered otherwise" in found.reason
    assert "inputs not compared: MissingPartError: " in found.reason


@pytest.mark.parametrize("hidden", ["hash", "leave_out"])
def test_columns_that_the_log_hides_are_named(published: Home, hidden: str) -> None:
    serving = f'\n[serving]\ndurability = "fast"\n{hidden} = ["noise", "ride"]\n'
    digest, rows = watch(published, SECTIONS + serving), rides()
    log(asked(digest, rows, answers_to(rows)))
    found = checked(digest)[Watched.SKEW]
    assert "inputs not compared: NoKeyError: found no readable ride in the log" in found.reason


def test_a_model_whose_only_feature_is_hidden_cannot_be_compared(published: Home) -> None:
    serving = '\n[serving]\ndurability = "fast"\nleave_out = ["distance_km"]\n'
    digest, rows = watch(published, SECTIONS + serving), rides()
    log(asked(digest, rows, answers_to(rows), columns=("ride", "tariff")))
    found = checked(digest)[Watched.SKEW]
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "found no readable distance_km in the log" in found.reason
    assert found.reason.endswith("not in the log: distance_km")


def test_a_row_that_training_cannot_read_is_skew_and_ends_nothing(published: Home) -> None:
    digest, rows = watch(published), rides()
    far = rows.assign(distance_km="far")
    log(asked(digest, far, answers_to(rows)))
    found = checked(digest)
    assert found[Watched.SKEW].outcome is Outcome.FAIL
    assert found[Watched.ERRORS].outcome is Outcome.PASS


def test_of_an_empty_log_and_one_that_cannot_be_read_nothing_passes(published: Home) -> None:
    digest, rows = watch(published), rides()
    watched = (Watched.SKEW, Watched.LATENCY, Watched.ERRORS)
    found = checked(digest)
    assert {found[one].outcome for one in watched} == {Outcome.INCONCLUSIVE}
    folder = log(asked(digest, rows, answers_to(rows)))
    compact(folder)
    for file in folder.rglob("*.parquet"):
        file.write_bytes(b"PAR1")
    found = checked(digest)
    assert {found[one].outcome for one in watched} == {Outcome.INCONCLUSIVE}
    assert found[Watched.SKEW].reason.startswith("UnreadableLogError: ")
    assert found[Watched.ERRORS].reason.startswith("no row was asked; but ")
    assert found[Watched.ERRORS].reason.endswith(" places of the log could not be read")
    assert found[Watched.STALENESS].outcome is Outcome.PASS


def test_nobody_asks_and_nothing_is_judged(published: Home) -> None:
    assert check_health_of(MODEL, "a" * 64, NOON, END, END) == ()
