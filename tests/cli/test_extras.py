"""What does a person see who installed the service alone and asks for more?"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None  # as if it were not installed
sys.argv = ["millrace", *sys.argv[2:]]
from millrace.cli.main import main
main()
"""


def run_without(package: str, *verb: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, package, *verb],
        env=os.environ | {"MILLRACE_HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("package", "verb", "extra"), [("pydantic", "status", "control"), ("uvicorn", "serve", "serve")]
)
def test_a_verb_whose_packages_are_not_there_names_the_extra(
    tmp_path: Path, package: str, verb: str, extra: str
) -> None:
    ended = run_without(package, verb, home=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: {package} is not installed.")
    assert f'pip install "millrace[{extra}]"' in ended.stderr


def test_a_service_without_a_key_says_how_to_get_one(tmp_path: Path) -> None:
    ended = run_without("nothing", "serve", home=tmp_path)
    assert ended.returncode == 1
    assert "signing.pub: no such file" in ended.stderr


def test_a_service_that_others_reach_needs_a_token(tmp_path: Path) -> None:
    from millrace.adapters.keys import ensure_keys

    ensure_keys(tmp_path / "var" / "keys")
    ended = run_without("nothing", "serve", "--host", "0.0.0.0", home=tmp_path)  # noqa: S104 - it must refuse
    assert ended.returncode == 1
    assert "millrace token create" in ended.stderr
