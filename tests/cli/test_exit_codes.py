"""What a script sees: the exit code, one line of error, the reason on the last line."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from millrace.cli.main import VERBS
from tests.cli.conftest import Command
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in


def test_help_lists_every_verb_and_every_exit_code(millrace: Command) -> None:
    done = millrace("--help")
    assert done.returncode == 0
    assert all(f" {verb} " in done.stdout for verb in VERBS)
    assert "3 the gate refused the challenger" in " ".join(done.stdout.replace("\n", " ").split())


def test_a_verb_that_is_stopped_says_that_nothing_is_lost(home: Home) -> None:
    # what a shell starts beside itself ignores the signal, and all that it starts would too
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    code += "from millrace.cli.main import main; main()"
    run = [sys.executable, "-c", code, "ingest", "progression"]
    verb = subprocess.Popen(run, stderr=subprocess.PIPE, text=True)
    while not (home.path / "var" / "prefect").exists():  # `main` has begun
        assert verb.poll() is None
    verb.send_signal(signal.SIGINT)
    told = verb.communicate(timeout=120)[1]
    assert verb.returncode == 130
    assert told.splitlines()[-1] == "stopped; the same command goes on from here"


def test_an_unknown_model_is_one_line_that_suggests_the_nearest(millrace: Command) -> None:
    done = millrace("status", "flight")
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: no model 'flight'; did you mean 'flights'?")


def test_a_mistake_in_a_model_file_is_one_line_without_a_traceback(home: Home, millrace: Command) -> None:
    home.rewrite("progression", "seed = 7", 'sed = "7"')
    done = millrace("data", "list", "progression")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "progression/model.toml: training.seed: missing; training.sed: unknown key" in line
    assert "did you mean 'seed'?" in line


def test_nothing_to_roll_back_to_is_an_error_of_one_line(millrace: Command) -> None:
    done = millrace("rollback", "progression", "--reason", "to see")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: progression: nothing to roll back to, it has no champion. "
        "`millrace history progression` lists what served"
    ]


@pytest.mark.parametrize("arguments", [("rollback", "flights"), ("nonsense",), ("retrain",), ("data", "x")])
def test_wrong_usage_is_told_without_a_traceback(millrace: Command, arguments: tuple[str, ...]) -> None:
    done = millrace(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr + done.stdout


def test_a_home_that_cannot_be_written_is_an_error_of_one_line(millrace: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = millrace("status", MILLRACE_HOME=str(tmp_path / "file"))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "MILLRACE_HOME" in line


def test_a_refused_challenger_exits_with_3_and_the_reason_on_the_last_line(
    home: Home, millrace_with_prefect: Command
) -> None:
    take_in("progression", NOON)
    retrain("progression", NOON, in_catalogue=True)
    champion = home.serving("progression").champion
    home.learn_from("progression", "age_years")
    done = millrace_with_prefect("retrain", "progression")
    assert (done.returncode, done.stderr) == (3, "")
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"REFUSED (fail), champion {str(champion)[:12]} stays: recent_champion: MAE ")
    assert home.serving("progression").champion == champion


def test_a_flow_that_fails_is_one_line_too(millrace_with_prefect: Command) -> None:
    done = millrace_with_prefect("ingest", "progression", "nowhere.csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == ["error: nowhere.csv: no such file; name a file with a table"]
