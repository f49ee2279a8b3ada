"""Whatever arrives, nothing is lost, nothing half true gets in, and the champion is untouched."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.batches import BatchStillGrowingError
from millrace.adapters.models import load_source
from millrace.errors import ModelFileError
from millrace.settings import PROJECT_ROOT
from millrace.steps.batch import BatchOutcome
from millrace.steps.dataset import current_dataset
from millrace.steps.quarantine import find_quarantined
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

Writer = Callable[[pd.DataFrame, Path], object]


def to_parquet(rows: pd.DataFrame, path: Path) -> None:
    rows.to_parquet(path, index=False)


def truncated(rows: pd.DataFrame, path: Path) -> None:
    to_parquet(rows, path)
    path.write_bytes(path.read_bytes()[:-2_000])


def footerless(rows: pd.DataFrame, path: Path) -> None:
    to_parquet(rows, path)
    path.write_bytes(path.read_bytes()[:-8])


def damaged_in_the_middle(rows: pd.DataFrame, path: Path) -> None:
    to_parquet(rows, path)
    content = bytearray(path.read_bytes())
    content[3_000:3_400] = b"\0" * 400
    path.write_bytes(content)


def latin_1(rows: pd.DataFrame, path: Path) -> None:
    path.write_bytes(rows.assign(tariff="Tarif für nachts").to_csv(index=False).encode("latin-1"))


def ragged(rows: pd.DataFrame, path: Path) -> None:
    path.write_text(rows.to_csv(index=False) + "1,2,3\n")


def mixed_types(rows: pd.DataFrame, path: Path) -> None:
    rows.assign(distance_km=["far" if row == 7 else "3.5" for row in range(len(rows))]).to_csv(
        path, index=False
    )


def text_for_numbers(rows: pd.DataFrame, path: Path) -> None:
    to_parquet(rows.assign(distance_km="far"), path)


def repeated_keys(rows: pd.DataFrame, path: Path) -> None:
    to_parquet(pd.concat([rows, rows.head(3)]), path)


def unlabelled(rows: pd.DataFrame, path: Path) -> None:
    to_parquet(rows.assign(fare=rows["fare"].where(rows.index % 4 > 0)), path)


def all_null(rows: pd.DataFrame, path: Path) -> None:
    to_parquet(rows.assign(distance_km=pd.Series(None, index=rows.index, dtype="float64")), path)


def all_null_without_a_type(rows: pd.DataFrame, path: Path) -> None:
    to_parquet(rows.assign(tariff=None), path)


CASES: list[tuple[str, str, str, Writer]] = [
    ("truncated.parquet", "unreadable", "", truncated),
    ("footerless.parquet", "unreadable", "Parquet magic bytes not found in footer", footerless),
    ("damaged.parquet", "unreadable", "", damaged_in_the_middle),
    ("empty.parquet", "unreadable", "it holds 0 bytes", lambda _rows, path: path.write_bytes(b"")),
    ("empty.csv", "unreadable", "it holds 0 bytes", lambda _rows, path: path.write_bytes(b"")),
    ("latin.csv", "unreadable", "it is not UTF-8 at byte", latin_1),
    ("ragged.csv", "unreadable", "has 3 values, the first line 7", ragged),
    ("rows.xlsx", "unreadable", "it is no Excel file that can be read",
     lambda _, path: path.write_bytes(b'PK')),
    ("nested.parquet", "unreadable", "column 'noise' holds values of type list",
     lambda rows, path: to_parquet(rows.assign(noise=[[1.0]] * len(rows)), path)),
    ("missing.parquet", "missing", "column 'noise' is missing",
     lambda rows, path: to_parquet(rows.drop(columns="noise"), path)),
    ("extra.parquet", "extra", "column 'tip' is not in the contract",
     lambda rows, path: to_parquet(rows.assign(tip=1.0), path)),
    ("mixed.csv", "type", "1 of 1,054 values are no float", mixed_types),
    ("text.parquet", "type", "1,054 of 1,054 values are no float", text_for_numbers),
    ("none.parquet", "min_rows", "0 rows, at least 500 are needed",
     lambda rows, path: to_parquet(rows.head(0), path)),
    ("none.csv", "min_rows", "0 rows, at least 500 are needed",
     lambda rows, path: rows.head(0).to_csv(path, index=False)),
    ("few.parquet", "min_rows", "499 rows, at least 500 are needed",
     lambda rows, path: to_parquet(rows.head(499), path)),
    ("null.parquet", "nulls", "1,054 of 1,054 rows are null", all_null),
    ("untyped.parquet", "nulls", "1,054 of 1,054 rows are null", all_null_without_a_type),
    ("repeated.parquet", "duplicates", "3 of 1,057 rows repeat a key", repeated_keys),
    ("unlabelled.parquet", "labels", "at least 90.00% are needed", unlabelled),
    ("range.parquet", "max", "above 40.0",
     lambda rows, path: to_parquet(rows.assign(distance_km=rows["distance_km"] * 1_000.0), path)),
    ("category.parquet", "categories", "none of day, night",
     lambda rows, path: to_parquet(rows.assign(tariff="dusk"), path)),
    ("bytes.parquet", "unreadable", "Parquet magic bytes not found",
     lambda _rows, path: path.write_bytes(os.urandom(4_096))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "clause", "message", "write"), CASES, ids=[case[0] for case in CASES])
def test_a_bad_batch_waits_in_quarantine_with_its_bytes_and_the_reason(
    fares: Home, name: str, clause: str, message: str, write: Writer
) -> None:
    path = fares.inbox("fares", name)
    write(load_source(fares.models, "fares").read_batch("2013-01"), path)
    [result] = take_in("fares", NOON, [path])
    assert result.outcome is BatchOutcome.QUARANTINED
    assert any(one.clause == clause and message in one.message for one in result.violations)
    assert find_quarantined("fares", result.digest).file.read_bytes() == path.read_bytes()
    assert fares.kinds("fares") == ["BatchQuarantined"]
    assert current_dataset("fares").parts == ()
    assert fares.left_in_staging() == []


def test_a_bad_batch_leaves_dataset_and_champion_and_the_good_one_beside_it_gets_in(fares: Home) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    before, serving = current_dataset("fares"), fares.serving("fares")
    assert serving.champion is not None
    rows = load_source(fares.models, "fares").read_batch("2013-04")
    bad, good = fares.inbox("fares", "bad.parquet"), fares.inbox("fares", "good.parquet")
    truncated(rows, bad)
    to_parquet(rows, good)
    outcomes = [result.outcome for result in take_in("fares", NOON, [bad, good])]
    assert outcomes == [BatchOutcome.QUARANTINED, BatchOutcome.ACCEPTED]
    assert current_dataset("fares").parts[:-1] == before.parts
    assert current_dataset("fares").rows == before.rows + len(rows)
    assert fares.serving("fares") == serving


def test_rows_that_hold_a_golden_key_again_are_kept_out(fares: Home) -> None:
    take_in("fares", NOON)
    january = load_source(fares.models, "fares").read_batch("2013-01")
    april = january.assign(at=january["at"] + pd.Timedelta(days=90))
    path = fares.inbox("fares", "april.parquet")
    to_parquet(april, path)
    [result] = take_in("fares", NOON, [path])
    golden = [violation for violation in result.violations if violation.clause == "golden"]
    assert [violation.waivable for violation in golden] == [False]
    assert "none may come again" in golden[0].message


def test_a_file_that_grows_while_it_is_read_is_left_for_later(fares: Home) -> None:
    path = fares.inbox("fares", "growing.csv")
    path.write_bytes(b"x" * 60_000_000)
    stop = Event()

    def grow() -> None:
        with path.open("ab") as file:
            while not stop.is_set():
                file.write(b"more,of,it\n")
                file.flush()

    writer = Thread(target=grow)
    writer.start()
    try:
        with pytest.raises(BatchStillGrowingError, match=r"growing\.csv: changed while it was read"):
            take_in("fares", NOON, [path])
    finally:
        stop.set()
        writer.join()
    assert fares.kinds("fares") == []
    assert fares.left_in_staging() == []


WITHOUT_SPACE = """
import resource, sys
from pathlib import Path
from tests.conftest import NOON
from tests.loop import take_in
import pyarrow.parquet, pandera.pandas
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
take_in("fares", NOON, [Path(sys.argv[1])])
"""


def many_rides(home: Home) -> pd.DataFrame:
    """A file of them takes 650 kB, the part they become twice as much: it holds numbers of 64 bits."""
    month = load_source(home.models, "fares").read_batch("2013-01")
    rows = pd.concat([month] * 40, ignore_index=True)
    luck = np.random.default_rng(0).normal(0.0, 0.001, (3, len(rows)))
    noisy = {name: rows[name] + luck[place] for place, name in enumerate(("distance_km", "noise", "fare"))}
    narrow = {name: values.astype("float32") for name, values in noisy.items()}
    return rows.assign(ride=np.arange(len(rows), dtype="int32"), **narrow)


@pytest.mark.parametrize("room", [300_000, 900_000], ids=["for the copy", "for the part"])
def test_a_full_disk_loses_nothing_and_says_what_is_needed(fares: Home, room: int) -> None:
    path = fares.inbox("fares", "year.parquet")
    to_parquet(many_rides(fares), path)
    command = [sys.executable, "-c", WITHOUT_SPACE, str(path), str(room)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert "NoSpaceError: " in done.stderr
    assert "staging: no room for" in done.stderr
    assert fares.kinds("fares") == []
    assert fares.left_in_staging() == []
    assert take_in("fares", NOON, [path])[0].outcome is BatchOutcome.ACCEPTED


@pytest.mark.parametrize("content", [b"[model\n", b"\xff\xfe", b"", b'[model]\nname = "fares"\n'])
def test_an_unreadable_model_file_stops_the_work_before_it_begins(fares: Home, content: bytes) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    before = fares.kinds("fares"), fares.serving("fares")
    (fares.models / "fares" / "model.toml").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"fares/model\.toml: "):
        take_in("fares", NOON)
    with pytest.raises(ModelFileError, match=r"fares/model\.toml: "):
        retrain("fares", NOON)
    assert (fares.kinds("fares"), fares.serving("fares")) == before


@pytest.mark.parametrize("model", ["flights", "progression", "scenery"])
def test_the_shipped_models_keep_bad_batches_out_too(home: Home, model: str) -> None:
    path = home.inbox(model, "wrong.parquet")
    to_parquet(pd.DataFrame({"something": ["else"] * 30_000}), path)
    [result] = take_in(model, NOON, [path])
    assert result.outcome is BatchOutcome.QUARANTINED
    assert {violation.clause for violation in result.violations} == {"missing", "extra"}
    assert home.kinds(model) == ["BatchQuarantined"]
