"""A file comes out with its rows in order and an answer for each, whatever stops the run in between."""

import hashlib
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from millrace.adapters.channel import bundles_folder
from millrace.adapters.models import load_source
from millrace.adapters.score_folder import OutputInUseError, ScoreFolder
from millrace.adapters.scorer import load_scorer
from millrace.domain.facts import RowsScored
from millrace.domain.features import MissingColumnsError
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.audit import verify_everything
from millrace.steps.lineage import UnknownBundleError
from millrace.steps.score import NoChampionError, ScoreOrder, run, score_rows
from millrace.steps.score.output import UnknownColumnError, UnknownOutputError
from millrace.steps.score.version import OtherModelError, find_version
from tests.conftest import NOON, Home
from tests.steps.asked import empty_file

SMALL = 100
"""Rows of a chunk, where the tests want several of them."""

SCORE = """
import os, signal, sys
from pathlib import Path
from tests.conftest import NOON
from millrace.adapters.score_folder import ScoreFolder
from millrace.steps.score import ScoreOrder, run
run.CHUNK_ROWS = 100
at, after = sys.argv[3], int(sys.argv[4])
real, calls = getattr(ScoreFolder, at), []

def deadly(self, *arguments):
    calls.append(1)
    if len(calls) > after:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, *arguments)

setattr(ScoreFolder, at, deadly)
run.score_rows(ScoreOrder("fares", sys.argv[1], Path(sys.argv[2])), NOON)
"""
"""A run that kills itself when it calls a function of the folder once more."""


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHUNK_ROWS", SMALL)


@pytest.fixture
def rides(published: Home) -> Path:
    """The 952 rides of February as a file, in an order of their own."""
    path = published.path / "february.parquet"
    rows = load_source(published.models, "fares").read_batch("2013-02")
    rows.drop(columns="fare").sample(frac=1.0, random_state=3).to_parquet(path, index=False)
    return path


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def champion_answers(home: Home, path: Path) -> np.ndarray:
    digest = home.serving("fares").champion
    assert digest is not None
    return load_scorer(bundles_folder(load_settings().channel) / digest).answer(pd.read_parquet(path))


@pytest.mark.usefixtures("small_chunks")
def test_every_row_has_the_champions_answer_in_the_order_of_the_input(published: Home, rides: Path) -> None:
    output = published.path / "scored.parquet"
    scored = score_rows(ScoreOrder("fares", str(rides), output), NOON)
    table = pd.read_parquet(output)
    assert table["ride"].tolist() == pd.read_parquet(rides)["ride"].tolist()
    np.testing.assert_array_equal(table["prediction"], champion_answers(published, rides))
    assert (set(table["model_digest"]), table["error"].notna().sum()) == ({scored.digest}, 0)
    assert (scored.rows, scored.refused, scored.resumed) == (952, 0, 0)
    about = pq.read_metadata(output).metadata
    assert about[b"millrace.digest"].decode() == published.serving("fares").champion
    assert about[b"millrace.input"].decode() == digest_of(rides)
    assert [path.name for path in output.parent.glob(".*scoring*")] == []


def test_what_was_scored_stands_in_the_ledger(published: Home, rides: Path) -> None:
    output = published.path / "scored.csv"
    scored = score_rows(ScoreOrder("fares", str(rides), output), NOON)
    fact = RowsScored(scored.digest, "february.parquet", digest_of(rides), digest_of(output), 952, 0)
    assert published.facts("fares", RowsScored) == [fact]
    verify_everything()


@pytest.mark.parametrize(
    ("at", "after", "resumed"),
    [("begin", 0, 0), ("keep_chunk", 0, 0), ("keep_chunk", 4, 400), ("seal", 0, 952), ("publish", 0, 952)],
)
@pytest.mark.usefixtures("small_chunks")
def test_a_run_that_is_killed_is_taken_up_and_gives_the_same_bytes(
    published: Home, rides: Path, at: str, after: int, resumed: int
) -> None:
    whole, output = published.path / "whole.parquet", published.path / "scored.parquet"
    score_rows(ScoreOrder("fares", str(rides), whole), NOON)
    command = [sys.executable, "-c", SCORE, str(rides), str(output), at, str(after)]
    died = subprocess.run(command, cwd=PROJECT_ROOT, check=False)
    assert died.returncode == -signal.SIGKILL
    assert not output.exists()
    scored = score_rows(ScoreOrder("fares", str(rides), output), NOON)
    # two threads answer: a chunk after the last call may have come to be kept, or one before not
    assert abs(scored.resumed - resumed) <= SMALL if at == "keep_chunk" else scored.resumed == resumed
    assert digest_of(output) == digest_of(whole) == scored.output


@pytest.mark.usefixtures("small_chunks")
def test_another_input_or_model_begins_anew_and_says_why(published: Home, rides: Path) -> None:
    output = published.path / "scored.parquet"
    command = [sys.executable, "-c", SCORE, str(rides), str(output), "seal", "0"]
    subprocess.run(command, cwd=PROJECT_ROOT, check=False)
    pd.read_parquet(rides).iloc[:500].to_parquet(rides, index=False)
    scored = score_rows(ScoreOrder("fares", str(rides), output), NOON)
    assert (scored.rows, scored.resumed, scored.anew) == (500, 0, "input")
    assert pq.read_metadata(output).num_rows == 500


def test_two_at_once_on_one_output_are_refused(published: Home, rides: Path) -> None:
    output = published.path / "scored.parquet"
    with (
        ScoreFolder(output).locked(),
        pytest.raises(OutputInUseError, match="another `millrace score` is writing it"),
    ):
        score_rows(ScoreOrder("fares", str(rides), output), NOON)
    score_rows(ScoreOrder("fares", str(rides), output), NOON)


