"""A run that is killed has lost nothing: the same command, given again, completes what it began."""

import signal
from pathlib import Path

import pytest

from millrace.domain.decision import Reason
from millrace.domain.facts import Action
from millrace.steps.decide import decide_retraining
from tests.faults import bodies, processes
from tests.faults.outcome import assert_ingested_once, assert_retrained_once
from tests.faults.points import INGEST, RETRAIN, Point
from tests.faults.tides import MODEL, NOW

KILLED = -signal.SIGKILL


@pytest.mark.parametrize("point", INGEST, ids=lambda point: point.name)
def test_an_ingest_killed_anywhere_is_completed_by_the_next_one(tides_home: Path, point: Point) -> None:
    assert processes.run(tides_home, bodies.ingest, dies_at=point.name) == KILLED
    assert processes.run(tides_home, bodies.ingest) == 0, processes.complaint(tides_home)
    assert_ingested_once(tides_home)


@pytest.mark.parametrize("point", RETRAIN, ids=lambda point: point.name)
def test_a_retraining_killed_anywhere_is_completed_by_the_next_one(ingested_home: Path, point: Point) -> None:
    assert processes.run(ingested_home, bodies.retrain, dies_at=point.name) == KILLED
    assert processes.run(ingested_home, bodies.retrain) == 0, processes.complaint(ingested_home)
    assert_retrained_once(ingested_home)
    again = decide_retraining(MODEL, Reason.BY_HAND, True, NOW, "a third run")
    assert (again.decision.action, again.claim) == (Action.SKIP, None)
