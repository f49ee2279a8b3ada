"""Two versions of known worth: what is told of their difference is what was planted."""

import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from millrace.cli.diff import diff
from millrace.domain.change import Change
from millrace.domain.kinds import Task
from millrace.domain.version_diff import VersionDiff
from millrace.steps.dataset import current_dataset
from millrace.steps.diff import OtherModelError, diff_versions
from millrace.steps.diff_answers import find_answers
from millrace.steps.gate.comparing import open_bundle
from millrace.steps.lineage import find_lineage
from millrace.steps.rows import split_rows
from millrace.steps.stores import model_config
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.steps.two_homes import TwoHomes, take_in_offers

MAY = NOON + timedelta(days=41)


def commit(models: Path) -> None:
    identity = ("-c", "user.name=any", "-c", "user.email=any@example.org")
    for command in (["add", "--all"], [*identity, "commit", "--quiet", "--message", "as it is"]):
        subprocess.run(["git", "-C", str(models), *command], check=True)


@pytest.fixture
def versions(fares: Home) -> tuple[str, str]:
    """The first knows the distance; the second also tariff and luggage, and April's rides."""
    subprocess.run(["git", "init", "--quiet", str(fares.models)], check=True)
    take_in("fares", NOON)
    fares.learn_from("fares", "distance_km")
    commit(fares.models)
    first = retrain("fares", NOON).trained
    take_in("fares", MAY)
    fares.learn_from("fares", "distance_km", "tariff", "luggage")
    fares.rewrite("fares", "seed = 7", "seed = 8")
    second = retrain("fares", MAY, force=True).trained
    assert first is not None
    assert second is not None
    return first.digest, second.digest


@pytest.fixture
def found(versions: tuple[str, str]) -> VersionDiff:
    return diff_versions(*versions, MAY)


def test_data_configuration_features_and_parameters_are_told_one_by_one(found: VersionDiff) -> None:
    assert found.data is not None
    assert (found.data.added, found.data.removed, found.data.trouble) == (("2013-04",), (), None)
    assert (found.data.old.rows, found.data.new.rows) == (3060, 4080)
    assert [f"{side.last_time:%m-%d}" for side in (found.data.old, found.data.new)] == ["03-31", "04-30"]
    assert found.data.old.labels == {"mean": pytest.approx(69.2, abs=0.1)}
    assert found.configuration.trouble is None
    assert found.configuration.keys == (
        Change("features.numeric", ["distance_km"], ["distance_km", "luggage"]),
        Change("features.categorical", [], ["tariff"]),
        Change("training.seed", 7, 8),
    )
    assert set(found.features.added) == {"tariff", "luggage"}
    assert (found.features.removed, found.features.changed) == ((), ())
    assert found.parameters == (Change("seed", 7, 8),)
    assert found.packages == ()


def test_the_answers_on_rows_that_neither_has_learned_from_differ_by_what_was_planted(
    found: VersionDiff,
) -> None:
    answers = found.answers
    assert answers is not None, found.answers_trouble
    # the rows of the blocks in both judged sets of May's split, that the first has not learned from either
    assert (answers.rows, answers.blocks) == (2006, 59)
    assert answers.beyond_tolerance == 1.0
    assert answers.disagreeing is None
    mae = answers.losses[0]
    # luggage and night are worth 11 in the mean; what is left is luck of a standard deviation of 1
    assert mae.metric.value == "mae"
    assert mae.champion == pytest.approx(11.1, abs=0.2)
    assert mae.changed == pytest.approx(0.8, abs=0.05)
    assert None not in (mae.gain, mae.at_least, mae.at_most)
    assert (mae.at_least or 0) < (mae.gain or 0) < (mae.at_most or 0)
    apart = [row.difference for row in answers.largest]
    assert apart == sorted(apart, reverse=True)
    assert all(set(row.row) == {"ride"} for row in answers.largest)
    top = answers.largest[0]
    assert (top.old, top.new) == (pytest.approx(26, abs=1), pytest.approx(3, abs=1))
    assert abs(float(str(top.label)) - float(str(top.new))) < 4.0


