"""Many at once: what must be done once is done once, and what differs does not interfere."""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from millrace.adapters.channel import read_pointer
from millrace.adapters.keys import verify
from millrace.adapters.pins import is_pin_current, is_pushed
from millrace.domain.facts import Action, BatchAccepted, ChallengerTrained, ChampionPromoted, DecisionMade
from millrace.domain.serving import plan_promotion
from millrace.settings import load_settings
from millrace.steps.audit import verify_everything
from millrace.steps.batch import BatchOutcome
from millrace.steps.dataset import current_dataset, list_datasets
from millrace.steps.serve import publish_serving
from millrace.steps.stores import ledger
from tests.faults import bodies, processes
from tests.faults.pauses import paused_at, wait_for
from tests.faults.tides import MODEL, MODELS, NOW, deliver, move_in

T = TypeVar("T")
HELD = "is being done by run"


def all_at_once(work: Callable[[str], T], models: Sequence[str]) -> list[T]:
    barrier = Barrier(len(models))

    def wait_and_work(model: str) -> T:
        barrier.wait()
        return work(model)

    with ThreadPoolExecutor(len(models)) as pool:
        return list(pool.map(wait_and_work, models))


def decisions(model: str) -> list[DecisionMade]:
    entries = ledger().entries(model, (DecisionMade,))
    return [entry.fact for entry in entries if isinstance(entry.fact, DecisionMade)]


def test_fifty_identical_requests_at_once_train_once(ingested_home: Path) -> None:
    results = all_at_once(bodies.retrain, [MODEL] * 50)
    assert Counter(result.decision.action for result in results) == {Action.TRAIN: 1, Action.SKIP: 49}
    assert len(ledger().entries(MODEL, (ChallengerTrained,))) == 1
    assert len(ledger().entries(MODEL, (ChampionPromoted,))) == 1
    recorded = decisions(MODEL)
    assert Counter(made.action for made in recorded) == {Action.TRAIN: 1, Action.SKIP: 49}
    known = (HELD, "was already done", "same inputs as the last finished training")
    skips = [made for made in recorded if made.action is Action.SKIP]
    assert [made.reason for made in skips if not any(reason in made.reason for reason in known)] == []
    assert any(HELD in made.reason for made in skips)
    afterwards = bodies.retrain()
    assert afterwards.decision.action is Action.SKIP
    assert "same inputs as the last finished training" in afterwards.decision.reason
    verify_everything()


@pytest.fixture
def two_models(ingested_home: Path, tmp_path: Path) -> tuple[str, str]:
    """Beside the first model, with its data taken in, another of the same kind without."""
    models = tmp_path / "models"
    shutil.copytree(MODELS / MODEL, models / MODEL)
    shutil.copytree(MODELS / MODEL, models / "currents")
    config = models / "currents" / "model.toml"
    config.write_text(config.read_text().replace(MODEL, "currents"))
    shutil.copytree(ingested_home / "inbox" / MODEL, ingested_home / "inbox" / "currents")
    move_in(ingested_home, models)
    return MODEL, "currents"


def test_two_models_at_once_do_not_interfere(two_models: tuple[str, str]) -> None:
    bodies.ingest("currents")
    results = all_at_once(bodies.retrain, two_models * 5)
    assert Counter(result.decision.action for result in results) == {Action.TRAIN: 2, Action.SKIP: 8}
    for model in two_models:
        [entry] = ledger().entries(model, (ChallengerTrained,))
        assert isinstance(entry.fact, ChallengerTrained)
        assert ledger().serving(model).champion == entry.fact.digest
        assert [made.action for made in decisions(model)].count(Action.TRAIN) == 1
    verify_everything()


def test_a_file_that_is_being_taken_in_is_left_to_its_run(tides_home: Path, tmp_path: Path) -> None:
    first = processes.start(
        tides_home, paused_at, "millrace.steps.batch:commit_part", tmp_path, bodies.ingest
    )
    wait_for(tmp_path / "paused")
    [left_alone] = bodies.ingest()
    assert left_alone.outcome is BatchOutcome.HELD
    assert ledger().entries(MODEL, (BatchAccepted,)) == []
    (tmp_path / "go").touch()
    assert processes.exit_code(first) == 0
    assert len(ledger().entries(MODEL, (BatchAccepted,))) == 1
    assert list((tides_home / "var" / "staging").iterdir()) == []


def test_two_ingests_of_one_file_at_the_same_moment_accept_it_once(tides_home: Path) -> None:
    running = [processes.start(tides_home, bodies.ingest) for _ in range(2)]
    assert [processes.exit_code(process) for process in running] == [0, 0]
    assert len(ledger().entries(MODEL, (BatchAccepted,))) == 1
    assert len(current_dataset(MODEL).parts) == 1
    verify_everything()


def test_two_files_taken_in_at_once_are_both_in_the_dataset(tides_home: Path, tmp_path: Path) -> None:
    late = processes.start(
        tides_home, paused_at, "millrace.steps.dataset:write_dataset", tmp_path, bodies.ingest
    )
    wait_for(tmp_path / "paused")
    deliver(tides_home, "second", day=90, days=10)
    assert processes.run(tides_home, bodies.ingest) == 0, processes.complaint(tides_home)
    (tmp_path / "go").touch()
    assert processes.exit_code(late) == 0
    before, after = list_datasets(MODEL)[-2:]
    assert [part.batch for part in after.parts] == ["first.parquet", "second.parquet"]
    assert before.parts == after.parts[:1]
    assert (tides_home / "datasets" / f"{MODEL}.json").read_text() == after.text
    assert is_pin_current(tides_home)
    assert is_pushed(tides_home)
    verify_everything()


def test_a_pointer_that_is_late_does_not_stay_over_a_newer_one(ingested_home: Path, tmp_path: Path) -> None:
    assert processes.run(ingested_home, bodies.retrain) == 0, processes.complaint(ingested_home)
    pointer = ingested_home / "var" / "channel" / MODEL / "pointer.json"
    pointer.unlink()
    late = processes.start(
        ingested_home,
        paused_at,
        "millrace.steps.serve:_write_pointer",
        tmp_path,
        publish_serving,
        MODEL,
        NOW,
    )
    wait_for(tmp_path / "paused")
    serving = ledger().serving(MODEL)
    again = plan_promotion(serving, str(serving.champion), "crowned a second time")
    ledger().change_serving(MODEL, again, NOW, "a test", seen=1)
    publish_serving(MODEL, NOW)
    (tmp_path / "go").touch()
    assert processes.exit_code(late) == 0
    settings = load_settings()
    read = read_pointer(settings.channel, MODEL, lambda text, sign: verify(settings.keys, text, sign))
    assert read is not None
    assert read.generation == 2