def test_rows_that_may_not_be_answered_are_stated_and_none_is_lost(published: Home, rides: Path) -> None:
    rows = pd.read_parquet(rides)
    rows["distance_km"] = rows["distance_km"].astype(object)
    bad = rides.with_name("bad.csv")
    rows.loc[[3, 7], "distance_km"] = [99, "far"]
    rows.to_csv(bad, index=False)
    scored = score_rows(ScoreOrder("fares", str(bad), rides.with_name("out.csv")), NOON)
    table = pd.read_csv(rides.with_name("out.csv"))
    assert (scored.rows, scored.refused, len(table)) == (952, 2, 952)
    assert table["prediction"].isna().to_numpy().nonzero()[0].tolist() == [3, 7]
    needed = "allowed is a number from 0 to 40"
    assert table["error"].dropna().tolist() == [
        f"field 'distance_km': found '99', {needed}", f"field 'distance_km': found 'far', {needed}",
    ]  # fmt: skip


def test_an_input_without_rows_gives_the_columns_and_no_rows(published: Home, rides: Path) -> None:
    output = published.path / "scored.parquet"
    pd.read_parquet(rides).iloc[:0].to_parquet(rides, index=False)
    assert score_rows(ScoreOrder("fares", str(rides), output), NOON).rows == 0
    assert pq.read_schema(output).names == ["ride", "prediction", "error", "model_digest"]


def test_named_columns_are_kept(published: Home, rides: Path) -> None:
    order = ScoreOrder("fares", str(rides), published.path / "scored.parquet", keep=("tariff", "ride"))
    score_rows(order, NOON)
    assert pq.read_schema(order.output).names[:3] == ["tariff", "ride", "prediction"]
    with pytest.raises(UnknownColumnError, match="no column 'name' to keep; it has ride, at, distance_km"):
        score_rows(replace(order, keep=("name",)), NOON)


def test_a_version_is_named_by_its_number_or_the_start_of_its_digest(published: Home, rides: Path) -> None:
    champion = published.serving("fares").champion
    assert champion is not None
    assert find_version("fares", "1") == find_version("fares", champion[:10]) == champion
    order = ScoreOrder("fares", str(rides), published.path / "scored.parquet", version="2")
    assert score_rows(order, NOON).digest != champion
    with pytest.raises(UnknownBundleError, match="no version 12345"):
        find_version("fares", "12345")
    with pytest.raises(OtherModelError, match="is one of fares, not of progression"):
        find_version("progression", champion[:10])


def test_a_model_without_a_champion_says_what_to_do(fares: Home) -> None:
    with pytest.raises(NoChampionError, match="fares has no champion yet: run `millrace retrain fares`"):
        find_version("fares")


def test_what_cannot_be_scored_is_refused_before_anything_is_written(published: Home, rides: Path) -> None:
    with pytest.raises(UnknownOutputError, match=r"scored\.txt: not a kind of file that is written"):
        score_rows(ScoreOrder("fares", str(rides), published.path / "scored.txt"), NOON)
    with pytest.raises(UnknownOutputError, match="this is the input too"):
        score_rows(ScoreOrder("fares", str(rides), rides), NOON)
    pd.DataFrame({"ride": [1]}).to_parquet(rides)
    output = published.path / "scored.parquet"
    with pytest.raises(MissingColumnsError, match="no column 'distance_km'"):
        score_rows(ScoreOrder("fares", str(rides), output), NOON)
    assert (output.exists(), [*output.parent.glob(".*scoring*")]) == (False, [])
    assert published.facts("fares", RowsScored) == []


def test_a_query_is_scored_as_a_file_is(published: Home, rides: Path) -> None:
    import sqlalchemy

    url = empty_file(published.path / "shop.sqlite")
    with sqlalchemy.create_engine(url).begin() as connection:
        pd.read_parquet(rides).to_sql("rides", connection, index=False)
    output = published.path / "scored.parquet"
    query = "SELECT ride, distance_km FROM rides ORDER BY ride DESC"
    scored = score_rows(ScoreOrder("fares", query, output, sql_url=url), NOON)
    table = pd.read_parquet(output)
    assert (scored.source, scored.rows) == (query, 952)
    assert table["ride"].is_monotonic_decreasing
    by_ride = dict(zip(pd.read_parquet(rides)["ride"], champion_answers(published, rides), strict=True))
    assert table["prediction"].tolist() == [by_ride[ride] for ride in table["ride"]]


def test_the_verb_says_what_it_did_and_how_many_rows_have_no_answer(published: Home, rides: Path) -> None:
    rows = pd.read_parquet(rides)
    rows.loc[5, "distance_km"] = 99.0
    rows.to_parquet(rides, index=False)
    output = published.path / "scored.parquet"
    start = [sys.executable, "-c", "from millrace.cli.main import main; main()", "score", "fares"]

    def millrace(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [*start, *arguments]
        return subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)

    done = millrace(str(rides), str(output))
    assert (done.returncode, done.stderr) == (8, "")
    assert "952 rows of february.parquet answered by" in done.stdout
    assert "1 of them have no answer: the column error says why" in done.stdout
    found = json.loads(millrace(str(rides), str(output), "--json").stdout)
    assert (found["rows"], found["refused"]) == (952, 1)
    wrong = millrace(str(rides.with_name("febuary.parquet")), str(output))
    assert wrong.returncode == 1
    assert "did you mean february.parquet" in wrong.stderr
