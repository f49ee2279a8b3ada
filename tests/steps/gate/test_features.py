"""What brings nothing is listed, what harms is caught."""

from typing import Any

import numpy as np
import pandas as pd

from millrace.domain.config import ModelConfig
from millrace.domain.verdict import Outcome, Verdict
from tests.conftest import Home
from tests.steps.gate.cases import judge_case, make_case, split_frame, with_columns, with_gate
from tests.steps.gate.rides import ride_config, ride_rows

LIMITS: dict[str, Any] = {"repeats": 3, "min_gain": 0.05, "max_harm": 0.05}


def judged(config: ModelConfig, frame: pd.DataFrame, **more: Any) -> Verdict:
    config = with_gate(config, features={**LIMITS, **more})
    return judge_case(make_case(config, split_frame(config, frame)), "features")


def test_features_that_all_bring_something_pass(fares: Home) -> None:
    config = ride_config()
    used = config.features.model_copy(update={"numeric": ("distance_km", "luggage")})
    found = judged(config.model_copy(update={"features": used}), ride_rows(), max_idle_features=0)
    assert found.outcome is Outcome.PASS
    assert found.reason == (
        "none of 3 features harms; 0 of 3 surely bring less than 0.05 of MAE, needed at most 0"
    )


def test_an_idle_feature_is_told_with_its_nulls_and_fails_where_none_may_be(fares: Home) -> None:
    frame = ride_rows()
    frame.loc[frame.index % 4 == 0, "noise"] = None
    told = judged(ride_config(), frame)
    assert told.outcome is Outcome.PASS
    assert "and can be removed: noise (25" in told.reason
    assert told.reason.endswith("(told only)")
    assert judged(ride_config(), frame, max_idle_features=1).outcome is Outcome.PASS
    assert judged(ride_config(), frame, max_idle_features=0).outcome is Outcome.FAIL
    assert judged(ride_config(), frame, max_idle_share=0.2).outcome is Outcome.FAIL


def test_a_feature_whose_meaning_has_turned_harms(fares: Home) -> None:
    frame = ride_rows()
    meter = frame["fare"] - 3.0 * frame["distance_km"]
    meter -= meter.mean()
    config = with_columns(ride_config(), {"meter": "float"}, {})
    used = config.features.model_copy(update={"numeric": ("distance_km", "meter"), "categorical": ()})
    config = config.model_copy(update={"features": used})
    is_recent = frame["at"].isin(split_frame(config, frame.assign(meter=meter)).recent.frame["at"])
    found = judged(config, frame.assign(meter=np.where(is_recent, -meter, meter)))
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("less MAE without meter (at least ")
