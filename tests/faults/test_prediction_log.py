"""No acknowledged row of the prediction log is lost, torn or doubled, whoever dies and whatever is full."""

import errno
import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.reader import Window, read_window
from millrace.adapters.prediction_log.segment import list_segments
from millrace.adapters.prediction_log.services import read_services
from millrace.domain.prediction import Alive
from millrace.settings import PROJECT_ROOT
from tests.logged import AT, MODEL, answered, by_request, labelled, shadowed, write_log


def run(program: str, *arguments: str | Path) -> str:
    command = [sys.executable, "-m", f"tests.faults.{program}", *map(str, arguments)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def window_of(folder: Path) -> Window:
    return read_window(folder, MODEL, AT, AT + timedelta(hours=1))


def check_killed(folder: Path, acknowledged: list[str]) -> None:
    found = window_of(folder)
    counted = Counter(found.predictions["request_id"])
    assert acknowledged
    assert set(acknowledged) <= set(counted)
    assert found.duplicates == 0
    # in these rows everything is there twice, and half of one would differ
    assert (found.predictions["input.tariff"] == found.predictions["request_id"]).all()
    assert {damage.is_torn for damage in found.damages} <= {True}


@pytest.mark.parametrize("kills", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_services_that_are_killed_lose_nothing_they_acknowledged(tmp_path: Path, kills: int) -> None:
    folder = tmp_path / "predictions"
    acknowledged = run("killed_writer", folder, kills).split()
    check_killed(folder, acknowledged)
    before = window_of(folder).predictions
    compact(folder)
    assert list_segments(folder) == []
    check_killed(folder, acknowledged)
    pd.testing.assert_frame_equal(window_of(folder).predictions, before)


def test_a_full_disk_refuses_durable_rows_counts_fast_ones_and_is_forgotten_when_there_is_room(
    tmp_path: Path,
) -> None:
    seen = json.loads(run("full_disk", tmp_path))
    assert (seen["errno"], seen["lost"]) == (errno.EFBIG, 50)
    assert (seen["error_after"], seen["lost_after"]) == (None, 50)
    assert len(seen["acknowledged"]) > 10
    assert len(seen["refused"]) > 10
    found = window_of(tmp_path)
    assert list(found.predictions["request_id"]) == seen["acknowledged"] + seen["again"]
    assert found.damages == ()


def test_a_compaction_that_dies_anywhere_loses_and_doubles_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    at = AT.timestamp()
    write_log(log, answered("r1", "r2"), shadowed("r1"), answered("r3", seconds=86_400), instance="one")
    write_log(log, labelled(by_request("r1", "late"), seconds=9), Alive("two", at, at, []), instance="two")
    torn = list_segments(log)[0]
    torn.write_bytes(torn.read_bytes()[:-5])
    torn.rename(torn.with_suffix(".open"))
    whole, copies = window_of(log), tmp_path / "copies"
    copies.mkdir()
    run("dying_compaction", log, copies)
    died = sorted(copies.iterdir())
    assert len(died) > 20
    for copy in died:
        check_same(copy, whole)
        compact(copy)
        check_same(copy, whole)
        assert list_segments(copy) == []


def check_same(folder: Path, whole: Window) -> None:
    found = window_of(folder)
    pd.testing.assert_frame_equal(found.predictions, whole.predictions)
    assert (found.rows, found.duplicates, found.labels) == (2, 0, whole.labels)
    assert [service.instance for service in read_services(folder)] == ["two"]
