"""`make demo`, the whole of it, on the real flights."""

import subprocess
import sys
from pathlib import Path

import pytest

from millrace.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow

MILLRACE = Path(sys.executable).with_name("millrace")


def changed_files() -> str:
    command = ["git", "-C", str(PROJECT_ROOT), "status", "--porcelain"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_demo_keeps_a_model_refuses_what_is_bad_and_leaves_the_clone_clean() -> None:
    before = changed_files()
    ran = subprocess.run([MILLRACE, "demo"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    table = ran.stdout.split("AUC kept")[1]
    rows = [line.split() for line in table.splitlines() if line.strip().startswith("2013-")]
    assert [row[2] for row in rows] == ["arrived", "arrived", "quarantined", "arrived", "arrived", "config"]
    assert [row[4] for row in rows if row[2] == "arrived"] == ["pass"] * 4
    assert rows[-1][5] == "fail"
    june = rows[-2]
    frozen, kept = float(june[-3]), float(june[-2])
    assert kept > frozen + 0.03
    canary, champion = " ".join(ran.stdout.split("on live requests")[1].split()).split(" aborted: ")
    assert "answers 25 % of requests" in canary
    latency, _, loss = champion.partition("promoted to generation")
    assert latency.startswith("failed (2) of failure_limit (2): latency: p95")
    assert "withdrawn" in loss
    assert "on probation: failed (2) of failure_limit (2): loss: loss +" in loss
    assert (PROJECT_ROOT / "var" / "demo" / "var" / "replay.html").stat().st_size > 10_000
    assert changed_files() == before
