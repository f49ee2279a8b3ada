"""What serves, what happened, and where a version comes from."""

from datetime import timedelta

import pytest

from millrace.domain.facts import ChallengerJudged
from millrace.domain.narration import tell
from millrace.domain.work import FlowName, Work
from millrace.steps.automation import pause_model, resume_model
from millrace.steps.lineage import UnknownBundleError, find_lineage
from millrace.steps.requests import park_work, record_request
from millrace.steps.status import list_status
from tests.conftest import NOON, Home
from tests.loop import take_in


def test_status_names_champion_data_decision_and_verdict_of_each_model(published: Home) -> None:
    status = {one.model: one for one in list_status()}
    assert sorted(status) == ["fares", "flights", "progression", "scenery"]
    assert status["fares"].champion == published.serving("fares").champion
    assert (status["fares"].rows, status["progression"].rows) == (3_060, 442)
    assert (status["fares"].generation, status["fares"].since) == (1, NOON)
    assert status["fares"].last_judged is not None
    assert status["fares"].last_judged.outcome == "fail"
    assert status["flights"].champion is None
    assert status["flights"].rows == 0


def test_status_counts_what_waits_in_quarantine(fares: Home) -> None:
    path = fares.inbox("fares", "empty.csv")
    path.touch()
    take_in("fares", NOON, [path])
    assert [one.quarantined for one in list_status("fares")] == [1]


def test_status_says_what_is_paused_and_what_was_given_up(fares: Home) -> None:
    work = Work(FlowName.RETRAIN, "fares", "retrain:fares:a", "new rows", "34 rows", timedelta(0))
    for number in range(1, 5):
        record_request(work, number, "a controller", NOON)
    park_work(work, 4, "a controller", NOON)
    pause_model("fares", "the agency resends May", NOON)
    [found] = list_status("fares")
    assert found.paused is not None
    assert found.paused.endswith("the agency resends May")
    assert [parked.reason for parked in found.parked] == ["new rows, 34 rows: still undone"]
    resume_model("fares", "May is in", NOON)
    [found] = list_status("fares")
    assert (found.paused, found.parked) == (None, ())


@pytest.mark.parametrize("model", ["fares", "progression"])
def test_a_version_is_found_by_model_number_and_first_characters(published: Home, model: str) -> None:
    champion = published.serving(model).champion
    assert champion is not None
    found = [find_lineage(name) for name in (model, f"{model}/1", champion[:8], champion)]
    assert {lineage.trained.digest for lineage in found} == {champion}


def test_the_lineage_holds_all_that_led_to_a_version_and_nothing_of_another(published: Home) -> None:
    champion, refused = find_lineage("fares/1"), find_lineage("fares/2")
    assert [entry.kind for entry in champion.entries] == [
        "DecisionMade", "ChallengerTrained", "ChallengerJudged", "VersionRegistered", "ChampionPromoted",
    ]  # fmt: skip
    assert [entry.kind for entry in refused.entries] == [
        "DecisionMade", "ChallengerTrained", "ChallengerJudged", "VersionRegistered",
    ]  # fmt: skip
    assert champion.dataset.version == champion.manifest.dataset == champion.trained.inputs.dataset
    assert champion.manifest.code.model_files == champion.trained.inputs.model_files
    assert champion.manifest.code.model_files != refused.manifest.code.model_files


@pytest.mark.parametrize("version", ["fares/9", "0" * 12, "flights", "fare", "fares/x"])
def test_a_version_nobody_trained_is_an_error_that_says_how_to_name_one(
    published: Home, version: str
) -> None:
    with pytest.raises(UnknownBundleError, match=rf"no version {version}\. Name the first characters"):
        find_lineage(version)


def test_every_entry_of_the_history_is_told_in_one_line(published: Home) -> None:
    lines = [tell(entry.fact) for entry in published.ledger.entries()]
    assert all(line and "\n" not in line for line in lines)
    assert any(line.endswith("promoted to generation 1") for line in lines)
    [*_, refused] = published.facts("fares", ChallengerJudged)
    assert isinstance(refused, ChallengerJudged)
    assert any(refused.reason in line for line in lines)
