"""What do the tests in a folder say? A real pytest, in a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from millrace.domain.gate.behaviour import OddTest
from millrace.errors import MillraceError

LONGEST = 300
"""So much of what a test says is kept: a reason is one line."""

REPORT, OUTPUT = "report.xml", "output.txt"


@dataclass(frozen=True)
class TestRun:
    """What came of the tests of a folder, and with which code pytest ended."""

    __test__ = False

    passed: int
    skipped: int
    failed: tuple[OddTest, ...]
    broken: tuple[OddTest, ...]
    exit_code: int


class NoReportError(MillraceError):
    """Pytest ended without saying what came of the tests."""

    def __init__(self, folder: Path, exit_code: int, said: str) -> None:
        self.folder, self.exit_code, self.said = folder, exit_code, said
        super().__init__(
            f"pytest ended with {exit_code} and left no report on {folder}: {said or 'it said nothing'}. "
            f"Run `pytest {folder}` to see why"
        )


def run_tests(folder: Path, environment: Mapping[str, str], timeout_seconds: float, scratch: Path) -> TestRun:
    """Run the tests of a folder with more variables in the environment.

    Nothing is written into the folder, and no configuration around it counts. What the tests have started is
    killed with them.

    Parameters
    ----------
    scratch
        An empty folder for what pytest writes.

    Raises
    ------
    subprocess.TimeoutExpired
        If they are not through in time.
    NoReportError
        If pytest died.
    """
    alone = scratch / "pytest.ini"
    alone.write_text("[pytest]\n", "utf-8")
    command = [
        sys.executable, "-m", "pytest", str(folder), "-c", str(alone), f"--rootdir={folder}", "-q",
        "-p", "no:cacheprovider", "--import-mode=importlib", f"--junitxml={scratch / REPORT}",
    ]  # fmt: skip
    inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    with (scratch / OUTPUT).open("wb") as output:
        # to a file: a pipe would stay open as long as anything that a test has started holds it
        process = subprocess.Popen(  # noqa: S603
            command,
            env={**inherited, "PYTHONDONTWRITEBYTECODE": "1", **environment},
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            exit_code = process.wait(timeout_seconds)
        finally:
            _end(process)
    return _read(folder, scratch, exit_code)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of a process and of all it has started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(folder: Path, scratch: Path, exit_code: int) -> TestRun:
    try:
        report = ElementTree.parse(scratch / REPORT)  # noqa: S314 - pytest of this very run wrote it
    except (OSError, ElementTree.ParseError) as error:
        lines = (scratch / OUTPUT).read_text("utf-8", errors="replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), "")[:LONGEST]
        raise NoReportError(folder, exit_code, said) from error
    cases = list(report.getroot().iter("testcase"))
    told = {kind: [case for case in cases if case.find(kind) is not None] for kind in ("failure", "error")}
    failed, broken = (_once(told[kind], kind) for kind in ("failure", "error"))
    names = {_name(case) for kind in told.values() for case in kind}
    skipped = sum(case.find("skipped") is not None and _name(case) not in names for case in cases)
    passed = sum(not len(_marks(case)) and _name(case) not in names for case in cases)
    return TestRun(passed, skipped, failed, broken, exit_code)


def _marks(case: ElementTree.Element) -> list[ElementTree.Element]:
    return [mark for mark in case if mark.tag in {"failure", "error", "skipped"}]


def _once(cases: list[ElementTree.Element], kind: str) -> tuple[OddTest, ...]:
    """Tell of each test once: one that fails and whose teardown breaks stands there twice."""
    return tuple({_name(case): OddTest(_name(case), _why(case.find(kind))) for case in cases}.values())


def _name(case: ElementTree.Element) -> str:
    within = case.get("classname", "")
    return "::".join(part for part in (within, case.get("name", "")) if part)


def _why(mark: ElementTree.Element | None) -> str:
    said = "" if mark is None else mark.get("message") or (mark.text or "")
    said = said.removeprefix("AssertionError: ")
    return " ".join(said.split())[:LONGEST] or "it does not say why"
