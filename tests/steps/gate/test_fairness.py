"""A model that treats people of one group worse is caught, though it does not know the group."""

from dataclasses import replace

import numpy as np
import pandas as pd

from millrace.domain.config import ModelConfig
from millrace.domain.verdict import Outcome
from millrace.steps.rows import LabelledRows, SplitRows
from tests.conftest import Home
from tests.steps.gate.cases import judge_case, make_case, split_frame, with_gate
from tests.steps.gate.rides import ride_config, ride_rows

FAIR = {"columns": ["sex", "old", "sex*old"], "min_rows": 50, "min_share": 0.1}
LIMITS = {"max_parity_difference": 0.2, "max_odds_difference": 0.25, "min_impact_ratio": 0.6}


def dear_rides(**limits: float) -> ModelConfig:
    """Ask of a ride whether it is dear; of who rides the model knows nothing but the noise they make."""
    document = ride_config().model_dump(exclude_none=True)
    document["model"]["task"] = "binary"
    document["data"]["target"] = "dear"
    document["contract"]["columns"] |= {
        "dear": {"type": "int"}, "sex": {"type": "string"}, "old": {"type": "bool"},
    }  # fmt: skip
    document["gate"] |= {"metric": "brier", "floors": {}}
    return with_gate(ModelConfig.model_validate(document), fairness={**FAIR, **limits})


def riders() -> pd.DataFrame:
    """Return rides of people; women make more noise, which says nothing of the fare."""
    rows, source = ride_rows(), np.random.default_rng(5)
    sex = source.choice(["f", "m"], len(rows))
    return rows.assign(
        dear=(rows["fare"] > rows["fare"].median()).astype(int),
        sex=sex,
        old=source.random(len(rows)) < 0.3,
        noise=rows["noise"] + 4.0 * (sex == "f"),
    )


def unfair(rows: SplitRows) -> SplitRows:
    """Teach that the rides of women are not dear: what judges is as it was."""
    training = rows.training
    denied = (training.frame["sex"] == "f") & (np.random.default_rng(0).random(len(training.frame)) < 0.6)
    labels = np.where(denied, 0.0, training.labels)
    return replace(rows, training=LabelledRows(training.frame, labels, training.blocks))


def test_a_model_that_decides_by_who_rides_is_caught_by_each_measure(fares: Home) -> None:
    config = dear_rides(**LIMITS)
    rows = split_frame(config, riders())
    case = make_case(config, unfair(rows))
    for name, limit in LIMITS.items():
        alone = replace(case, config=dear_rides(**{name: limit}))
        found = judge_case(alone, "fairness")
        assert found.outcome is Outcome.FAIL, found.reason
        assert "sex=m" in found.reason


def test_a_model_that_decides_by_the_ride_is_let_through(fares: Home) -> None:
    config = dear_rides(**LIMITS)
    found = judge_case(make_case(config, split_frame(config, riders())), "fairness")
    assert found.outcome is Outcome.PASS, found.reason
    assert found.reason.startswith("12 of 12 limits kept, nearest ")
