"""What must stand in an installation once its first batch was taken in, or its first model trained."""

import hashlib
from pathlib import Path

from mlflow import MlflowClient

from millrace.adapters.channel import read_pointer
from millrace.adapters.keys import verify
from millrace.adapters.pins import is_pin_current
from millrace.domain.facts import (
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
from millrace.steps.gate_reports import find_version_report
from millrace.steps.stores import ledger
from tests.faults.tides import MODEL


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


def assert_retrained_once(home: Path) -> None:
    (trained,) = facts_of(ChallengerTrained)
    (promoted,) = facts_of(ChampionPromoted)
    (registered,) = facts_of(VersionRegistered)
    (judged,) = facts_of(ChallengerJudged)
    assert isinstance(trained, ChallengerTrained)
    report = find_version_report(trained.digest)
    assert (report.run_key, report.notes) == (trained.run_key, ())
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
