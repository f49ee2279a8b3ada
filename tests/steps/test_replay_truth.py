"""What a replay may know, and by which rows it may score: never the future, never what is not true."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from millrace.adapters.models import change_section, load_source
from millrace.domain.decision import Reason
from millrace.domain.facts import BatchAccepted, BatchQuarantined, DecisionMade, WindowMonitored
from millrace.errors import ModelFileError
from millrace.steps.batch import BatchOutcome
from millrace.steps.release import release_batch
from millrace.steps.replay.history import History, prepare_history
from millrace.steps.replay.plan import NoReplayError, Plan, entered, plan_replay
from millrace.steps.replay.run import run_replay
from millrace.steps.stores import ledger
from tests.conftest import Home
from tests.loop import take_in

MODEL = "tolls"
START, UNTIL = datetime(2013, 2, 4, tzinfo=UTC), datetime(2013, 3, 18, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
ROWS_A_WEEK = 7 * 48


@pytest.fixture
def tolls(home: Home) -> Home:
    """A fresh installation with a model whose source has a batch for each week."""
    home.add_model(MODEL)
    return home


def plan(*policies: str, until: datetime = UNTIL, every: timedelta = WEEK) -> Plan:
    return plan_replay(MODEL, START, until, every, policies)


def entries_of(made: Plan, policy: str, *kinds: type) -> list[object]:
    with entered(made.folder / "policies" / policy):
        return [entry.fact for entry in ledger().entries(MODEL, kinds)]


def rewrite_source(home: Home, old: str, new: str) -> None:
    path = home.models / MODEL / "source.py"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def rows_of(history: History, bounds: int) -> int:
    frames = [history.rows_of(stretch) for stretch in range(bounds - 1)]
    return sum(len(rows) for rows in frames if rows is not None)


def assert_nothing_is_early(history: History) -> None:
    for one in history.comings:
        assert pd.read_parquet(one.file)["at"].max() < pd.Timestamp(one.at), one.batch


def test_a_long_batch_of_a_source_comes_when_the_source_has_it_and_not_before(tolls: Home) -> None:
    source = load_source(tolls.models, MODEL)
    whole = pd.concat([source.read_batch(name) for name in source.list_batches(START + 4 * WEEK)])
    whole.to_parquet(tolls.path / "whole.parquet", index=False)
    path = tolls.models / MODEL / "source.py"
    path.write_text(
        "from datetime import UTC, datetime\nimport pandas as pd\n"
        f"def list_batches(now):\n    return ['all'] if now >= {START + 5 * WEEK!r} else []\n".replace(
            "datetime.datetime", "datetime"
        ).replace("datetime.timezone.utc", "UTC")
        + f"def read_batch(name):\n    return pd.read_parquet({str(tolls.path / 'whole.parquet')!r})\n",
        "utf-8",
    )
    history = prepare_history(plan(until=START + 6 * WEEK, every=DAY))
    assert [(one.batch, one.at) for one in history.comings] == [("all", START + 5 * WEEK)]
    assert history.told.early == ()


def test_a_source_that_names_everything_at_once_does_not_hand_over_the_future(tolls: Home) -> None:
    rewrite_source(
        tolls, "return [name for number, name in enumerate(NAMES) if", "return list(NAMES) or [0 if"
    )
    rewrite_source(tolls, "<= now]", "<= now else 1 for number in range(9)]")
    made = plan(until=START + 3 * WEEK)
    history = prepare_history(made)
    assert_nothing_is_early(history)
    assert [one.at for one in history.comings] == [START] * 4 + [
        START + number * WEEK for number in (1, 2, 3)
    ]
    assert history.told.early == tuple(f"week-{number:02}" for number in range(4, 10))
    assert run_replay(made).asked.early == history.told.early


def test_a_long_batch_that_a_source_names_too_early_comes_in_slices(tolls: Home) -> None:
    rewrite_source(tolls, "return [name for number, name in enumerate(NAMES) if", "return ['all'] or [0 if")
    rewrite_source(tolls, "<= now]", "<= now else 1 for number in range(9)]")
    rewrite_source(
        tolls,
        "    if name not in NAMES:",
        "    if name == 'all':\n        return pd.concat(map(read_batch, NAMES))\n    if name not in NAMES:",
    )
    history = prepare_history(plan())
    assert_nothing_is_early(history)
    assert (len(history.comings), history.told.early) == (7, ("all",))


def test_rows_that_the_models_own_contract_refuses_decide_nothing(tolls: Home) -> None:
    tolls.rewrite(MODEL, 'type = "float", max_null_share', 'type = "float", max = 500, max_null_share')
    spoilt = "cost = cost * (1000 if name == 'week-05' else 1)\n    return pd.DataFrame("
    rewrite_source(tolls, "return pd.DataFrame(", spoilt)
    result = run_replay(plan(until=START + 3 * WEEK))
    [refused] = result.asked.refused
    assert (refused.batch, refused.rows) == ("week-05", ROWS_A_WEEK)
    assert refused.why.startswith("fare: ")
    assert result.rows == result.asked.rows == 2 * ROWS_A_WEEK
    assert max(one.loss or 0.0 for one in result.policies) < 30.0


def test_what_somebody_let_in_is_learned_from_again_unless_a_policy_judges_batches_otherwise(
    tolls: Home,
) -> None:
    tolls.rewrite(MODEL, 'type = "float", max_null_share', 'type = "float", max = 500, max_null_share')
    one_odd = "cost[:1] = 501 if name == 'week-05' else cost[:1]\n    return pd.DataFrame("
    rewrite_source(tolls, "return pd.DataFrame(", one_odd)
    [quarantined] = [one for one in take_in(MODEL, UNTIL) if one.outcome is BatchOutcome.QUARANTINED]
    release_batch(MODEL, quarantined.digest, "it was that dear", "by hand", UNTIL)
    strict = tolls.path / "strict.toml"
    strict.write_text("[contract]\nmin_rows = 2\n", "utf-8")
    made = plan("own", str(strict), until=START + 3 * WEEK)
    run_replay(made)
    accepted = [one for one in entries_of(made, "own", BatchAccepted) if isinstance(one, BatchAccepted)]
    assert {one.part.batch: one.release_reason for one in accepted if one.release_reason} == {
        "week-05": "released when it happened"
    }
    assert entries_of(made, "own", BatchQuarantined) == []
    [refused] = entries_of(made, "strict", BatchQuarantined)
    assert isinstance(refused, BatchQuarantined)
    assert refused.batch == "week-05"


def test_nobody_delivers_in_a_replay_so_nobody_is_judged_for_it(tolls: Home) -> None:
    path = tolls.models / MODEL / "model.toml"
    path.write_text(path.read_text("utf-8") + DELIVERY, "utf-8")
    made = plan(until=START + 2 * WEEK)
    run_replay(made)
    assert entries_of(made, "own", BatchQuarantined) == []
    [first, *later] = [
        one for one in entries_of(made, "own", BatchAccepted) if isinstance(one, BatchAccepted)
    ]
    assert first.unjudged == ("volume: 0 of 20 batches",)  # what is asked of rows is asked as ever
    assert len(later) > 3


DELIVERY = """
[poisoning.provenance]
batches = ["never.csv"]
actors = ["nobody"]
digest_needed = true

