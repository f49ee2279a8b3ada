"""Can what was kept of any window be had again, and does a damaged one stand in nobody's way?"""

import gzip
import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from millrace.adapters.window_store import (
    NoWindowError,
    keep_window,
    list_findings,
    read_findings,
    read_window_profile,
)
from millrace.domain.bundle import Schema
from millrace.domain.kinds import Task
from millrace.domain.monitoring.findings import ColumnFinding, DriftFindings, Watched, WindowFindings
from millrace.domain.profile import Profile, Reference, count_rows, make_reference
from millrace.domain.verdict import Outcome, Verdict
from tests.adapters.planted import planted_config, planted_rows

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONFIG = planted_config(Task.REGRESSION)


def reference_of(seed: int) -> Reference:
    rows = planted_rows(Task.REGRESSION, 300, seed)
    labels = rows["y"].to_numpy(dtype=np.float64)
    return make_reference(rows, labels, labels, Schema(Task.REGRESSION, ()), CONFIG)


REFERENCE = reference_of(1)


def window_of(seed: int, reference: Reference = REFERENCE) -> Reference:
    inputs = count_rows(planted_rows(Task.REGRESSION, 100, seed), reference.inputs, CONFIG)
    return Reference(inputs, reference.target, reference.answers)


def findings(hours: int = 0) -> WindowFindings:
    start = START + timedelta(hours=hours)
    verdict = Verdict(Watched.DATA, Outcome.PASS, "0 of 5 columns")
    column = ColumnFinding(Watched.DATA, "x", "psi", 0.1, None, 0.5, Outcome.INCONCLUSIVE, "12 of 500 rows")
    drift = DriftFindings(100, (column,), None, (verdict,))
    return WindowFindings("fares", "d" * 64, start, start + timedelta(hours=1), drift, None, (verdict,))


def kept(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in (folder / "fares").glob(pattern))


def test_what_was_kept_of_a_window_is_had_again_without_its_rows(tmp_path: Path) -> None:
    window = window_of(2)
    digest = keep_window(tmp_path, findings(), REFERENCE, window)
    assert read_window_profile(tmp_path, "fares", START) == window
    assert read_findings(tmp_path, "fares", START) == findings()
    assert list_findings(tmp_path, "fares") == [findings()]
    [path] = (tmp_path / "fares").glob("*.findings.json")
    assert path.name == "20260301T120000.000000Z.findings.json"
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert json.loads(path.read_text("utf-8"))["drift"]["columns"][0]["reason"] == "12 of 500 rows"


def test_edges_are_kept_once_for_all_windows_of_a_reference(tmp_path: Path) -> None:
    other = reference_of(9)
    windows = [window_of(2), window_of(3), window_of(4, other)]
    for hours, (window, reference) in enumerate(zip(windows, (REFERENCE, REFERENCE, other), strict=True)):
        keep_window(tmp_path, findings(hours), reference, window)
    assert len(kept(tmp_path, "references/*")) == 2
    assert [
        read_window_profile(tmp_path, "fares", START + timedelta(hours=hours)) for hours in range(3)
    ] == windows
    [first, *_] = sorted((tmp_path / "fares").glob("*.profile.json.gz"))
    assert b"edges" not in gzip.decompress(first.read_bytes())


def test_a_column_that_was_not_counted_is_not_there_later_either(tmp_path: Path) -> None:
    window = window_of(2)
    lacking = Reference(window.inputs.of(frozenset({"label", "carrier"})), window.target, Profile(0, (), ()))
    keep_window(tmp_path, findings(), REFERENCE, lacking)
    assert read_window_profile(tmp_path, "fares", START) == lacking


def test_the_newest_are_listed_oldest_first(tmp_path: Path) -> None:
    for hours in (2, 0, 1):
        keep_window(tmp_path, findings(hours), REFERENCE, window_of(hours))
    assert list_findings(tmp_path, "fares") == [findings(0), findings(1), findings(2)]
    assert list_findings(tmp_path, "fares", 2) == [findings(1), findings(2)]
    assert list_findings(tmp_path, "fares", 0) == []
    assert list_findings(tmp_path, "another") == []


def test_a_window_that_went_on_takes_the_place_of_its_beginning(tmp_path: Path) -> None:
    keep_window(tmp_path, findings(), REFERENCE, window_of(2))
    keep_window(tmp_path, findings(), REFERENCE, window_of(3))
    assert read_window_profile(tmp_path, "fares", START) == window_of(3)
    assert len(kept(tmp_path, "*.gz")) == len(list_findings(tmp_path, "fares")) == 1


def test_a_window_is_found_by_its_moment_in_any_time_zone(tmp_path: Path) -> None:
    keep_window(tmp_path, findings(), REFERENCE, window_of(2))
    elsewhere = START.astimezone(timezone(timedelta(hours=-8)))
    assert read_findings(tmp_path, "fares", elsewhere).digest == "d" * 64


@pytest.mark.parametrize("content", [b"", b'{"model": "fares"', b"\xff\x00", b'{"model": 5}'])
def test_damaged_findings_are_left_out_with_a_warning(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for hours in range(3):
        keep_window(tmp_path, findings(hours), REFERENCE, window_of(hours))
    path = tmp_path / "fares" / kept(tmp_path, "*.findings.json")[1]
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert list_findings(tmp_path, "fares") == [findings(0), findings(2)]
    assert path.name in caplog.text
    assert list_findings(tmp_path, "fares", 2) == [findings(0), findings(2)]
    with pytest.raises(
        NoWindowError, match=r"what was kept of a window\. `millrace monitor look MODEL` keeps"
    ):
        read_findings(tmp_path, "fares", START + timedelta(hours=1))


def test_half_a_profile_or_a_lost_reference_is_told_of(tmp_path: Path) -> None:
    keep_window(tmp_path, findings(), REFERENCE, window_of(2))
    [profile] = (tmp_path / "fares").glob("*.profile.json.gz")
    whole = profile.read_bytes()
    for content in (
        whole[: len(whole) // 2],
        whole[:-6] + b"?" * 6,
        whole[:12] + b"?" * 90,
        b"",
        gzip.compress(b"{}"),
    ):
        profile.write_bytes(content)
        with pytest.raises(NoWindowError, match=r"profile\.json\.gz: found "):
            read_window_profile(tmp_path, "fares", START)
    profile.write_bytes(whole)
    [edges] = (tmp_path / "fares" / "references").iterdir()
    edges.unlink()
    with pytest.raises(NoWindowError, match="found nothing"):
        read_window_profile(tmp_path, "fares", START)
    with pytest.raises(NoWindowError, match="found nothing"):
        read_window_profile(tmp_path, "fares", START + timedelta(hours=7))
