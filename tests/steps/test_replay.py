"""History under several policies: what the planted truth says must come of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from millrace.adapters.models import change_section, load_source
from millrace.domain.facts import Action, BatchAccepted, BatchQuarantined, DecisionMade, WindowMonitored
from millrace.domain.replay import PolicyResult, ReplayResult
from millrace.domain.replay.comparison import NEVER
from millrace.errors import ModelFileError
from millrace.steps.replay.history import prepare_history
from millrace.steps.replay.plan import NoReplayError, Plan, entered, plan_replay
from millrace.steps.replay.run import ReplayRunningError, _alone, run_replay
from millrace.steps.stores import ledger
from tests.conftest import Home
from tests.loop import take_in

MODEL, TOLL = "tolls", 20.0
LUCK = 0.8
"""The mean error that nobody can avoid: of a normal deviation of 1."""
FRESH = '[training]\nwindow = "14d"\n'
START, UNTIL = datetime(2013, 2, 4, tzinfo=UTC), datetime(2013, 3, 18, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def tolls(home: Home) -> Home:
    """A fresh installation with a model whose truth changes two weeks after `START`."""
    home.add_model(MODEL)
    return home


def write_policy(home: Home, name: str, text: str) -> str:
    path = home.path / f"{name}.toml"
    path.write_text(text, "utf-8")
    return str(path)


def plan(*policies: str, until: datetime = UNTIL, every: timedelta = WEEK) -> Plan:
    return plan_replay(MODEL, START, until, every, policies)


def by_name(result: ReplayResult) -> dict[str, PolicyResult]:
    return {one.policy: one for one in result.policies}


def entries_of(made: Plan, policy: str, *kinds: type) -> list[object]:
    with entered(made.folder / "policies" / policy):
        return [entry.fact for entry in ledger().entries(MODEL, kinds)]


@pytest.fixture(scope="module")
def compared(
    tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path
) -> tuple[ReplayResult, set[str]]:
    """The replay of two policies that differ in what they learn from, and the files that it has left."""
    home = Home.make(tmp_path_factory.mktemp("compared"), catalogue_template)
    with pytest.MonkeyPatch.context() as patch:
        home.enter(patch)
        home.add_model(MODEL)
        result = run_replay(plan(write_policy(home, "fresh", FRESH), "own"))
        assert ledger().head() is None
    return result, {path.name for folder in (home.path, home.path / "var") for path in folder.iterdir()}


def test_who_forgets_the_old_price_sooner_loses_less_and_who_never_learns_loses_the_toll(
    compared: tuple[ReplayResult, set[str]],
) -> None:
    result, _ = compared
    found = by_name(result)
    fresh, own, never = found["fresh"], found["own"], found[NEVER]
    assert list(found) == ["fresh", "own", NEVER]
    assert (result.rows, fresh.trainings, own.trainings) == (6 * 7 * 48, 7, 7)
    assert never.loss == pytest.approx(LUCK + (TOLL - LUCK) * 4 / 6, abs=0.4)
    # two weeks pass before most judged days have the toll; then it is learned at once
    assert fresh.loss == pytest.approx(LUCK + (TOLL - LUCK) * 2 / 6, abs=0.5)
    assert fresh.loss < own.loss < never.loss
    assert (never.trainings, never.promotions, never.refusals) == (1, 1, 0)
    assert fresh.trained_rows < own.trained_rows / 3


def test_the_installation_stays_as_it_is(compared: tuple[ReplayResult, set[str]]) -> None:
    _, left = compared
    databases = {"catalogue.sqlite", "ledger.sqlite", "ledger.sqlite-shm", "ledger.sqlite-wal"}
    assert left - databases == {"var", "replays", "fresh.toml"}


def test_loss_grows_with_age_by_the_toll_and_whoever_served_then_shows_what_of_it_is_age(
    compared: tuple[ReplayResult, set[str]],
) -> None:
    found = by_name(compared[0])
    ages = {one.weeks: one for one in found["fresh"].ages}
    assert (ages[0].champions, ages[1].champions, ages[5].champions) == (3, 2, 1)
    assert ages[5].loss == pytest.approx(TOLL, abs=0.3)
    assert (ages[5].fresh, ages[5].served) == pytest.approx((LUCK, LUCK), abs=0.1)
    assert all(one.loss == one.served for one in found[NEVER].ages)


def test_each_row_is_scored_by_the_champion_of_its_time(compared: tuple[ReplayResult, set[str]]) -> None:
    fresh = by_name(compared[0])["fresh"]
    losses = {f"{one.at:%m-%d}": one.loss for one in fresh.happenings}
    assert losses["02-04"] is None
    # who was trained on what was known on 03-04 answers from then on; the week before was the old one's
    assert losses["03-04"] == pytest.approx(TOLL, abs=0.5)
    assert losses["03-11"] == pytest.approx(1.0, abs=0.4)
    assert [one.rows for one in fresh.stretches] == [7 * 48] * 6


def test_what_was_played_is_not_played_again_and_another_policy_is_another_replay(tolls: Home) -> None:
    first = plan()
    result = run_replay(first)
    entries = entries_of(first, "own")
    assert run_replay(plan()) == result
    assert entries_of(first, "own") == entries
    patient = write_policy(tolls, "own2", "[retrain]\nmin_new_rows = 600\n")
    folders = [
        plan().folder,
        plan(patient).folder,
        plan(until=UNTIL - WEEK).folder,
        plan(every=WEEK / 7).folder,
    ]
    write_policy(tolls, "own2", "[retrain]\nmin_new_rows = 601\n")
    folders.append(plan(patient).folder)
    tolls.rewrite(MODEL, "min_new_rows = 200", "min_new_rows = 201")
    folders.append(plan().folder)
    assert len(set(folders)) == len(folders)


def test_a_stop_in_the_middle_of_a_step_changes_nothing(tolls: Home) -> None:
    whole = plan()
    wanted = run_replay(whole)
    done = whole.home_of(whole.policies[0]) / "done"
    for at in whole.bounds[1:5:2]:  # as if it had been stopped before the next step was noted
        done.write_text(at.isoformat(), "utf-8")
        again = run_replay(whole)
        assert again == wanted


def test_a_batch_of_many_months_arrives_step_by_step_and_by_as_many_rows_as_its_contract_asks_for(
    tolls: Home,
) -> None:
    source = load_source(tolls.models, MODEL)
    weeks = [source.read_batch(name) for name in source.list_batches(UNTIL)]
    everything = tolls.path / "everything.parquet"
    pd.concat(weeks).to_parquet(everything, index=False)
    tolls.rewrite(MODEL, 'source = "python"', 'source = "files"\ninbox = "inbox/tolls/*.parquet"')
    take_in(MODEL, UNTIL, [everything])
    made = plan(until=START + 3 * WEEK, every=timedelta(days=1))
    comings = prepare_history(made).comings
    assert comings[0].at == START
    assert {later.at - sooner.at for sooner, later in pairwise(comings[1:])} == {timedelta(days=3)}
    result = run_replay(made)
    accepted = entries_of(made, "own", BatchAccepted)
    assert [one.part.rows for one in accepted if isinstance(one, BatchAccepted)] == [28 * 48] + [3 * 48] * 7
    assert by_name(result)["own"].trainings == 1 + 3  # two slices are 200 rows


def test_a_batch_that_breaks_the_policys_contract_is_refused_and_its_rows_are_asked_all_the_same(
    tolls: Home,
) -> None:
    strict = write_policy(tolls, "strict", "[contract.columns.fare]\nmax = 100\n")
    made = plan(strict)
    found = by_name(run_replay(made))["strict"]
    quarantined = entries_of(made, "strict", BatchQuarantined)
    assert found.quarantines == len(quarantined) > 0
    assert found.loss is not None


def test_looks_find_the_drift_that_is_in_history_and_it_is_answered(tolls: Home) -> None:
    change_section(tolls.models, MODEL, "monitor", {"schedule": "0 0 * * *"})
    performance = {"min_labels": 100, "max_excess_loss": 2.0, "confidence": 0.95, "windows": 1}
    change_section(tolls.models, MODEL, "performance", performance)
    change_section(
        tolls.models, MODEL, "retrain", {"min_new_rows": 10_000, "cooldown": "1h", "budget_per_day": 4}
    )
    made = plan()
    found = by_name(run_replay(made))["own"]
    looks = [one for one in entries_of(made, "own", WindowMonitored) if isinstance(one, WindowMonitored)]
    assert [look.rows for look in looks] == [7 * 48] * 6
    assert [look.decay is None for look in looks[:2]] == [True, True]
    assert looks[2].decay is not None
    assert looks[2].decay.loss == pytest.approx(TOLL, abs=0.5)
    assert (found.looks, found.detected) == (6, sum(look.decay is not None for look in looks))
    decisions = [one for one in entries_of(made, "own", DecisionMade) if isinstance(one, DecisionMade)]
    answered = [one for one in decisions if one.answers and one.action is Action.TRAIN]
    assert {asked for one in answered for asked in one.asked} == {"decay"}

    last = entries_of(made, "own", WindowMonitored)
    (made.home_of(made.policies[0]) / "done").write_text(made.bounds[-2].isoformat(), "utf-8")
    assert by_name(run_replay(made))["own"] == found  # the last look, taken already, is not taken again
    assert entries_of(made, "own", WindowMonitored) == last


def test_a_model_without_time_has_no_history(home: Home) -> None:
    with pytest.raises(NoReplayError, match=r"progression cannot be replayed: found no time column"):
        plan_replay("progression", START, UNTIL, WEEK, [])


def test_a_replay_that_ends_before_it_begins_is_refused(tolls: Home) -> None:
    with pytest.raises(NoReplayError, match="--to must come after --from"):
        plan_replay(MODEL, UNTIL, START, WEEK, [])


def test_a_range_without_a_row_says_where_there_are_some(tolls: Home) -> None:
    year = timedelta(days=365)
    made = plan_replay(MODEL, START + year, UNTIL + year, WEEK, [])
    with pytest.raises(
        NoReplayError, match="no row between 2014-02-04 and 2014-03-18; its rows are of 2013-01-07"
    ):
        run_replay(made)


def test_a_model_that_has_taken_nothing_in_yet_says_what_to_do(tolls: Home) -> None:
    tolls.rewrite(MODEL, 'source = "python"', 'source = "files"\ninbox = "inbox/tolls/*.parquet"')
    with pytest.raises(NoReplayError, match=r"no accepted batch.*`millrace ingest tolls`"):
        run_replay(plan())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[retrain]\nmin_new_row = 5\n",
            r"bad\.toml: retrain\.min_new_row: unknown key, did you mean 'min_new_rows'",
        ),
        ("[retrain]\nmin_new_rows = -1\n", r"bad\.toml: retrain\.min_new_rows: found -1"),
        ("[retrian]\nmin_new_rows = 1\n", r"bad\.toml: retrian: unknown key, did you mean 'retrain'"),
        ("[rollout]\nweights = [5]\n", r"bad\.toml: rollout: a policy cannot change it"),
        ("[retrain\n", r"bad\.toml: not valid TOML"),
    ],
)
def test_a_bad_policy_is_told_by_its_file_and_key(tolls: Home, text: str, told: str) -> None:
    with pytest.raises(ModelFileError, match=told):
        plan(write_policy(tolls, "bad", text))


def test_two_policies_of_one_name_and_a_file_that_is_not_there_are_refused(tolls: Home) -> None:
    with pytest.raises(ModelFileError, match=r"weekly\.toml: there is no such file"):
        plan("weekly.toml")
    elsewhere = tolls.path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "weekly.toml").write_text("[retrain]\nmin_new_rows = 1\n", "utf-8")
    here = write_policy(tolls, "weekly", "[retrain]\nmin_new_rows = 2\n")
    with pytest.raises(NoReplayError, match="two policies called weekly"):
        plan(here, str(elsewhere / "weekly.toml"))


def test_two_processes_are_not_at_one_replay(tolls: Home) -> None:
    made = plan()
    with _alone(made.folder), pytest.raises(ReplayRunningError, match="another process is at this replay"):
        run_replay(made)


def test_the_policies_of_other_people_do_not_reach_the_model(tolls: Home) -> None:
    model_file = tolls.models / MODEL / "model.toml"
    before = model_file.read_bytes()
    made = plan("always")
    assert made.policies[0].content["retrain"]["min_new_rows"] == 0
    run_replay(replace(made, until=START + WEEK))
    assert model_file.read_bytes() == before
    assert Path(made.folder).is_relative_to(tolls.path / "var" / "replays")
