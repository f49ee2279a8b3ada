"""A run that is killed has lost nothing: the same command, given again, completes what it began."""

import hashlib
import signal
from pathlib import Path

import pytest
from mlflow import MlflowClient

from millrace.adapters.channel import read_pointer
from millrace.adapters.keys import verify
from millrace.adapters.pins import is_pin_current
from millrace.domain.decision import Reason
from millrace.domain.facts import (
    Action,
    BatchAccepted,
    ChallengerJudged,
    ChallengerTrained,
    ChampionPromoted,
    Fact,
    VersionRegistered,
)
from millrace.settings import load_settings
from millrace.steps.audit import verify_everything
from millrace.steps.dataset import current_dataset
from millrace.steps.decide import decide_retraining
from millrace.steps.stores import ledger
from tests.faults import bodies, processes
from tests.faults.points import INGEST, RETRAIN, Point
from tests.faults.tides import MODEL, NOW

KILLED = -signal.SIGKILL


def facts_of(kind: type[Fact]) -> list[Fact]:
    return [entry.fact for entry in ledger().entries(MODEL, (kind,))]


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def assert_ingested_once(home: Path) -> None:
    dataset = current_dataset(MODEL)
    assert len(facts_of(BatchAccepted)) == 1
    assert [part.batch for part in dataset.parts] == ["first.parquet"]
    assert (home / "datasets" / f"{MODEL}.json").read_text() == dataset.text
    stored = list((home / "data").rglob("*.*"))
    assert [path.stem for path in stored] == [part.sha256 for part in dataset.parts]
    assert is_pin_current(home)
    remote = home / "var" / "dvc-remote" / "files" / "md5"
    assert [md5_of(path) for path in remote.rglob("*") if path.is_file() and path.suffix != ".dir"] == [
        md5_of(path) for path in stored
    ]
    assert ledger().list_claims() == []
    verify_everything()


@pytest.mark.parametrize("point", INGEST, ids=lambda point: point.name)
def test_an_ingest_killed_anywhere_is_completed_by_the_next_one(tides_home: Path, point: Point) -> None:
    assert processes.run(tides_home, bodies.ingest, dies_at=point.name) == KILLED
    assert processes.run(tides_home, bodies.ingest) == 0, processes.complaint(tides_home)
    assert_ingested_once(tides_home)


def assert_retrained_once(home: Path) -> None:
    (trained,) = facts_of(ChallengerTrained)
    (promoted,) = facts_of(ChampionPromoted)
    (registered,) = facts_of(VersionRegistered)
    (judged,) = facts_of(ChallengerJudged)
    assert isinstance(trained, ChallengerTrained)
    serving = ledger().serving(MODEL)
    assert (serving.champion, serving.generation) == (trained.digest, 1)
    assert {fact.digest for fact in (trained, promoted, registered, judged)} == {trained.digest}  # type: ignore[union-attr]
    assert [claim.key for claim in ledger().list_claims("done") if claim.key.startswith("retrain")] == [
        trained.run_key
    ]
    assert ledger().list_claims() == []
    assert_published(home, trained.digest)
    verify_everything()


def assert_published(home: Path, digest: str) -> None:
    settings = load_settings()
    pointer = read_pointer(settings.channel, MODEL, lambda text, sign: verify(settings.keys, text, sign))
    assert pointer is not None
    assert (pointer.generation, [arm.digest for arm in pointer.arms]) == (1, [digest])
    client = MlflowClient(settings.catalogue_url, settings.catalogue_url)
    (version,) = client.search_model_versions(f"name = '{MODEL}'")
    experiment = client.get_experiment_by_name(MODEL)
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert (version.run_id, run.info.status) == (run.info.run_id, "FINISHED")
    assert version.tags["bundle"] == digest
    assert int(client.get_model_version_by_alias(MODEL, "champion").version) == 1


@pytest.mark.parametrize("point", RETRAIN, ids=lambda point: point.name)
def test_a_retraining_killed_anywhere_is_completed_by_the_next_one(ingested_home: Path, point: Point) -> None:
    assert processes.run(ingested_home, bodies.retrain, dies_at=point.name) == KILLED
    assert processes.run(ingested_home, bodies.retrain) == 0, processes.complaint(ingested_home)
    assert_retrained_once(ingested_home)
    again = decide_retraining(MODEL, Reason.BY_HAND, True, NOW, "a third run")
    assert (again.decision.action, again.claim) == (Action.SKIP, None)
