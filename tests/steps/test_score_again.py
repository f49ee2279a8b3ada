"""A scoring that was stopped goes on with what is still true: the same rows, read and answered alike."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import sqlalchemy

from millrace.adapters.models import load_source
from millrace.adapters.score_folder import ScoreFolder
from millrace.domain.facts import RowsScored
from millrace.domain.features import MissingColumnsError
from millrace.settings import PROJECT_ROOT
from millrace.steps.score import ScoreOrder, run, score_rows
from millrace.steps.score.source import InputChangedError, ScoreInput
from tests.conftest import NOON, Home
from tests.steps.asked import empty_file

STOP = """
import os, signal, sys
from pathlib import Path
from tests.conftest import NOON
from millrace.adapters.score_folder import ScoreFolder
from millrace.steps.score import ScoreOrder, run
run.CHUNK_ROWS = 100
source, output, url, at, after, how = sys.argv[1:]
real, calls = getattr(ScoreFolder, at), []

def stop(self, *arguments):
    calls.append(1)
    if len(calls) > int(after):
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        os.utime(self.path / "rows.parquet")
    return real(self, *arguments)

setattr(ScoreFolder, at, stop)
run.score_rows(ScoreOrder("fares", source, Path(output), sql_url=url), NOON)
"""
"""A run that kills itself, or writes to its own input, when it calls a function of the folder once more."""

QUERY = "SELECT * FROM rides ORDER BY ride"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHUNK_ROWS", 100)


@pytest.fixture
def rides(published: Home) -> pd.DataFrame:
    return load_source(published.models, "fares").read_batch("2013-02").drop(columns="fare")


@pytest.fixture
def asking(published: Home, rides: pd.DataFrame) -> ScoreOrder:
    """An order of the rides in a database."""
    url = empty_file(published.path / "shop.sqlite")
    give(url, rides)
    return ScoreOrder("fares", QUERY, published.path / "scored.parquet", sql_url=url)


def give(url: str, rides: pd.DataFrame) -> None:
    with sqlalchemy.create_engine(url).begin() as connection:
        rides.to_sql("rides", connection, index=False, if_exists="replace")


def stopped(order: ScoreOrder, at: str, after: int = 0, how: str = "kill") -> int:
    told = [order.source, str(order.output), order.sql_url, at, str(after), how]
    command = [sys.executable, "-c", STOP, *told]
    return subprocess.run(command, cwd=PROJECT_ROOT, check=False, capture_output=True).returncode


def test_a_query_that_was_refused_is_asked_again(asking: ScoreOrder, rides: pd.DataFrame) -> None:
    give(asking.sql_url, rides.drop(columns="distance_km"))
    with pytest.raises(MissingColumnsError, match="no column 'distance_km'"):
        score_rows(asking, NOON)
    assert not ScoreFolder(asking.output).path.exists()
    give(asking.sql_url, rides)
    assert score_rows(asking, NOON).rows == 952


def test_a_query_whose_first_chunk_was_not_finished_is_asked_again(
    asking: ScoreOrder, rides: pd.DataFrame
) -> None:
    assert stopped(asking, "keep_chunk") == -signal.SIGKILL
    give(asking.sql_url, rides.iloc[:500])
    scored = score_rows(asking, NOON)
    assert (scored.rows, scored.resumed, scored.asked) == (500, 0, None)


def test_a_query_that_goes_on_has_the_rows_of_its_first_run_and_says_so(
    asking: ScoreOrder, rides: pd.DataFrame
) -> None:
    assert stopped(asking, "seal") == -signal.SIGKILL
    give(asking.sql_url, rides.iloc[:500])
    scored = score_rows(asking, NOON.replace(hour=13))
    assert (scored.rows, scored.resumed, scored.asked) == (952, 952, NOON.isoformat())
    again = score_rows(asking, NOON)
    assert (again.rows, again.resumed, again.asked) == (500, 0, None)


def test_rows_of_which_no_chunk_can_be_used_are_asked_for_again(
    asking: ScoreOrder, rides: pd.DataFrame
) -> None:
    assert stopped(asking, "seal") == -signal.SIGKILL
    give(asking.sql_url, rides.iloc[:500])
    scored = score_rows(replace(asking, version="2"), NOON)
    assert (scored.rows, scored.resumed, scored.asked, scored.anew) == (500, 0, None, "model")


def test_another_query_begins_anew(asking: ScoreOrder) -> None:
    assert stopped(asking, "seal") == -signal.SIGKILL
    scored = score_rows(replace(asking, source=f"{QUERY} LIMIT 300"), NOON)
    assert (scored.rows, scored.resumed, scored.asked, scored.anew) == (300, 0, None, "input")


def test_a_refusal_after_finished_chunks_asks_again_too(asking: ScoreOrder, rides: pd.DataFrame) -> None:
    assert stopped(asking, "keep_chunk", 4, "touch") == 1
    folder = ScoreFolder(asking.output)
    assert (folder.has_chunks, (folder.path / "rows.parquet").exists()) == (True, False)
    give(asking.sql_url, rides.iloc[:500])
    scored = score_rows(asking, NOON)
    assert (scored.rows, scored.asked) == (500, None)


def test_nothing_is_kept_of_an_input_once_it_has_changed(
    published: Home, rides: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = published.path / "rides.csv"
    rides.to_csv(source, index=False)
    before, real = source.read_bytes(), ScoreInput.chunks

    def chunks(*asked: Any) -> Iterator[Any]:
        for number, chunk in enumerate(real(*asked)):
            if number == 3:
                rides.assign(distance_km=99.0).to_csv(source, index=False)
            yield chunk

    order = ScoreOrder("fares", str(source), published.path / "scored.parquet")
    with monkeypatch.context() as patch:
        patch.setattr(ScoreInput, "chunks", chunks)
        with pytest.raises(InputChangedError, match="changed while it was scored"):
            score_rows(order, NOON)
    source.write_bytes(before)
    scored = score_rows(order, NOON)
    assert (scored.rows, scored.resumed) == (952, 300)


def as_commas(home: Home) -> None:
    home.rewrite(
        "fares", 'source = "python"', 'source = "python"\nformat = { decimal = ",", thousands = "." }'
    )


def as_other_type(home: Home) -> None:
    home.rewrite("fares", 'ride = { type = "int", min = 0 }', 'ride = { type = "string" }')


def as_other_code(home: Home) -> None:
    path = ScoreFolder(home.path / "scored.parquet").path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "code": ["0" * 64]}))


@pytest.mark.parametrize(
    ("change", "differs"), [(as_commas, "format"), (as_other_type, "contract"), (as_other_code, "code")]
)
def test_what_would_be_read_otherwise_now_is_not_taken_up(
    published: Home, rides: pd.DataFrame, change: Callable[[Home], None], differs: str
) -> None:
    path, output = published.path / "rides.csv", published.path / "scored.parquet"
    rides.to_csv(path, index=False)
    order = ScoreOrder("fares", str(path), output)
    assert stopped(order, "seal") == -signal.SIGKILL
    change(published)
    scored = score_rows(order, NOON)
    assert (scored.resumed, scored.anew) == (0, differs)


def test_a_scoring_that_died_after_it_was_recorded_is_recorded_once(
    published: Home, rides: pd.DataFrame
) -> None:
    path, output = published.path / "rides.parquet", published.path / "scored.parquet"
    rides.to_parquet(path)
    order = ScoreOrder("fares", str(path), output)
    for _ in range(2):
        assert stopped(order, "publish") == -signal.SIGKILL
    score_rows(order, NOON)
    assert len(published.facts("fares", RowsScored)) == 1
    score_rows(order, NOON)
    assert len(published.facts("fares", RowsScored)) == 2
