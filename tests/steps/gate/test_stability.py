"""How much of a model is luck is found by fitting it again to other draws of its blocks."""

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.training import Learned
from millrace.domain.config.data import FeaturesSection
from millrace.domain.gate.code import Code
from millrace.domain.kinds import Task
from millrace.domain.verdict import Outcome
from millrace.steps.gate.refitting import Refitting
from millrace.steps.gate.stability import draw_rows
from tests.adapters.planted import planted_config
from tests.conftest import Home
from tests.steps.gate.judged_model import ask, build_by, judge

SECTION = """
[gate.stability]
refits = 5
rows = 1000
max_loss_spread = 0.3
max_answer_spread = 2.0
"""

LUCKY = '''
"""A pipeline that sees the columns through two random numbers each: which ones, is luck."""

from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.random_projection import GaussianRandomProjection


def build(config):
    columns = ColumnTransformer(
        [("n", "passthrough", ["distance_km", "luggage"]), ("c", OneHotEncoder(), ["tariff"])]
    )
    return Pipeline([("columns", columns), ("luck", GaussianRandomProjection(2)), ("model", Ridge())])
'''


def test_a_model_that_rests_on_its_rows_is_stable(fares: Home) -> None:
    ask(fares, SECTION)
    found = judge(fares, "stability")
    assert found.outcome is Outcome.PASS
    assert found.reason.startswith("MAE of 5 refits deviates by 0.0")


def test_a_model_that_rests_on_luck_is_caught(fares: Home) -> None:
    build_by(fares, LUCKY)
    ask(fares, SECTION)
    found = judge(fares, "stability")
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.MISSED)
    assert "their answers to a row deviate by" in found.reason


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("progression", "their answers to a row deviate by "),
        ("complaints", "two of them decide otherwise on a share of "),
        ("parcels", "two of them decide otherwise on a share of "),
    ],
)
def test_a_model_of_any_task_is_asked_with_time_or_without(home: Home, model: str, told: str) -> None:
    if model != "progression":
        home.add_model(model)
    ask(home, SECTION.replace("0.3", "20.0").replace("2.0", "50.0"), model)
    found = judge(home, "stability", model)
    assert found.outcome is Outcome.PASS, found.reason
    assert told in found.reason


def test_classes_that_a_draw_lacks_have_no_share() -> None:
    learned = Learned(
        pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]}),
        np.array([0.0, 1.0, 2.0, 2.0]),
        np.array(["a", "b", "c", "d"]),
    )
    config = planted_config(Task.MULTICLASS)
    refitting = Refitting(
        config.model_copy(update={"features": FeaturesSection(numeric=("x",))}),
        {},
        None,
        learned,
        learned.features,
        ("one", "two", "three", "unlearned"),
    )
    answers = refitting.answer(np.array([0, 2, 3, 3]))
    assert answers.shape == (4, 4)
    assert answers[:, [1, 3]].tolist() == [[0.0, 0.0]] * 4
    assert answers.sum(axis=1) == pytest.approx(np.ones(4))
    assert answers[0, 0] > 0.5 < answers[3, 2]


def test_blocks_are_drawn_whole_with_replacement_and_the_same_each_time() -> None:
    blocks = np.repeat([f"b{at:02d}" for at in range(40)], 5)
    drawn, again, other = (draw_rows(blocks, 60, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert drawn.tolist() == again.tolist() != other.tolist()
    names, counts = np.unique(blocks[drawn], return_counts=True)
    assert drawn.size == 60
    assert set(counts.tolist()) <= {5, 10, 15, 20}
    everything = draw_rows(blocks, 10_000, np.random.default_rng(1))
    assert everything.size == blocks.size
    assert len(names) < 40 > len(np.unique(blocks[everything]))
