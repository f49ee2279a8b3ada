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
"""Ridge on two numbers, by an alpha that may know the second training from the first."""

import sys
import time

from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import {step}


def build(config):
    again = "training_again" in sys.argv[0]
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


def test_a_pipeline_that_differs_from_training_to_training_is_caught(fares: Home) -> None:
    build_by(fares, pipeline("alpha = 500.0 if again else 1.0"))
    ask(fares, SECTION)
    found = judge(fares, "reproducibility")
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.MISSED)
    assert found.reason.startswith("scorer.onnx is ")
    assert found.reason.endswith("needed the same")


def test_answers_that_are_near_enough_pass_where_that_is_asked_for(fares: Home) -> None:
    build_by(fares, pipeline("alpha = 1.01 if again else 1.0"))
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
    build_by(fares, pipeline("alpha = 1.0; time.sleep(600.0 if again else 0.0)"))
    ask(fares, SECTION.replace("5m", "5s"))
    found = judge(fares, "reproducibility")
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.TIMEOUT)
    assert found.reason == "it took longer than 5 s"


def test_a_training_that_breaks_the_second_time_is_no_pass(fares: Home) -> None:
    build_by(fares, pipeline("alpha = 1.0; assert not again, 'no second time'"))
    ask(fares, SECTION)
    found = judge(fares, "reproducibility")
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.ERROR)
    assert "no second time" in found.reason
