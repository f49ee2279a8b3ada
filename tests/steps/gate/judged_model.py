"""A planted model that is trained and judged for real, by a policy and a pipeline of the test's own."""

from pathlib import Path

from millrace.domain.verdict import Verdict
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

COLUMNS = ("distance_km", "tariff", "luggage")


def ask(home: Home, section: str, model: str = "fares") -> None:
    """Write a section at the end of `model.toml`."""
    path = home.models / model / "model.toml"
    path.write_text(f"{path.read_text('utf-8')}\n{section}\n", "utf-8")


def build_by(home: Home, code: str, model: str = "fares") -> Path:
    """Let `pipeline.py` build the model."""
    path = home.models / model / "pipeline.py"
    path.write_text(code, "utf-8")
    home.rewrite(model, 'estimator = "linear"', 'estimator = "pipeline:build"')
    return path


def judge(home: Home, rule: str, model: str = "fares") -> Verdict:
    """Take in what there is, train, and return what the gate says by one rule."""
    take_in(model, NOON)
    if model == "fares":
        home.learn_from(model, *COLUMNS)
    judged = retrain(model, NOON).judged
    assert judged is not None
    [found] = [verdict for verdict in judged.verdicts if verdict.rule == rule]
    return found
