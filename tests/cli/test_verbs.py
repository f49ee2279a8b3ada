"""What each verb prints for people and for machines. In this process: the shell's view is test_exit_codes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from millrace.adapters.models import change_section
from millrace.cli import audit, data, history, quarantine, reconcile, rollout, status, why
from millrace.cli.approve import approve
from millrace.cli.ingest import ingest
from millrace.cli.reject import reject
from millrace.cli.retrain import retrain
from millrace.cli.rollback import rollback
from millrace.domain.facts import ChallengerJudged, ChallengerReceived, ChallengerTrained
from millrace.errors import UnknownModelError
from millrace.steps.serve import find_pointer_trouble, roll_back
from tests import loop
from tests.conftest import NOON, ROLLOUT, Home

Lines = Callable[[], list[str]]
Json = Callable[[], Any]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Return the lines printed since it was asked last."""
    return lambda: [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]


@pytest.fixture
def printed_json(capsys: pytest.CaptureFixture[str]) -> Json:
    return lambda: json.loads(capsys.readouterr().out)


@pytest.fixture
def two_champions(fares: Home) -> Home:
    loop.take_in("fares", NOON)
    loop.retrain("fares", NOON, in_catalogue=True)
    fares.learn_from("fares", "distance_km", "tariff")
    loop.retrain("fares", NOON, force=True, in_catalogue=True)
    return fares


def exit_code(act: Callable[..., object], *arguments: Any, **named: Any) -> Any:
    with pytest.raises(SystemExit, match=r"^\d$") as caught:
        act(*arguments, **named)
    return caught.value.code


def test_ingest_and_retrain_tell_what_became_of_batch_and_challenger(
    fares: Home, prefect_server: None, printed: Lines
) -> None:
    ingest("fares")
    accepted = printed()
    assert [line.split()[:2] for line in accepted[:4]] == [["accepted", f"2013-0{n}"] for n in (1, 2, 3, 4)]
    assert accepted[-1].endswith("4 parts, 4,080 rows")
    assert exit_code(retrain, "fares") == 0
    assert printed()[-1].startswith("champion none -> ")
    assert exit_code(retrain, "fares", force=True) == 0
    assert printed()[0].startswith("SKIP: same inputs as the last finished training: bundle ")


def test_a_blocked_training_exits_with_1_and_its_json_says_what_to_do(
    fares: Home, prefect_server: None, printed_json: Json
) -> None:
    fares.rewrite(
        "fares", 'source = "python"', 'source = "files"\ninbox = "inbox/fares/*"'
    )  # where nothing lies
    assert exit_code(retrain, "fares", json=True) == 1
    decision = printed_json()["decision"]
    assert decision["action"] == "BLOCK"
    assert "run `millrace ingest`" in decision["reason"]


def test_a_quarantined_batch_exits_with_4_and_shows_why_until_it_is_released(
    fares: Home, prefect_server: None, printed: Lines, printed_json: Json
) -> None:
    path = fares.inbox("fares", "few.csv")
    path.write_text("ride,at,distance_km,luggage,noise,tariff,fare\n1,2013-01-01T00:00:00Z,2.5,0,0.1,day,8\n")
    assert exit_code(ingest, "fares", path) == 4
    lines = printed()
    assert lines[0].startswith("quarantined  few.csv")
    assert "1 rows, at least 500 are needed" in lines[1]
    quarantine.list_batches(json=True)
    [waiting] = printed_json()
    digest = waiting["fact"]["batch_digest"]
    quarantine.list_batches("fares")
    assert "few.csv" in printed()[-1]
    quarantine.show("fares", digest[:8])
    shown = printed()
    assert shown[0] == f"fares batch few.csv  {digest}"
    assert shown[-1] == "min_rows: 1 rows, at least 500 are needed"
    quarantine.release("fares", digest[:8], reason="one is enough")
    assert printed() == ["accepted: batch few.csv, 1 rows"]
    quarantine.list_batches()
    assert printed() == ["nothing is in quarantine"]


def test_what_a_batch_holds_is_printed_as_it_is(fares: Home, prefect_server: None, printed: Lines) -> None:
    odd = "[/bold] :cow: [red]"
    path = fares.inbox("fares", "odd.csv")
    path.write_text(f"ride,at,distance_km,luggage,noise,tariff,fare\n1,2013-01-01,2.5,0,0.1,{odd},8\n")
    assert exit_code(ingest, "fares", path) == 4
    assert any(odd in line for line in printed() if "row 0: " in line)
    loop.take_in("fares", NOON)
    fares.rewrite("fares", 'window = "42d"', 'window = "7d"')
    assert exit_code(retrain, "fares") == 1
    assert printed()[0].endswith("bring newer rows, or raise share or window of [recent] in model.toml")


