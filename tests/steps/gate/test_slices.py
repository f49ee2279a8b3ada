"""A model that is worse in one slice is caught, and by columns that it does not know too."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from millrace.domain.canonical import NULL
from millrace.domain.config import ModelConfig, Rule
from millrace.domain.verdict import Outcome, Verdict
from millrace.steps.gate.grouping import HIDDEN_NEW, make_grouping
from millrace.steps.rows import LabelledRows, SplitRows
from millrace.steps.stores import model_config
from tests.conftest import Home
from tests.steps.gate.cases import judge_case, make_case, split_frame, with_gate
from tests.steps.gate.judged_model import ask, judge
from tests.steps.gate.rides import ride_config, ride_rows

SLICES = {
    "columns": ["luggage", "tariff", "luggage*tariff", "distance_km"],
    "max_harm": 3.0,
    "min_blocks": 14,
    "min_share": 0.05,
    "bins": 4,
}


def trees(seed: int) -> ModelConfig:
    config = with_gate(ride_config(), slices=SLICES)
    changes = {"estimator": "hist_gradient_boosting", "parameters": {"max_iter": 60}, "seed": seed}
    return config.model_copy(update={"training": config.training.model_copy(update=changes)})


def taught(rows: SplitRows, wrong: npt.ArrayLike) -> SplitRows:
    """Let the training rows say a fare that is so much too high; what judges stays as it is."""
    training = rows.training
    return replace(
        rows, training=LabelledRows(training.frame, training.labels + np.asarray(wrong), training.blocks)
    )


def against_clean(rows: SplitRows, seed: int, spoilt: SplitRows | None = None) -> Verdict:
    champion = make_case(trees(7), rows)
    return judge_case(make_case(trees(seed), spoilt or rows, champion=champion.trained.digest), "slices")


def test_a_challenger_that_errs_in_one_slice_of_two_columns_is_caught(fares: Home) -> None:
    rows = split_frame(trees(7), ride_rows())
    frame = rows.training.frame
    wrong = 12.0 * ((frame["luggage"] == 3) & (frame["tariff"] == "night"))
    found = against_clean(rows, 8, taught(rows, wrong))
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("luggage=3, tariff=night MAE ")


def test_a_clean_challenger_is_let_through(fares: Home) -> None:
    found = against_clean(split_frame(trees(7), ride_rows()), 8)
    assert found.outcome is Outcome.PASS, found.reason


def test_a_slice_need_not_be_a_feature_and_the_ledger_has_the_verdict(fares: Home) -> None:
    ask(fares, '[gate.slices]\ncolumns = ["noise"]\nfloor = 12.0\nmin_blocks = 14\nmin_share = 0.1\nbins = 3')
    found = judge(fares, "slices")
    assert found.outcome is Outcome.PASS
    assert found.reason.startswith("3 of 3 limits cleared, nearest noise=")


def grouped(section: dict[str, object], training: pd.DataFrame, frame: pd.DataFrame) -> list[str]:
    config = with_gate(model_config("fares"), slices={**SLICES, **section})
    return make_grouping(config, training).of(frame)[Rule.SLICES][str(section["columns"][0])].tolist()  # type: ignore[index]


def test_a_number_is_cut_where_training_rows_are_many_and_few_values_stay_themselves(fares: Home) -> None:
    training = pd.DataFrame({"distance_km": np.arange(100.0), "luggage": np.arange(100) % 3})
    frame = pd.DataFrame(
        {"distance_km": [-5.0, 24.0, 24.5, 74.0, 400.0, np.nan], "luggage": [0, 1, 2, 9, 0, 1]}
    )
    parts = ["up to 24", "up to 24", "24 to 49", "49 to 74", "above 74", NULL]
    assert grouped({"columns": ["distance_km"]}, training, frame) == parts
    assert grouped({"columns": ["luggage"]}, training, frame) == ["0", "1", "2", "9", "0", "1"]
    mostly_one = training.assign(distance_km=np.repeat([1.0, 2.0, 3.0, 4.0, 9.0], [1, 1, 1, 1, 96]))
    tail = pd.DataFrame({"distance_km": [3.0, 4.0, 9.0]})
    assert grouped({"columns": ["distance_km"]}, mostly_one, tail) == ["up to 4", "up to 4", "above 4"]


@pytest.mark.parametrize("key", ["hash", "leave_out"])
def test_values_that_the_log_hides_are_not_told_by_the_gate(fares: Home, key: str) -> None:
    fares.learn_from("fares", "distance_km", "tariff")
    ask(fares, f'[serving]\ndurability = "fast"\n{key} = ["tariff"]')
    training = pd.DataFrame({"tariff": ["night", "day", "night"]})
    frame = pd.DataFrame({"tariff": ["day", "night", "dawn"]})
    assert grouped({"columns": ["tariff"]}, training, frame) == ["hidden 2", "hidden 1", HIDDEN_NEW]
