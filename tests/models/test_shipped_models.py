"""What holds of every model that comes with the clone."""

from pathlib import Path

import pytest

from millrace.adapters.models import find_model, list_models
from millrace.settings import PROJECT_ROOT

MODELS = PROJECT_ROOT / "models"


@pytest.mark.parametrize("folder", ["millrace", "flows", "tasks"])
def test_no_line_of_the_code_knows_a_model_by_name(folder: str) -> None:
    names = list_models(MODELS)
    files = [path for path in (PROJECT_ROOT / folder).rglob("*.*") if path.suffix in {".py", ".j2"}]
    known = [(path, name) for path in files for name in names if name in path.read_text("utf-8")]
    assert len(files) > 0
    assert known == []


@pytest.mark.parametrize("name", list_models(MODELS))
def test_its_folder_says_what_it_is(name: str) -> None:
    config = find_model(MODELS, name)
    assert Path(MODELS / name / "README.md").read_text("utf-8").startswith("# ")
    assert config.model.purpose.endswith("?")
