"""`millrace replay` in processes of its own: killed, given again, and what it says."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.cli.conftest import COMMAND, Command
from tests.conftest import Home

RANGE = ("--from", "2013-02-04", "--to", "2013-03-04", "--every", "1d")


def without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: without_seconds(one) for name, one in value.items() if name != "training_seconds"}
        return (
            kept | {"champion": bool(kept["champion"]), "before": bool(kept["before"])}
            if "before" in kept
            else kept
        )
    return [without_seconds(one) for one in value] if isinstance(value, list) else value


def kill_in_the_middle(home: Home, *arguments: str) -> Path:
    """Start the command and kill it once some steps of its first policy are done; return their note."""
    process = subprocess.Popen([COMMAND, *arguments], stdout=subprocess.DEVNULL, env=os.environ.copy())
    deadline = time.monotonic() + 60
    notes = home.path / "var" / "replays"
    while time.monotonic() < deadline:
        done = next(notes.glob("*/policies/own/done"), None)
        if done is not None and done.read_text() > "2013-02-12":
            break
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return next(notes.glob("*/policies/own/done"))


def test_a_replay_that_was_killed_goes_on_by_the_same_command_and_comes_to_the_same(
    home: Home, millrace: Command, tmp_path: Path
) -> None:
    home.add_model("tolls")
    note = kill_in_the_middle(home, "replay", "tolls", *RANGE)
    assert "2013-02-12" < note.read_text() < "2013-03-04"
    resumed = millrace("replay", "tolls", *RANGE, "--json")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "var").mkdir(parents=True)
    whole = millrace("replay", "tolls", *RANGE, "--json", MILLRACE_HOME=str(elsewhere))
    assert without_seconds(json.loads(resumed.stdout)) == without_seconds(json.loads(whole.stdout))


def test_a_bad_policy_ends_with_its_file_and_key(home: Home, millrace: Command, tmp_path: Path) -> None:
    home.add_model("tolls")
    policy = tmp_path / "hasty.toml"
    policy.write_text("[retrain]\ncooldwn = '1h'\n", "utf-8")
    ran = millrace("replay", "tolls", *RANGE, "--policy", str(policy))
    assert ran.returncode == 1
    assert ran.stderr == f"error: {policy}: retrain.cooldwn: unknown key, did you mean 'cooldown'?\n"


def test_what_a_replay_came_to_is_printed_and_drawn(home: Home, millrace: Command, tmp_path: Path) -> None:
    home.add_model("tolls")
    span = ("--from", "2013-02-04", "--to", "2013-02-25", "--every", "7d")
    ran = millrace("replay", "tolls", *span, "--out", str(tmp_path / "out"))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "never" in ran.stdout
    assert "MAE" in ran.stdout
    assert "Compared over 1,008 of 1,008 rows" in ran.stdout
    assert ran.stdout.endswith(f"page: {tmp_path / 'out' / 'replay.html'}\n")
    page = (tmp_path / "out" / "replay.html").read_text("utf-8")
    assert page.count("<svg") >= 6
    assert "<script" not in page
    assert json.loads((tmp_path / "out" / "replay.json").read_text("utf-8"))["model"] == "tolls"
