"""What a folder of tests says is told apart: failed, broken, skipped, none at all, too slow."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from millrace.adapters.pytest_run import NoReportError, TestRun, run_tests
from millrace.domain.gate.behaviour import OddTest


def run(root: Path, code: str, timeout: float = 60.0, **environment: str) -> TestRun:
    folder, scratch = root / "tests", root / "scratch"
    folder.mkdir()
    scratch.mkdir()
    (folder / "test_it.py").write_text(code, "utf-8")
    try:
        return run_tests(folder, environment, timeout, scratch)
    finally:
        assert [path.name for path in folder.rglob("*")] == ["test_it.py"], "nothing is left in the folder"


def test_each_kind_of_end_is_counted_once(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
import os, pytest
def test_good(): assert os.environ["ASKED"] == "abc"
@pytest.mark.parametrize("n", [1, 2])
def test_several(n): assert n < 2, "two\\nlines"
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert False
@pytest.fixture
def broken(): raise KeyError("no such")
def test_broken(broken): pass
@pytest.fixture
def late():
    yield
    raise KeyError("late")
def test_teardown(late): pass
""",
        ASKED="abc",
    )
    assert (found.passed, found.skipped, found.exit_code) == (2, 2, 1)
    assert found.failed == (OddTest("test_it::test_several[2]", "two lines assert 2 < 2"),)
    assert [one.name for one in found.broken] == ["test_it::test_broken", "test_it::test_teardown"]
    assert "no such" in found.broken[0].why


def test_all_that_pass(tmp_path: Path) -> None:
    assert run(tmp_path, "def test_a(): pass\ndef test_b(): pass") == TestRun(2, 0, (), (), 0)


def test_a_file_that_cannot_be_read_is_broken(tmp_path: Path) -> None:
    found = run(tmp_path, "import no_such_module_at_all\ndef test_a(): pass")
    assert (found.passed, len(found.broken), found.exit_code) == (0, 1, 2)


def test_no_test_at_all(tmp_path: Path) -> None:
    assert run(tmp_path, "x = 1") == TestRun(0, 0, (), (), 5)


def test_a_process_that_dies_leaves_no_report(tmp_path: Path) -> None:
    with pytest.raises(NoReportError, match=r"pytest ended with 0 and left no report on .*Run `pytest"):
        run(tmp_path, "import os\ndef test_a(): os._exit(0)")


def test_what_takes_too_long_is_stopped_with_all_it_has_started(tmp_path: Path) -> None:
    code = f"""
import subprocess, sys, time
def test_a():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
    time.sleep(600)
"""
    with pytest.raises(subprocess.TimeoutExpired):
        run(tmp_path, code, 5.0)
    pid = int((tmp_path / "pid").read_text())
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=30)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_nothing_around_the_folder_configures_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--no-such"\n', "utf-8")
    assert run(tmp_path, "def test_a(): pass").passed == 1
    assert os.environ["PYTEST_ADDOPTS"]
    assert sys.executable
