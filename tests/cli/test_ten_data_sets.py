"""Public tables, each from a written file to a published champion with no edit."""

import pytest

from benchmarks.any_model.tables import TABLES, PublicTable
from millrace.domain.kinds import Task
from millrace.domain.verdict import Outcome
from millrace.steps.stores import ledger, model_config
from tests.cli.conftest import Command
from tests.conftest import Home

TASKS = {
    "iris": Task.MULTICLASS,
    "wine": Task.MULTICLASS,
    "digits": Task.MULTICLASS,
    "segments": Task.MULTICLASS,
    "breast_cancer": Task.BINARY,
    "phishing": Task.BINARY,
    "bananas": Task.BINARY,
    "shuttle": Task.BINARY,
    "late_flights": Task.BINARY,
    "diabetes": Task.REGRESSION,
    "approval": Task.REGRESSION,
    "weather": Task.REGRESSION,
}
TIMED = {"late_flights", "weather"}


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_public_table_becomes_a_published_champion_with_no_edit(
    table: PublicTable, home: Home, millrace_with_prefect: Command
) -> None:
    path = table.write(home.path)
    made = millrace_with_prefect("new", table.name, "--data", str(path), "--target", table.target)
    assert made.returncode == 0, made.stdout + made.stderr
    config = model_config(table.name)
    assert config.model.task is TASKS[table.name]
    assert (config.data.time is not None) == (table.name in TIMED)
    trained = millrace_with_prefect("retrain", table.name)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert ledger().serving(table.name).champion is not None
    assert (home.path / "var" / "channel" / table.name / "pointer.json").is_file()
    assert f"{Outcome.FAIL} " not in trained.stdout
