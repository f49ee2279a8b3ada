"""A proposed gate asks for further rules, and lets those decide that the rows can carry."""

import numpy as np
import pandas as pd
import pytest

from millrace.domain.config import ModelConfig, Rule
from millrace.domain.proposal import Probe, complete, config_of
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
