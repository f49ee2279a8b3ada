"""A scoring as Prefect runs it."""

from pathlib import Path

import pandas as pd
import pytest

from flows.score import score
from millrace.adapters.models import load_source
from millrace.domain.facts import RowsScored
from tests import loop
from tests.conftest import NOON, Home
from tests.flows.test_flows import run

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_a_file_is_scored_and_the_run_says_how_many_rows_have_an_answer(fares: Home, tmp_path: Path) -> None:
    loop.take_in("fares", NOON)
    loop.retrain("fares", NOON)
    source, output = tmp_path / "rides.parquet", tmp_path / "scored.parquet"
    load_source(fares.models, "fares").read_batch("2013-02").to_parquet(source, index=False)
    ran = run(score, "fares", str(source), str(output), keep=["ride", "fare"], now=NOON)
    assert (ran.name, ran.result.rows, ran.result.refused) == ("fares · score", 952, 0)
    assert list(ran.task_runs) == ["score the rows"]
    assert pd.read_parquet(output).columns.tolist() == ["ride", "fare", "prediction", "error", "model_digest"]
    assert len(fares.facts("fares", RowsScored)) == 1
