"""What a person names must be one thing, and what a person decides must have a reason."""

import pytest

from millrace.errors import AmbiguousNameError, MissingReasonError, UnknownModelError
from millrace.steps.automation import pause_model, resume_model
from millrace.steps.dataset import find_dataset_version
from millrace.steps.lineage import find_lineage
from millrace.steps.quarantine import find_quarantined
from millrace.steps.release import release_batch
from millrace.steps.serve import roll_back
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in


def test_characters_that_several_dataset_versions_share_name_none(fares: Home) -> None:
    take_in("fares", NOON)
    with pytest.raises(AmbiguousNameError, match="could be 4 of them"):
        find_dataset_version("fares", "")


def test_characters_that_several_quarantined_batches_share_name_none(fares: Home) -> None:
    for name in ("one.csv", "two.csv"):
        fares.inbox("fares", name).write_text(name)
        take_in("fares", NOON, [fares.inbox("fares", name)])
    with pytest.raises(AmbiguousNameError, match="could be 2 of them"):
        find_quarantined("fares", "")


def test_characters_that_several_bundles_share_name_none(published: Home) -> None:
    with pytest.raises(AmbiguousNameError, match="Write more of it"):
        find_lineage("")


@pytest.mark.parametrize("reason", ["", "  "])
def test_without_a_reason_nothing_goes_back_and_nothing_is_released(published: Home, reason: str) -> None:
    before = published.serving("fares")
    with pytest.raises(MissingReasonError, match="a rollback needs a reason"):
        roll_back("fares", reason, NOON)
    with pytest.raises(MissingReasonError, match="a release needs a reason"):
        release_batch("fares", "0", reason, "a test", NOON)
    with pytest.raises(MissingReasonError, match="a pause needs a reason"):
        pause_model("fares", reason, NOON)
    with pytest.raises(MissingReasonError, match="a resume needs a reason"):
        resume_model("fares", reason, NOON)
    assert published.serving("fares") == before


@pytest.mark.parametrize("model", ["", "fare"])
def test_a_retraining_of_a_model_that_is_not_there_says_so_and_decides_nothing(
    fares: Home, model: str
) -> None:
    with pytest.raises(UnknownModelError, match=f"no model '{model}'"):
        retrain(model, NOON)
    assert fares.ledger.entries() == []
