"""What holds of every model that comes with the clone."""

from pathlib import Path

import numpy as np
import pytest

from millrace.adapters.models import find_model, list_models
from millrace.domain.facts import Agreement
from millrace.domain.monitoring.answered import AnsweredRows
from millrace.domain.monitoring.health import judge_errors, judge_latency, judge_skew
from millrace.domain.monitoring.skew import ComparedInputs, Skew
from millrace.domain.verdict import Outcome
from millrace.settings import PROJECT_ROOT

MODELS = PROJECT_ROOT / "models"


@pytest.mark.parametrize("folder", ["millrace", "flows", "tasks"])
def test_no_line_of_the_code_knows_a_model_by_name(folder: str) -> None:
    names = list_models(MODELS)
    files = [path for path in (PROJECT_ROOT / folder).rglob("*.*") if path.suffix in {".py", ".j2"}]
    known = [(path, name) for path in files for name in names if name in path.read_text("utf-8")]
    assert len(files) > 0
    assert known == []


WATCHED = [name for name in list_models(MODELS) if find_model(MODELS, name).health is not None]


@pytest.mark.parametrize("name", WATCHED)
def test_what_its_health_allows_can_be_shown_by_the_shortest_window(name: str) -> None:
    config = find_model(MODELS, name)
    assert config.health is not None
    assert config.drift is not None
    rows, alpha = config.drift.min_rows, 1.0 - config.gate.confidence
    asked = AnsweredRows(
        np.arange(rows), np.zeros(rows), np.zeros(rows), np.zeros(rows, np.int64), np.zeros(rows),
        np.zeros(rows, bool), np.ones(rows, bool),
    )  # fmt: skip
    same = Skew(Agreement(rows, 0.0, 0), ComparedInputs(rows, 0, ()), ())
    found = (
        judge_errors(asked, config.health, alpha),
        judge_latency(asked, config.health, alpha),
        judge_skew(same, config.health, alpha),
    )
    assert {one.outcome for one in found} == {Outcome.PASS}


@pytest.mark.parametrize("name", list_models(MODELS))
def test_its_folder_says_what_it_is(name: str) -> None:
    config = find_model(MODELS, name)
    assert Path(MODELS / name / "README.md").read_text("utf-8").startswith("# ")
    assert config.model.purpose.endswith("?")
