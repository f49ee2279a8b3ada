"""A batch that broke the contract waits, byte for byte, until a person decides."""

import json
from pathlib import Path

import pandas as pd
import pytest

from millrace.adapters.models import load_source
from millrace.domain.facts import BatchAccepted, BatchQuarantined
from millrace.settings import load_settings
from millrace.steps.alerts import list_due_alerts
from millrace.steps.batch import BatchOutcome
from millrace.steps.dataset import current_dataset
from millrace.steps.quarantine import NotInQuarantineError, find_quarantined, list_quarantined
from millrace.steps.release import CannotReleaseError, release_batch
from tests.conftest import NOON, Home
from tests.loop import take_in


@pytest.fixture
def short_month(fares: Home) -> Path:
    """Rides of too few days: a clause that a person may waive."""
    path = fares.inbox("fares", "short.parquet")
    load_source(fares.models, "fares").read_batch("2013-01").head(400).to_parquet(path, index=False)
    return path


def test_bytes_and_report_lie_side_by_side(fares: Home, short_month: Path) -> None:
    [result] = take_in("fares", NOON, [short_month])
    found = find_quarantined("fares", result.digest[:8])
    assert found.file.read_bytes() == short_month.read_bytes()
    report = json.loads((found.file.parent / "report.json").read_text())
    assert report["batch"] == "short.parquet"
    assert report["violations"][0]["message"] == "400 rows, at least 500 are needed"


@pytest.mark.parametrize("prefix", ["eu/", "../../../"])
def test_a_name_with_folders_in_it_stays_in_its_own(fares: Home, prefix: str) -> None:
    path = fares.models / "fares" / "source.py"
    text = path.read_text("utf-8")
    named = (
        f"\n_list, _read = list_batches, read_batch\n"
        f"def list_batches(now):\n    return [{prefix!r} + name for name in _list(now)]\n"
        f"def read_batch(name):\n    return _read(name.removeprefix({prefix!r})).head(400)\n"
    )
    path.write_text(text + named, "utf-8")
    result = take_in("fares", NOON)[0]
    assert result.outcome is BatchOutcome.QUARANTINED
    found = find_quarantined("fares", result.digest)
    assert found.file.is_file()
    assert found.file.parent == load_settings().quarantine / "fares" / result.digest
    assert (found.fact.batch, found.file.name) == (f"{prefix}2013-01", "2013-01.parquet")


def test_the_first_examples_of_each_violation_are_kept(fares: Home) -> None:
    rows = load_source(fares.models, "fares").read_batch("2013-01")
    rows.loc[rows.index % 2 == 0, "distance_km"] = 41.0
    path = fares.inbox("fares", "far.parquet")
    rows.to_parquet(path, index=False)
    [result] = take_in("fares", NOON, [path])
    [violation] = result.violations
    assert violation.count == 527
    assert violation.examples == tuple(f"row {row}: 41.0" for row in (0, 2, 4, 6, 8))


def test_each_waiting_batch_is_listed_with_its_model(fares: Home, short_month: Path) -> None:
    take_in("fares", NOON, [short_month])
    take_in("progression", NOON, [short_month])
    assert [(one.entry.model, one.fact.batch) for one in list_quarantined()] == [
        ("fares", "short.parquet"), ("progression", "short.parquet"),
    ]  # fmt: skip
    assert [one.entry.model for one in list_quarantined("progression")] == ["progression"]


def test_a_release_accepts_the_batch_and_the_ledger_has_the_reason(fares: Home, short_month: Path) -> None:
    [refused] = take_in("fares", NOON, [short_month])
    released = release_batch("fares", refused.digest[:10], "the cab strike was real", "by hand", NOON)
    assert released.outcome is BatchOutcome.ACCEPTED
    assert current_dataset("fares").rows == 400
    [fact] = fares.facts("fares", BatchAccepted)
    assert isinstance(fact, BatchAccepted)
    assert fact.release_reason == "the cab strike was real"
    assert list_quarantined("fares") == []
    assert "nfiles: 1" in (fares.path / "data.dvc").read_text()


def test_what_was_released_is_known_when_it_arrives_again(fares: Home, short_month: Path) -> None:
    [refused] = take_in("fares", NOON, [short_month])
    release_batch("fares", refused.digest, "the cab strike was real", "by hand", NOON)
    assert take_in("fares", NOON, [short_month])[0].outcome is BatchOutcome.KNOWN
    with pytest.raises(NotInQuarantineError, match="`millrace quarantine list` shows what is there"):
        release_batch("fares", refused.digest, "twice", "by hand", NOON)


def test_a_wrong_type_cannot_be_waived(fares: Home) -> None:
    path = fares.inbox("fares", "typed.parquet")
    rows = load_source(fares.models, "fares").read_batch("2013-01")
    rows.assign(distance_km="far").to_parquet(path, index=False)
    [refused] = take_in("fares", NOON, [path])
    with pytest.raises(CannotReleaseError, match=r"typed\.parquet cannot be released: .* are no float"):
        release_batch("fares", refused.digest, "please", "by hand", NOON)
    assert fares.facts("fares", BatchAccepted) == []
    assert find_quarantined("fares", refused.digest).file.read_bytes() == path.read_bytes()
    assert fares.left_in_staging() == []


def test_golden_rows_cannot_be_waived(fares: Home) -> None:
    take_in("fares", NOON)
    january = load_source(fares.models, "fares").read_batch("2013-01")
    path = fares.inbox("fares", "again.parquet")
    january.assign(at=january["at"] + pd.Timedelta(days=90)).to_parquet(path, index=False)
    [refused] = take_in("fares", NOON, [path])
    with pytest.raises(CannotReleaseError, match="rows have a key of the golden set; none may come again"):
        release_batch("fares", refused.digest, "please", "by hand", NOON)


def test_the_same_bad_file_again_is_not_news(fares: Home, short_month: Path) -> None:
    first = take_in("fares", NOON, [short_month])
    again = take_in("fares", NOON, [short_month])
    assert first == again
    assert len(fares.facts("fares", BatchQuarantined)) == 1
    assert len(list_due_alerts("fares")) == 1
    assert fares.left_in_staging() == []


def test_a_contract_made_wider_lets_the_same_file_in(fares: Home, short_month: Path) -> None:
    take_in("fares", NOON, [short_month])
    fares.rewrite("fares", "min_rows = 500", "min_rows = 400")
    [result] = take_in("fares", NOON, [short_month])
    assert result.outcome is BatchOutcome.ACCEPTED
    assert list_quarantined("fares") == []