def test_rollback_says_who_answers_again(two_champions: Home, printed: Lines) -> None:
    serving = two_champions.serving("fares")
    rollback("fares", reason="answers 1.0")
    assert printed() == [
        f"fares: {str(serving.champion)[:12]} withdrawn, {str(serving.previous)[:12]} answers again"
    ]


def test_status_shows_one_line_for_each_model(two_champions: Home, printed: Lines) -> None:
    status.status()
    shown = {line.split()[0]: line for line in printed()}
    champion = two_champions.serving("fares").champion
    assert str(champion)[:12] in shown["fares"]
    assert "TRAIN" in shown["fares"]
    assert "pass" in shown["fares"]
    assert shown["flights"].split()[1] == "none"


def test_history_shows_the_newest_entries_last(two_champions: Home, printed: Lines) -> None:
    history.history("fares", last=2)
    lines = printed()
    assert len(lines) == 4
    assert lines[-1].endswith("promoted to generation 2")


def test_why_tells_the_lineage_on_one_screen(two_champions: Home, printed: Lines) -> None:
    why.why("fares")
    lines = printed()
    assert lines[0] == f"fares {str(two_champions.serving('fares').champion)[:12]}"
    told = "\n".join(lines)
    for what in ("bundle ", "dataset ", "learned ", "seed ", "git commit ", "versions ", "agreement "):
        assert f"  {what}" in told
    assert "promoted to generation 2" in told
    assert len(lines) <= 24


def test_reconcile_names_what_it_repaired_and_then_has_nothing_to_say(
    two_champions: Home, printed: Lines
) -> None:
    (two_champions.path / "datasets" / "fares.json").unlink()
    reconcile.reconcile("fares")
    assert printed() == ["fares: dataset repaired, it was: no dataset file"]
    reconcile.reconcile("fares")
    assert printed() == ["fares: as the ledger says"]


def test_data_lists_versions_and_brings_an_earlier_one_back(fares: Home, printed: Lines) -> None:
    loop.take_in("fares", NOON)
    data.list_versions("fares")
    versions = [line.split()[0] for line in printed()[2:]]
    assert len(versions) == 3
    data.checkout("fares", versions[0])
    assert printed() == [f"fares: dataset {versions[0][:12]} is current, 1,054 rows"]
    data.show("fares")
    assert printed()[-1].split()[0] == "2013-01"
    data.restore()
    assert printed() == [f"fares: dataset {versions[0][:12]}, every byte of 1,054 rows verified"]


JSON: list[Callable[[], object]] = [
    lambda: status.status(json=True),
    lambda: history.history("fares", json=True),
    lambda: why.why("fares", json=True),
    lambda: data.list_versions("fares", json=True),
    lambda: data.show("fares", json=True),
    lambda: quarantine.list_batches(json=True),
    lambda: reconcile.reconcile(json=True),
    lambda: audit.verify(json=True),
    lambda: rollback("fares", reason="to see", json=True),
]


def test_json_is_json_of_every_verb(two_champions: Home, printed_json: Json) -> None:
    answers = []
    for act in JSON:
        act()
        answers.append(printed_json())
    assert all(isinstance(answer, list | dict) for answer in answers)
    assert answers[0][0]["champion"] == answers[-1]["withdrawn"]


UNKNOWN: dict[str, Callable[[], object]] = {
    "history": lambda: history.history("flight"),
    "data list": lambda: data.list_versions("flight"),
    "data show": lambda: data.show("flight"),
    "data checkout": lambda: data.checkout("flight", "abc"),
    "data restore": lambda: data.restore("flight"),
    "quarantine list": lambda: quarantine.list_batches("flight"),
    "quarantine show": lambda: quarantine.show("flight", "abc"),
    "quarantine release": lambda: quarantine.release("flight", "abc", reason="x"),
    "status": lambda: status.status("flight"),
    "reconcile": lambda: reconcile.reconcile("flight"),
    "rollback": lambda: rollback("flight", reason="x"),
}


@pytest.mark.parametrize("verb", UNKNOWN)
def test_every_verb_suggests_the_nearest_model(home: Home, verb: str) -> None:
    with pytest.raises(UnknownModelError, match="no model 'flight'; did you mean 'flights'"):
        UNKNOWN[verb]()
    assert home.ledger.entries() == []


