"""What arrives is in the dataset once, whole, and nothing else changes."""

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from millrace.adapters.batches import BatchNotFoundError
from millrace.adapters.models import load_source
from millrace.errors import UnknownModelError
from millrace.steps.arrivals import list_arrivals, stage_arrival
from millrace.steps.batch import BatchOutcome, claim_batch
from millrace.steps.dataset import current_dataset
from tests.conftest import NOON, Home
from tests.loop import take_in


def deliver(home: Home, model: str, batch: str, name: str) -> Path:
    """Let a batch of the model's source arrive as a file."""
    path = home.inbox(model, name)
    load_source(home.models, model).read_batch(batch).to_parquet(path, index=False)
    return path


@pytest.mark.parametrize(("model", "parts"), [("progression", 1), ("fares", 3)])
def test_everything_the_source_has_becomes_a_part_once(fares: Home, model: str, parts: int) -> None:
    first = take_in(model, NOON)
    assert [result.outcome for result in first] == [BatchOutcome.ACCEPTED] * parts
    assert take_in(model, NOON) == []
    assert fares.kinds(model) == ["ContractChanged"] + ["BatchAccepted"] * parts
    assert len(list((fares.path / "data" / model).iterdir())) == parts


def test_a_month_that_is_not_over_has_not_arrived(fares: Home) -> None:
    names = [result.batch for result in take_in("fares", datetime(2013, 2, 28, tzinfo=UTC))]
    assert names == ["2013-01"]


def test_the_same_file_under_two_names_is_accepted_once(fares: Home) -> None:
    first = deliver(fares, "fares", "2013-01", "january.parquet")
    again = Path(shutil.copy(first, first.with_name("january-again.parquet")))
    results = take_in("fares", NOON, [first, again, first])
    assert [result.outcome for result in results] == [
        BatchOutcome.ACCEPTED, BatchOutcome.KNOWN, BatchOutcome.KNOWN,
    ]  # fmt: skip
    assert len(current_dataset("fares").parts) == 1
    assert fares.left_in_staging() == []


def test_the_same_rows_in_other_bytes_are_duplicates_not_new_rows(fares: Home) -> None:
    first = deliver(fares, "fares", "2013-01", "january.parquet")
    other = first.with_name("january.csv")
    pd.read_parquet(first).to_csv(other, index=False)
    take_in("fares", NOON, [first])
    [result] = take_in("fares", NOON, [other])
    assert result.outcome is BatchOutcome.QUARANTINED
    assert {violation.clause for violation in result.violations} == {"duplicates", "golden"}


def test_the_same_bytes_can_be_a_batch_of_two_models(fares: Home) -> None:
    shutil.copytree(fares.models / "fares", fares.models / "rides")
    fares.rewrite("rides", 'name = "fares"', 'name = "rides"')
    file = deliver(fares, "fares", "2013-01", "january.parquet")
    outcomes = [take_in(model, NOON, [file])[0].outcome for model in ("fares", "rides")]
    assert outcomes == [BatchOutcome.ACCEPTED] * 2


def test_the_version_is_the_sha256_of_the_dataset_file(fares: Home) -> None:
    take_in("fares", NOON)
    content = (fares.path / "datasets" / "fares.json").read_bytes()
    assert current_dataset("fares").version == hashlib.sha256(content).hexdigest()


def test_each_part_is_named_by_its_bytes_and_pinned(fares: Home) -> None:
    take_in("fares", NOON)
    for part in current_dataset("fares").parts:
        content = (fares.path / "data" / "fares" / f"{part.sha256}.parquet").read_bytes()
        assert hashlib.sha256(content).hexdigest() == part.sha256
        assert len(content) == part.bytes
    assert "nfiles: 3" in (fares.path / "data.dvc").read_text()


def test_a_batch_another_run_is_taking_in_is_left_to_it_and_the_others_are_not(fares: Home) -> None:
    january, *others = list_arrivals("fares", None, NOON)
    staged = stage_arrival(january)
    claim_batch(january, staged, "another run")
    held, *accepted = take_in("fares", NOON)
    assert (held.batch, held.outcome) == (january.batch, BatchOutcome.HELD)
    assert [one.outcome for one in accepted] == [BatchOutcome.ACCEPTED] * len(others)
    assert fares.left_in_staging() == [staged.path.name]


def test_a_file_that_is_not_there_is_an_error_that_names_it(fares: Home) -> None:
    with pytest.raises(BatchNotFoundError, match=r"april\.csv: no such file; name a file with a table"):
        take_in("fares", NOON, [fares.inbox("fares", "april.csv")])


def test_an_unknown_model_suggests_the_nearest(fares: Home) -> None:
    with pytest.raises(UnknownModelError, match="no model 'fare'; did you mean 'fares'"):
        take_in("fare", NOON)
