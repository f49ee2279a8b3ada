"""What do the tests in the model's folder say of the challenger?"""

from pathlib import Path
from tempfile import TemporaryDirectory

from millrace.adapters.pytest_run import run_tests
from millrace.domain.gate.behaviour import Behaviour
from millrace.domain.gate.code import Code
from millrace.domain.gate.measurement import NoEvidenceError
from millrace.settings import load_settings
from millrace.steps.gate.case import Case
from millrace.steps.new_checks import ASKED_VERSION


def measure_behaviour(case: Case) -> Behaviour:
    """Run `models/<name>/tests`, with the challenger as the version that they ask.

    They are the user's code, and run with the rights of whoever judges, as `pipeline.py` does.
    """
    asked, name = case.config.gate.behaviour, case.config.name
    folder = load_settings().models / name / "tests"
    if asked is None or not folder.is_dir():
        raise NoEvidenceError(Code.ABSENT, f"there is no folder models/{name}/tests")
    with TemporaryDirectory(prefix="millrace-tests-") as scratch:
        found = run_tests(
            folder,
            {ASKED_VERSION: case.compared.challenger.digest},
            asked.timeout.total_seconds(),
            Path(scratch),
        )
    return Behaviour(case.on_recent, found.passed, found.skipped, found.failed, found.broken, found.exit_code)