def test_a_model_whose_folder_is_gone_can_still_be_looked_at_and_rolled_back(
    two_champions: Home, printed: Lines
) -> None:
    (two_champions.models / "fares").rename(two_champions.models.parent / "put-away")
    status.status("fares")
    assert "fares" in printed()[-1]
    rollback("fares", reason="the folder is gone, the answers are not")
    assert printed()[0].endswith("answers again")


def test_a_rollout_is_told_and_taken_back_by_its_verbs(
    two_champions: Home, printed: Lines, printed_json: Json
) -> None:
    home = two_champions
    rollout.status("fares")
    assert printed()[0].startswith("fares: idle, champion ")
    change_section(home.models, "fares", "rollout", ROLLOUT)
    home.learn_from("fares", "distance_km", "tariff", "luggage")
    loop.retrain("fares", NOON, force=True, in_catalogue=True)
    serving = home.serving("fares")
    assert serving.challenger is not None
    rollout.status("fares")
    lines = printed()
    assert lines[0].startswith(f"fares: shadow, step 1 of 3, {serving.challenger[:12]} against ")
    assert lines[1] == "since 2013-04-01 12:00:00 UTC, to pass by 2013-04-01 14:00:00 UTC"
    assert lines[2].startswith(
        "rollback bound 0:03:00: a look each 0:01:00, 3 that fail take it back, from 500 "
    )
    assert lines[3] == "no look has been taken at this step yet"
    assert lines[-1].split()[-3:] == ["shadow", "0", "%"]
    approve("fares", reason="fine")
    assert printed() == ["fares: nothing to approve: nothing waits for approval"]
    reject("fares", reason="not fine")
    assert printed() == ["fares: nothing to reject: nothing waits for approval"]
    rollout.pause("fares", reason="the fair is on")
    assert printed() == [f"fares: rollout of {serving.challenger[:12]} paused: the fair is on"]
    rollout.status("fares")
    assert "paused: the fair is on" in printed()
    rollout.resume("fares", reason="it is over", json=True)
    assert printed_json()["fact"] == {"digest": serving.challenger, "reason": "it is over"}
    rollout.abort("fares", reason="it smells")
    assert printed() == [f"fares: rollout of {serving.challenger[:12]} aborted: it smells"]
    rollout.status("fares", json=True)
    assert printed_json()["rollout"]["phase"] == "idle"
    assert home.serving("fares").champion == serving.champion


def test_a_look_at_every_rollout_ends_those_whose_time_is_over(two_champions: Home, printed: Lines) -> None:
    change_section(two_champions.models, "fares", "rollout", ROLLOUT)
    two_champions.learn_from("fares", "distance_km", "tariff", "luggage")
    loop.retrain("fares", NOON, force=True, in_catalogue=True)
    rollout.look()
    [said] = printed()
    assert said.startswith("fares: idle, rollout of ")
    assert "inconclusive at the deadline of 2:00:00: evidence: 0 requests of 500 needed" in said
    rollout.look()
    assert printed() == []


def test_a_look_that_cannot_be_taken_is_said_and_holds_up_no_other(
    two_champions: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home = two_champions
    change_section(home.models, "fares", "rollout", ROLLOUT)
    home.learn_from("fares", "distance_km", "tariff", "luggage")
    loop.retrain("fares", NOON, force=True, in_catalogue=True)
    judged, trained = (home.facts("fares", kind)[-1] for kind in (ChallengerJudged, ChallengerTrained))
    assert isinstance(judged, ChallengerJudged)
    assert isinstance(trained, ChallengerTrained)
    # of a model that has no folder here, and no bundle
    lost = ChallengerReceived("d" * 64, "staging", judged, trained, (), "h" * 64, "good", "ann", NOON)
    home.ledger.append("lost", lost, NOON, "a test")
    assert exit_code(rollout.look, "lost", "fares") == 1
    said = capsys.readouterr()
    assert said.out.startswith("fares: idle, rollout of ")
    assert said.err.startswith("error: lost: ")


def test_a_look_publishes_what_one_that_died_had_recorded(two_champions: Home) -> None:
    home, now = two_champions, NOON
    withdrawn = roll_back("fares", "it overcharges", now).withdrawn
    assert find_pointer_trouble("fares") is not None
    rollout.look()
    assert find_pointer_trouble("fares") is None
    assert home.serving("fares").champion != withdrawn
