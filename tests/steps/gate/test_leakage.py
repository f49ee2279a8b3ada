"""A feature that knows too much is caught, and so are judged rows in the training; honest ones pass."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.domain.config import ModelConfig
from millrace.domain.gate.code import Code
from millrace.domain.kinds import Task
from millrace.domain.verdict import Outcome, Verdict
from tests.adapters.planted import planted_config, planted_rows
from tests.adapters.worded import worded_config, worded_rows
from tests.conftest import Home
from tests.steps.gate.cases import judge_case, make_case, split_frame, with_columns, with_gate
from tests.steps.gate.rides import ride_config, ride_rows

LIMITS: dict[str, Any] = {"max_single_feature": 5.0, "max_copied_share": 0.0}


def judged(config: ModelConfig, frame: pd.DataFrame, **more: Any) -> Verdict:
    config = with_gate(config, leakage={**LIMITS, **more})
    return judge_case(make_case(config, split_frame(config, frame)), "leakage")


def with_key(config: ModelConfig, *key: str) -> ModelConfig:
    return config.model_copy(update={"data": config.data.model_copy(update={"key": key})})


def test_honest_features_pass(fares: Home) -> None:
    found = judged(ride_config(), ride_rows())
    assert found.outcome is Outcome.PASS, found.reason
    assert found.reason.startswith("of 4 features none is too good alone: at best distance_km MAE 11.93, ")
    assert "0 of 2,006 judged rows (0.00%) have the key of a training row" in found.reason


def test_a_feature_that_is_nearly_the_target_fails(fares: Home) -> None:
    frame = ride_rows()
    frame["quote"] = frame["fare"] + np.random.default_rng(1).normal(0.0, 3.0, len(frame))
    found = judged(with_columns(ride_config(), {"quote": "float"}, {}), frame)
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.MISSED)
    assert found.reason.startswith("too good alone: quote MAE ")


def test_what_a_person_has_allowed_passes(fares: Home) -> None:
    frame = ride_rows()
    frame["quote"] = frame["fare"] + np.random.default_rng(1).normal(0.0, 3.0, len(frame))
    config = with_columns(ride_config(), {"quote": "float"}, {})
    assert judged(config, frame, allowed=["quote"]).outcome is Outcome.PASS


def test_a_category_that_stands_for_the_target_fails(fares: Home) -> None:
    frame = ride_rows()
    frame["zone"] = "z" + (frame["fare"] // 4).astype(int).astype(str)
    found = judged(with_columns(ride_config(), {}, {"zone": "string"}), frame)
    assert found.outcome is Outcome.FAIL
    assert "too good alone: zone MAE " in found.reason


def test_a_feature_that_new_would_leave_out_fails_whatever_its_figure(fares: Home) -> None:
    frame = ride_rows()
    frame["fare_code"] = np.arange(len(frame)) % 7
    found = judged(with_columns(ride_config(), {"fare_code": "int"}, {}), frame)
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("fare_code knows the target (by its name it comes with fare, or after it)")


def test_a_value_that_is_known_after_the_ride_fails(fares: Home) -> None:
    frame = ride_rows()
    late = np.random.default_rng(1).random(len(frame)) < 0.1
    frame["billed_at"] = frame["at"] + pd.to_timedelta(np.where(late, 60, -60), unit="s")
    config = with_columns(ride_config(), {}, {})
    columns = config.contract.columns | {"billed_at": config.contract.columns["at"]}
    config = config.model_copy(update={"contract": config.contract.model_copy(update={"columns": columns})})
    known = {"known_at": {"noise": "billed_at"}}
    found = judged(config, frame, **known, max_late_share=0.01)
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith(f"{late.sum():,} of 4,080 values of noise (")
    assert judged(config, frame, **known, max_late_share=0.2).outcome is Outcome.PASS


@pytest.mark.parametrize("is_keyed", [True, False])
def test_judged_rows_that_come_again_in_a_training_block_fail(fares: Home, is_keyed: bool) -> None:
    config = ride_config()
    frame = ride_rows()
    split = split_frame(config, frame)
    copies = split.recent.frame.head(200).assign(at=split.training.frame["at"].iloc[5])
    if not is_keyed:
        copies["ride"] += 1_000_000
    twice = pd.concat([frame, copies], ignore_index=True)
    found = judged(config if is_keyed else with_key(config), twice)
    assert found.outcome is Outcome.FAIL
    told = "have the key of a training row" if is_keyed else "of the judged rows are equal to a training row"
    assert told in found.reason.split("; ")[0]


def test_rows_that_are_alike_by_their_nature_pass(fares: Home) -> None:
    """A few whole numbers repeat in every block: as often among training rows as among judged ones."""
    frame = ride_rows()
    frame["distance_km"], frame["noise"] = frame["distance_km"].round(-1), 0.0
    frame["fare"] = frame["fare"].round(-1)
    found = judged(with_key(ride_config()), frame, max_copied_share=0.02)
    assert found.outcome is Outcome.PASS, found.reason


def test_a_feature_that_is_as_good_as_it_may_be_is_not_decided_on(fares: Home) -> None:
    found = judged(ride_config(), ride_rows(), max_single_feature=11.9)
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.UNSURE)
    assert found.reason.startswith("perhaps too good alone: distance_km MAE 11.93, ")


def test_texts_alone_leave_no_feature_to_ask_alone_and_the_rest_decides(home: Home) -> None:
    (home.models / "planted").mkdir()
    (home.models / "planted" / "model.toml").write_text("", "utf-8")
    config = worded_config(Task.BINARY)
    texts = config.features.model_copy(update={"numeric": (), "categorical": ()})
    config = config.model_copy(update={"features": texts})
    found = judged(config, worded_rows(Task.BINARY), max_single_feature=0.9, max_copied_share=0.5)
    assert found.outcome is Outcome.PASS, found.reason
    assert "features alone: nothing to ask, 1 text cannot be asked by a small tree" in found.reason


def test_with_every_feature_allowed_the_rest_decides(fares: Home) -> None:
    config = ride_config()
    found = judged(config, ride_rows(), allowed=list(config.features.names))
    assert found.outcome is Outcome.PASS, found.reason
    assert found.reason.endswith(
        "features alone: nothing to ask, all are allowed; "
        "features that know the target: nothing to ask, all are allowed"
    )


@pytest.mark.parametrize("limit", [1.0, 1.5])
def test_a_score_that_no_feature_can_reach_is_refused(limit: float) -> None:
    config = with_gate(planted_config(Task.BINARY), leakage={**LIMITS, "max_single_feature": limit})
    with pytest.raises(ValueError, match=rf"max_single_feature is {limit:g}, which no auc is above"):
        with_columns(config, {}, {})


@pytest.mark.parametrize(("task", "limit"), [(Task.BINARY, 0.95), (Task.MULTICLASS, 0.05)])
def test_a_code_of_classes_fails_and_honest_columns_pass(home: Home, task: Task, limit: float) -> None:
    (home.models / "planted").mkdir()
    (home.models / "planted" / "model.toml").write_text("", "utf-8")
    config, frame = planted_config(task), planted_rows(task, 1_200)
    limits = {"max_single_feature": limit, "max_copied_share": 0.1}
    honest = judged(config, frame, **limits)
    assert honest.outcome is Outcome.PASS, honest.reason
    frame["code"] = "k" + frame["y"].astype(str)
    found = judged(with_columns(config, {}, {"code": "string"}), frame, **limits)
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("too good alone: code ")
