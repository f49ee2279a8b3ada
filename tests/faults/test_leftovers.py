"""What a run that died leaves behind does not stay for ever, and nobody's work in progress is touched."""

import os
import time
from pathlib import Path

import pytest

from millrace.steps.leftovers import sweep_leftovers
from millrace.steps.reconcile import reconcile_model
from tests.faults import bodies, processes
from tests.faults.tides import MODEL, NOW

TWO_DAYS = 2 * 24 * 60 * 60.0


def leftovers(home: Path) -> list[Path]:
    var = home / "var"
    return sorted(
        [
            *(var / "staging").glob("*"),
            *(var / "channel" / "bundles").glob(".*"),
            *(var / "channel" / MODEL).glob(".*"),
            *(home / "datasets").glob(".*"),
        ]
    )


def let_two_days_pass(paths: list[Path]) -> None:
    then = time.time() - TWO_DAYS
    for path in paths:
        os.utime(path, (then, then))


@pytest.mark.parametrize("where", ["staging/batch-1.csv", "channel/tides/.pointer.json.1f"])
def test_a_temporary_file_is_swept_once_nobody_has_touched_it_for_a_day(tides_home: Path, where: str) -> None:
    file = tides_home / "var" / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    assert (sweep_leftovers(), file.exists()) == (0, True)
    let_two_days_pass([file])
    assert (sweep_leftovers(), file.exists()) == (1, False)


def test_what_has_its_place_is_never_swept(ingested_home: Path) -> None:
    assert processes.run(ingested_home, bodies.retrain) == 0, processes.complaint(ingested_home)
    kept = sorted(path for path in ingested_home.rglob("*") if "inbox" not in path.parts)
    let_two_days_pass(kept)
    assert sweep_leftovers() == 0
    assert sorted(path for path in ingested_home.rglob("*") if "inbox" not in path.parts) == kept


def test_the_next_ingest_sweeps_what_killed_ingests_left(tides_home: Path) -> None:
    for point in ("staged, not claimed", "written, not in data/"):
        processes.run(tides_home, bodies.ingest, dies_at=point)
    left = leftovers(tides_home)
    assert [path.name.partition("-")[0] for path in left] == ["batch", "batch", "part"]
    let_two_days_pass(left)
    bodies.ingest()
    assert leftovers(tides_home) == []


def test_reconcile_sweeps_half_a_bundle(ingested_home: Path) -> None:
    processes.run(ingested_home, bodies.retrain, dies_at="bundle half written")
    left = leftovers(ingested_home)
    assert [path.name.startswith(".partial-") for path in left] == [True]
    let_two_days_pass(left)
    assert reconcile_model(MODEL, "a test", NOW).repaired == ()
    assert leftovers(ingested_home) == []