def test_metrics_stand_as_they_were_at_each_gate_and_say_on_which_blocks(found: VersionDiff) -> None:
    told = {one.judged_set: (one.metric, one.is_same_set) for one in found.metrics}
    assert told == {"recent": ("mae", False), "golden": ("mae", True)}
    assert all(one.old is not None and one.new is not None and one.new < one.old for one in found.metrics)
    assert (found.old.gate or "").startswith("pass: floors: ")


def test_losses_of_two_quantiles_are_two_metrics(fares: Home) -> None:
    take_in("fares", NOON)
    fares.rewrite("fares", 'metric = "mae"', 'metric = "pinball"\nquantile = 0.5')
    first = retrain("fares", NOON).trained
    fares.rewrite("fares", "quantile = 0.5", "quantile = 0.9")
    second = retrain("fares", MAY, force=True).trained
    assert first is not None
    assert second is not None
    told = [
        (one.metric, one.old is None, one.new is None)
        for one in diff_versions(first.digest, second.digest, MAY).metrics
    ]
    both = [("pinball (quantile 0.5)", False, True), ("pinball (quantile 0.9)", True, False)]
    assert told == both * 2


def test_a_version_and_itself_are_the_same_in_everything(versions: tuple[str, str]) -> None:
    found = diff_versions(versions[1], "fares", MAY)
    assert found.old == found.new
    assert (found.data, found.packages, found.parameters) == (None, (), ())
    assert (found.configuration.keys, found.configuration.trouble) == ((), None)
    assert found.answers is not None
    assert (found.answers.mean_absolute, found.answers.largest) == (0.0, ())


def test_a_folder_that_was_never_committed_and_is_gone_is_said_to_be(
    fares: Home, versions: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    fares.learn_from("fares", "noise")
    found = diff_versions(*versions, MAY)
    lost = f"the folder of {versions[1][:12]} is neither in git nor here as it was then"
    assert found.configuration.trouble == f"{lost}; only its digest is known"
    diff(*versions)
    shown = capsys.readouterr().out
    assert f"configuration: {lost}" in shown
    assert "features added: " in shown
    assert "  added 1: 2013-04" in shown


def test_what_cannot_be_answered_on_these_rows_is_told_and_all_else_is_there(
    fares: Home, versions: tuple[str, str]
) -> None:
    for part in (fares.path / "data" / "fares").iterdir():
        part.unlink()
    found = diff_versions(*versions, MAY)
    assert found.answers is None
    assert "no such file" in (found.answers_trouble or "")
    assert found.data is not None
    assert (found.data.old.labels, found.data.added) == (None, ("2013-04",))
    assert "no such file" in (found.data.trouble or "")


def test_versions_that_answer_another_question_are_told_in_words(versions: tuple[str, str]) -> None:
    old, new = map(open_bundle, versions)
    classes = replace(old, schema=replace(old.schema, task=Task.BINARY, classes=("no", "yes")))
    told = find_answers("fares", classes, new, MAY)
    assert told == "they answer different questions: a number and classes, or other classes"


def test_versions_of_two_models_are_refused(published: Home) -> None:
    with pytest.raises(
        OtherModelError, match=r"two models, fares and progression\. Name two versions of one"
    ):
        diff_versions("fares", "progression", MAY)


def test_one_that_was_offered_by_another_installation_has_no_data_here(homes: TwoHomes) -> None:
    homes.trust()
    digest = homes.offer().offer.digest
    take_in_offers()
    found = diff_versions(digest, digest, MAY)
    assert (found.data, found.answers) == (None, None)
    assert found.answers_trouble


def test_a_block_that_judges_today_and_that_one_of_them_has_learned_from_is_left_out(
    fares: Home, versions: tuple[str, str]
) -> None:
    fares.rewrite("fares", "share = 0.6", "share = 1.0")
    found = diff_versions(*versions, MAY)
    assert found.answers is not None, found.answers_trouble
    learned = {block for digest in versions for block in find_lineage(digest).manifest.training_blocks}
    split = split_rows(model_config("fares"), current_dataset("fares"), MAY)
    judged = [*split.recent.blocks.tolist(), *split.golden.blocks.tolist()]
    assert found.answers.rows == sum(block not in learned for block in judged) < len(judged)
    # paired with the right labels: the second is off by luck alone
    assert found.answers.losses[0].changed == pytest.approx(0.8, abs=0.05)
    assert abs(float(str(found.answers.largest[0].label)) - float(str(found.answers.largest[0].new))) < 4.0
