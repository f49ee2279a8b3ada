"""Is the diabetes study one clean batch that two thirds can learn from and the rest can judge?"""

from datetime import UTC, datetime

import pytest

from millrace.adapters.contract import check_batch
from millrace.adapters.models import find_model, load_source
from millrace.domain.blocks import name_blocks, split_blocks
from millrace.domain.kinds import ColumnType
from millrace.errors import UnknownBatchError
from millrace.settings import PROJECT_ROOT

MODELS = PROJECT_ROOT / "models"
CONFIG = find_model(MODELS, "progression")

source = load_source(MODELS, "progression")


def test_the_study_is_one_batch_whatever_the_time() -> None:
    assert source.list_batches(datetime(1970, 1, 1, tzinfo=UTC)) == ["diabetes"]
    assert source.list_batches(datetime(2030, 1, 1, tzinfo=UTC)) == ["diabetes"]


def test_it_holds_every_patient_once_in_the_units_of_the_study() -> None:
    patients = source.read_batch("diabetes")
    assert len(patients) == 442
    assert not patients.duplicated().any()
    assert patients["age_years"].between(19, 79).all()
    assert patients["progression"].agg(["min", "max"]).tolist() == [25, 346]


def test_sex_is_a_name_and_not_an_amount() -> None:
    patients = source.read_batch("diabetes")
    assert patients["sex"].value_counts().to_dict() == {"1": 235, "2": 207}
    assert CONFIG.contract.columns["sex"].type is ColumnType.STRING


def test_it_satisfies_its_contract() -> None:
    patients = source.read_batch("diabetes")
    assert check_batch([patients], CONFIG.contract, lambda _: None).violations == ()
    assert len(patients) >= CONFIG.contract.min_rows


def test_the_gate_has_enough_judged_patients_and_more_are_left_to_learn_from() -> None:
    patients = source.read_batch("diabetes")
    split = split_blocks(frozenset(name_blocks(patients, CONFIG).tolist()), None, CONFIG)
    assert min(len(split.recent), len(split.golden)) >= CONFIG.gate.min_blocks
    assert len(split.training) > len(split.recent) + len(split.golden)


def test_a_batch_that_is_none_is_refused_with_the_one_there_is() -> None:
    with pytest.raises(UnknownBatchError, match="no batch 'iris'; the source has diabetes"):
        source.read_batch("iris")
