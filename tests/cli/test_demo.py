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


def test_the_demo_keeps_a_model_for_a_year_and_refuses_what_is_bad_and_leaves_the_clone_clean() -> None:
    before = changed_files()
    ran = subprocess.run([MILLRACE, "demo"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    told, table = ran.stdout.split("AUC kept")
    rows = [line.split() for line in table.splitlines() if line.strip().startswith("2013-")]
    events = [" ".join(row[2:5]) for row in rows]
    for asking in ("drift", "arrived", "schedule"):
        assert any(event.startswith(asking) and "TRAIN" in event for event in events), asking
    assert [row[0] for row in rows if row[2] == "quarantined"] == ["2013-05"]
    assert [row[5] for row in rows if row[2] == "config"] == ["fail", "pass"]
    scored = [row for row in rows if row[2] == "arrived"][1:]
    frozen, kept = ([float(row[place]) for row in scored] for place in (-3, -2))
    assert len(scored) == 9
    assert sum(kept) > sum(frozen) + 9 * 0.03
    turned, slow = " ".join(told.split()).split("labels turned")
    assert "promoted to generation" in turned
    assert "withdrawn" in turned
    assert "on probation: failed (2) of failure_limit (2): loss: loss +" in turned
    assert "aborted: failed (2) of failure_limit (2): latency: p95" in slow
    for measured in (
        "from drift to decision",
        "from decision to champion",
        "from its first answer to its end",
    ):
        assert measured in table
    assert (PROJECT_ROOT / "var" / "demo" / "var" / "replay.html").stat().st_size > 10_000
    assert changed_files() == before
