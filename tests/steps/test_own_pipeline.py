"""The pipeline that docs/how-to/own-pipeline.md shows is one that trains and converts."""

import re

from millrace.domain.bundle import Engine
from millrace.settings import PROJECT_ROOT
from millrace.steps.decide import RetrainResult
from tests import loop
from tests.conftest import NOON, Home

PAGE = PROJECT_ROOT / "docs" / "how-to" / "own-pipeline.md"


def test_the_pipeline_of_the_page_is_trained_and_exported_as_a_graph(home: Home) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (home.models / "progression" / "pipeline.py").write_text(code.replace("Classifier", "Regressor"), "utf-8")
    home.rewrite("progression", 'estimator = "linear"', 'estimator = "pipeline:build"')
    loop.take_in("progression", NOON)
    result = loop.retrain("progression", NOON)
    assert isinstance(result, RetrainResult)
    assert result.trained is not None
    assert result.trained.engine is Engine.ONNX
