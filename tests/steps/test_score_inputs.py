"""Every kind of file is scored, read as ingest reads it, and written where the output can hold it."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.adapters.models import load_source
from millrace.adapters.tables import json_lines, read_table
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType
from millrace.steps.score import ScoreOrder, run, score_rows
from millrace.steps.score.output import UnknownOutputError, UnwritableColumnError
from millrace.steps.score.source import ScoreInput
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

TYPES = {"zip": ColumnType.STRING, "age": ColumnType.FLOAT}


@pytest.fixture
def rides(published: Home, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.setattr(run, "CHUNK_ROWS", 100)
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", 4_000)
    rows = load_source(published.models, "fares").read_batch("2013-02")
    return rows[["ride", "distance_km", "luggage", "tariff"]]


def write(rows: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".xlsx":
        rows.to_excel(path, index=False)
    else:
        rows.to_json(path, orient="records", lines=True)
    return path


@pytest.mark.parametrize("name", ["rides.xlsx", "rides.jsonl"])
def test_sheets_and_json_lines_are_scored_as_parquet_is(
    published: Home, rides: pd.DataFrame, name: str
) -> None:
    rides.to_parquet(published.path / "rides.parquet", index=False)
    keep = ("ride", "distance_km", "luggage", "tariff")
    for source, output in ((name, "one"), ("rides.parquet", "other")):
        path = published.path / source
        if not path.exists():
            write(rides, path)
        order = ScoreOrder("fares", str(path), published.path / f"{output}.parquet", keep=keep)
        assert score_rows(order, NOON).rows == 952
    one, other = (pd.read_parquet(published.path / f"{each}.parquet") for each in ("one", "other"))
    pd.testing.assert_frame_equal(one[other.columns], other, rtol=1e-6)


@pytest.mark.parametrize("output", ["scored.parquet", "scored.csv"])
def test_a_column_that_is_null_or_whole_for_a_while_is_still_one_column(
    published: Home, rides: pd.DataFrame, output: str
) -> None:
    rows = rides.astype({"luggage": "float64", "tariff": "object"})
    rows.loc[:299, ["distance_km", "luggage", "tariff"]] = None
    rows.loc[300:599, "luggage"] = 2
    rows.loc[600:, "luggage"] = 2.5
    path = write(rows, published.path / "rides.jsonl")
    keep = ("ride", "distance_km", "luggage", "tariff")
    order = ScoreOrder("fares", str(path), published.path / output, keep=keep)
    assert score_rows(order, NOON).refused == 300
    found = (pd.read_csv if output.endswith("csv") else pd.read_parquet)(order.output)
    assert found["luggage"].fillna(-1).tolist() == [-1.0] * 300 + [2.0] * 300 + [2.5] * 352
    assert found["distance_km"].dtype == "float64"
    assert found["tariff"].isna().sum() == 300


@pytest.mark.parametrize("name", ["people.xlsx", "people.jsonl", "people.parquet"])
def test_a_code_that_looks_like_a_number_is_the_text_that_ingest_reads(name: str, tmp_path: Path) -> None:
    path, rows = tmp_path / name, pd.DataFrame({"zip": [1234, 99], "age": [3.0, None]})
    if name == "people.parquet":
        rows.astype({"zip": "str"}).to_parquet(path)
    else:
        write(rows, path)
    [chunk] = ScoreInput.of_file(path, name, FormatSection()).chunks(100, TYPES)
    ingested = pd.concat([frame for frame in read_table(path, FormatSection(), TYPES) if len(frame)])
    assert chunk.column("zip").to_pylist() == ingested["zip"].tolist() == ["1234", "99"]
    assert chunk.column("age").to_pylist() == [3.0, None]


def test_a_column_that_csv_cannot_hold_is_refused_before_a_row_is_scored(
    published: Home, rides: pd.DataFrame
) -> None:
    path = published.path / "rides.parquet"
    table = pa.Table.from_pandas(rides, preserve_index=False)
    pq.write_table(table.append_column("stops", pa.array([["a"]] * len(rides))), path)
    order = ScoreOrder("fares", str(path), published.path / "scored.csv", keep=("ride", "stops"))
    with pytest.raises(UnwritableColumnError, match=r"column 'stops' holds list.* \.csv cannot.*\.parquet"):
        score_rows(order, NOON)
    assert [*published.path.glob(".*scoring*")] == []
    whole = ScoreOrder("fares", str(path), published.path / "scored.parquet", keep=("ride", "stops"))
    assert score_rows(whole, NOON).rows == 952


def test_advice_on_an_output_fits_what_is_wrong_with_it(published: Home, rides: pd.DataFrame) -> None:
    path = published.path / "rides.parquet"
    rides.to_parquet(path)
    with pytest.raises(UnknownOutputError, match=r"this is the input too\. Name another output$"):
        score_rows(ScoreOrder("fares", str(path), path), NOON)
    with pytest.raises(UnknownOutputError, match=r"folder does not exist\. Make .*nowhere, or name"):
        score_rows(ScoreOrder("fares", str(path), published.path / "nowhere" / "out.csv"), NOON)
    (published.path / "out.csv").mkdir()
    with pytest.raises(UnknownOutputError, match=r"this is a folder\. Name a file in it"):
        score_rows(ScoreOrder("fares", str(path), published.path / "out.csv"), NOON)


def test_an_output_that_is_there_is_replaced(published: Home, rides: pd.DataFrame) -> None:
    path, output = published.path / "rides.parquet", published.path / "scored.csv"
    rides.to_parquet(path)
    output.write_text("old")
    score_rows(ScoreOrder("fares", str(path), output), NOON)
    assert len(pd.read_csv(output)) == 952


def test_rows_with_texts_are_answered_in_smaller_pieces(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add_model("complaints")
    take_in("complaints", NOON)
    retrain("complaints", NOON)
    monkeypatch.setattr(run, "CHUNK_TEXTS", 50)
    source = load_source(home.models, "complaints")
    path, output = tmp_path / "complaints.parquet", tmp_path / "scored.parquet"
    source.read_batch(source.list_batches(NOON)[0]).iloc[:120].to_parquet(path, index=False)
    assert score_rows(ScoreOrder("complaints", str(path), output), NOON).rows == 120
    about = pq.read_metadata(output)
    assert [about.row_group(at).num_rows for at in range(about.num_row_groups)] == [50, 50, 20]
