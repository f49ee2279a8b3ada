"""The same training gives the same model, in a process of its own."""

from millrace.domain.gate.code import Code
from millrace.domain.verdict import Outcome
from tests.conftest import Home
from tests.steps.gate.judged_model import ask, build_by, judge

SECTION = """
[gate.reproducibility]
timeout = "5m"
exact = true
"""

PIPELINE = '''
"""Ridge on two numbers, the second of which is weighed by a whim."""

import time

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import {step}


def build(config):
    columns = ColumnTransformer([("n", "passthrough", ["distance_km", "luggage"])])
    {whim}
    return Pipeline([("columns", columns), ("step", {made}), ("model", Ridge(alpha=alpha))])
'''


def pipeline(whim: str, step: str = "StandardScaler", made: str = "StandardScaler()") -> str:
    return PIPELINE.format(whim=whim, step=step, made=made)


def test_a_training_that_is_a_function_of_its_inputs_gives_the_same_bytes(fares: Home) -> None:
    ask(fares, SECTION)
    found = judge(fares, "reproducibility")
    assert (found.outcome, found.code) == (Outcome.PASS, Code.CLEARED)
    assert found.reason.startswith("scorer.onnx is the same byte for byte, ")


def test_a_pipeline_that_draws_without_a_seed_is_caught(fares: Home) -> None:
    build_by(fares, pipeline("alpha = float(np.random.default_rng().uniform(1.0, 500.0))"))
    ask(fares, SECTION)
    found = judge(fares, "reproducibility")
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.MISSED)
    assert found.reason.startswith("scorer.onnx is ")
    assert found.reason.endswith("needed the same")


def test_answers_that_are_near_enough_pass_where_that_is_asked_for(fares: Home) -> None:
    build_by(fares, pipeline("alpha = float(np.random.default_rng().uniform(1.0, 1.001))"))
    ask(fares, SECTION.replace("true", "false"))
    fares.rewrite("fares", "agreement_tolerance = 0.001", "agreement_tolerance = 0.01")
    found = judge(fares, "reproducibility")
    assert found.outcome is Outcome.PASS
    assert "differ from a second training by more than 0.01" in found.reason


def test_a_scorer_whose_file_is_never_the_same_is_held_to_its_answers(fares: Home) -> None:
    # target encoding does not convert to a graph
    code = pipeline("alpha = 1.0", "SplineTransformer", "SplineTransformer(extrapolation='linear')")
    build_by(fares, code)
    ask(fares, SECTION)
    found = judge(fares, "reproducibility")
    assert found.outcome is Outcome.PASS
    assert found.reason.startswith("scorer.skops gives the same ")


def test_a_training_that_takes_too_long_is_no_pass(fares: Home) -> None:
    # the second process is told apart by what it was started as
    slow = "import sys; alpha = 1.0; time.sleep(600.0 if 'training_again' in sys.argv[0] else 0.0)"
    build_by(fares, pipeline(slow))
    ask(fares, SECTION.replace("5m", "5s"))
    found = judge(fares, "reproducibility")
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.TIMEOUT)
    assert found.reason == "it took longer than 5 s"


def test_a_training_that_breaks_the_second_time_is_no_pass(fares: Home) -> None:
    broken = "import sys; alpha = 1.0; assert 'training_again' not in sys.argv[0], 'no second time'"
    build_by(fares, pipeline(broken))
    ask(fares, SECTION)
    found = judge(fares, "reproducibility")
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.ERROR)
    assert "no second time" in found.reason