[poisoning.quota]
sources = ["*"]
max_rows_per_day = 1
max_dataset_share = 1.0
share_from_rows = 1

[poisoning.volume]
min_batches = 20
last_batches = 40
false_alarms = 0.01
"""


def test_a_last_step_that_is_shorter_keeps_no_schedule_twice(tolls: Home) -> None:
    fridays = "0 6 * * 5"
    retrain = {"schedule": fridays, "min_new_rows": 10_000, "cooldown": "1m", "budget_per_day": 9}
    change_section(tolls.models, MODEL, "retrain", retrain)
    change_section(tolls.models, MODEL, "monitor", {"schedule": fridays})
    made = plan(until=START + 2 * WEEK + DAY)
    run_replay(made)
    looks = [one for one in entries_of(made, "own", WindowMonitored) if isinstance(one, WindowMonitored)]
    assert [one.end for one in looks] == [START + WEEK, START + 2 * WEEK]
    decisions = [one for one in entries_of(made, "own", DecisionMade) if isinstance(one, DecisionMade)]
    assert [one.asked.count(Reason.SCHEDULE) for one in decisions].count(1) == 2


def test_a_slice_that_the_contract_refuses_takes_no_other_with_it(tolls: Home) -> None:
    source = load_source(tolls.models, MODEL)
    weeks = [source.read_batch(name) for name in source.list_batches(UNTIL)]
    weeks[6]["fare"] *= 1000
    everything = tolls.path / "everything.parquet"
    pd.concat([*weeks, weeks[5]]).to_parquet(everything, index=False)
    tolls.rewrite(MODEL, 'source = "python"', 'source = "files"\ninbox = "inbox/tolls/*.parquet"')
    tolls.rewrite(MODEL, "max_duplicate_share = 0.0", "max_duplicate_share = 0.5")
    take_in(MODEL, UNTIL, [everything])
    tolls.rewrite(MODEL, "max_duplicate_share = 0.5", "max_duplicate_share = 0.0")
    tolls.rewrite(MODEL, 'type = "float", max_null_share', 'type = "float", max = 500, max_null_share')
    made = plan()
    history = prepare_history(made)
    refused = {one.batch[-16:-6]: one.rows for one in history.told.refused}
    assert refused == {"2013-02-18": 2 * ROWS_A_WEEK, "2013-02-25": ROWS_A_WEEK}
    assert rows_of(history, len(made.bounds)) == 4 * ROWS_A_WEEK


def test_rows_without_a_label_are_counted(tolls: Home) -> None:
    nulls = 'rows["fare"] = rows["fare"].where(rows.index % 48 != 0)\n    return rows'
    rewrite_source(tolls, "return pd.DataFrame(", "rows = pd.DataFrame(")
    path = tolls.models / MODEL / "source.py"
    path.write_text(path.read_text("utf-8") + f"    {nulls}\n", "utf-8")
    asked = run_replay(plan(until=START + 2 * WEEK)).asked
    assert (asked.rows, asked.unlabelled, asked.unknown) == (2 * ROWS_A_WEEK, 2 * 7, 0)


def test_policies_of_other_estimators_are_other_replays_as_their_packages_are(tolls: Home) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("millrace.steps.replay.plan.training_environment", lambda name: {"of": name})
        found = plan().folder
        patch.setattr(
            "millrace.steps.replay.plan.training_environment",
            lambda name: {"of": name + " of another version"},
        )
        assert plan().folder != found
        patch.undo()
        before = plan().folder
        patch.setattr("millrace.steps.replay.plan.digest_of_files", lambda _folder: "other code")
        assert plan().folder != before


@pytest.mark.parametrize(
    ("estimator", "told"),
    [
        ("lightgm", r"bad\.toml: training\.estimator: found 'lightgm', did you mean 'lightgbm'\?"),
        ("nope", r"bad\.toml: training\.estimator: found 'nope', allowed: .*'pipeline:build'"),
        ("pipeline:nope", r"bad\.toml: training\.estimator: found 'pipeline:nope', .*there is no such file"),
    ],
)
def test_an_estimator_that_is_not_there_is_told_by_the_policys_file(
    tolls: Home, estimator: str, told: str
) -> None:
    file = tolls.path / "bad.toml"
    file.write_text(f'[training]\nestimator = "{estimator}"\n', "utf-8")
    with pytest.raises(ModelFileError, match=told):
        plan(str(file))


def test_a_folder_is_no_policy(tolls: Home) -> None:
    folder = tolls.path / "weekly.toml"
    folder.mkdir()
    with pytest.raises(ModelFileError, match=r"weekly\.toml: cannot be read: Is a directory"):
        plan(str(folder))


@pytest.mark.parametrize("name", ["own", "always", "never"])
def test_a_file_cannot_have_the_name_of_a_policy_without_one(tolls: Home, name: str) -> None:
    file = tolls.path / f"{name}.toml"
    file.write_text("[retrain]\nmin_new_rows = 5\n", "utf-8")
    with pytest.raises(NoReplayError, match=rf"a policy in {name}\.toml.*give yours another name"):
        plan(str(file))


def test_a_clock_of_too_many_steps_is_refused(tolls: Home) -> None:
    with pytest.raises(NoReplayError, match=r"found 3,628,800 steps of 0:00:01, at most 100,000"):
        plan(every=timedelta(seconds=1))


def test_the_steps_of_the_clock_are_counted_once(tolls: Home) -> None:
    made = plan()
    assert made.bounds is made.bounds


def test_a_range_that_is_refused_leaves_no_copies(tolls: Home) -> None:
    year = timedelta(days=365)
    made = plan_replay(MODEL, START + year, UNTIL + year, WEEK, [])
    with pytest.raises(NoReplayError, match="no row between"):
        run_replay(made)
    assert not made.folder.exists()
