"""A proposed gate asks for further rules, and lets those decide that the rows can carry."""

import numpy as np
import pandas as pd
import pytest

from millrace.domain.config import ModelConfig, Rule
from millrace.domain.proposal import Probe, complete, config_of, model_file
from tests.domain.proposed import draft_of, rows

COUNT, MANY = 400, 60_000


def seen(constant: float = 0.5, level: float = 0.3, noise: float = 0.01) -> Probe:
    return Probe(300, "linear", {"linear": level}, constant, noise, noise, 0.0, 0.0, 0.05, "out of fold")


def sold(count: int = COUNT, **columns: list[object]) -> pd.DataFrame:
    luck = np.random.default_rng(3)
    table = rows(count).drop(columns="price").assign(sold=luck.choice(["yes", "no", "no"], count))
    return table.assign(**{name: luck.choice(np.array(values), count) for name, values in columns.items()})


def proposed(table: pd.DataFrame, target: str = "sold", probe: Probe | None = None) -> ModelConfig:
    return config_of(complete(draft_of(table, target), probe or seen()))


def test_few_rows_only_tell_what_they_would_leave_undecided() -> None:
    gate = proposed(sold(sex=["f", "m"])).gate
    assert gate.dry_run == (Rule.LEAKAGE, Rule.CALIBRATION, Rule.FAIRNESS)
    assert gate.leakage is not None
    assert gate.leakage.max_single_feature == 0.995
    assert gate.robustness is not None
    assert gate.calibration is not None


def test_many_rows_decide_all_but_what_a_person_has_to() -> None:
    gate = proposed(sold(MANY, sex=["f", "m"], channel=["web", "shop", "phone"])).gate
    assert gate.dry_run == (Rule.FAIRNESS,)
    assert gate.slices is not None
    assert {"district", "channel"} == set(gate.slices.columns)
    # 2 times 0.01, in a slice of a tenth of the rows
    assert gate.slices.max_harm == pytest.approx(0.064)


def test_a_gate_without_people_in_its_data_tells_nothing_only() -> None:
    assert proposed(sold(MANY)).gate.dry_run == ()
    assert proposed(sold(MANY)).gate.fairness is None


def test_groups_in_a_number_keep_their_values() -> None:
    gate = proposed(sold(foreign_worker=[1, 2, 3])).gate
    assert gate.fairness is not None
    assert gate.fairness.columns == ("foreign_worker",)
    assert gate.fairness.bins == 12


def test_a_regression_is_asked_by_errors() -> None:
    table = rows().assign(sex=np.resize(["f", "m"], COUNT))
    gate = proposed(table, "price", seen(constant=155.0, level=20.0)).gate
    assert gate.leakage is not None
    assert gate.leakage.max_single_feature == 3.1  # a fiftieth
    assert gate.calibration is None
    assert gate.fairness is not None
    assert gate.fairness.max_error_difference == 0.2
    assert gate.fairness.max_parity_difference is None


def test_what_no_probe_has_measured_is_not_asked() -> None:
    gate = config_of(complete(draft_of(sold(MANY), "sold"), None)).gate
    assert (gate.leakage, gate.slices) == (None, None)


def test_several_classes_are_asked_by_errors_too() -> None:
    table = sold(MANY, sex=["f", "m"]).assign(sold=np.random.default_rng(4).choice(["a", "b", "c"], MANY))
    gate = proposed(table, probe=seen(constant=1.1, level=0.6)).gate
    assert gate.fairness is not None
    assert gate.fairness.max_error_difference == 0.2
    assert gate.fairness.max_odds_difference is None
    assert gate.leakage is not None
    assert gate.leakage.max_single_feature == 0.022


def test_what_a_slice_may_lose_is_never_more_than_a_model_is_worth() -> None:
    gate = proposed(sold(MANY), probe=seen(constant=0.5, level=0.46)).gate
    assert gate.slices is not None
    assert gate.slices.max_harm == pytest.approx(0.04)


def test_few_rows_only_tell_of_slices_too() -> None:
    table = sold(12_000)
    assert Rule.SLICES in proposed(table).gate.dry_run


def test_a_slice_of_one_class_is_no_slice_to_judge() -> None:
    table = sold(MANY, channel=["web", "shop", "phone"])
    table.loc[table["channel"] == "phone", "sold"] = "no"
    gate = proposed(table).gate
    assert gate.slices is not None
    assert gate.slices.columns == ("district",)


def test_a_name_that_reads_as_two_columns_is_left_out() -> None:
    table = sold(MANY, **{"channel * day": ["web", "shop"], "sex*": ["f", "m"]})
    gate = proposed(table).gate
    assert gate.slices is not None
    assert gate.slices.columns == ("district",)
    assert gate.fairness is None


def test_what_was_kept_by_name_may_know_the_target() -> None:
    table = sold(MANY)
    table["score"] = (table["sold"] == "yes") * 1.0
    config = config_of(complete(draft_of(table, "sold", keep=frozenset({"score"})), seen()))
    assert "score" in config.features.numeric
    assert config.gate.leakage is not None
    assert config.gate.leakage.allowed == ("score",)


def test_both_reasons_of_a_dry_run_are_told() -> None:
    text = model_file(complete(draft_of(sold(sex=["f", "m"]), "sold"), seen()))
    [line] = [line for line in text.splitlines() if line.startswith("dry_run")]
    assert "few rows or blocks" in line
    assert "a person" in line
