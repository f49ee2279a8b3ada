"""Are the bytes of a part a function of its rows alone, and is no other byte ever read?"""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from millrace.adapters.dataset_files import (
    BrokenDatasetFileError,
    UnknownDatasetError,
    find_dataset,
    read_dataset_or_none,
    write_dataset,
)
from millrace.adapters.parts import (
    ROW_GROUP_ROWS,
    CorruptPartError,
    MissingColumnsError,
    MissingPartError,
    PartWriter,
    commit_part,
    read_parts,
)
from millrace.domain.config import ColumnContract, ContractSection
from millrace.domain.dataset import Dataset, Part
from millrace.domain.kinds import ColumnType

CONTRACT = ContractSection(
    min_rows=1,
    max_duplicate_share=0.0,
    min_label_share=0.0,
    columns={
        "at": ColumnContract(type=ColumnType.TIMESTAMP),
        "word": ColumnContract(type=ColumnType.STRING),
        "count": ColumnContract(type=ColumnType.INT),
        "late": ColumnContract(type=ColumnType.INT, max_null_share=0.5),
        "share": ColumnContract(type=ColumnType.FLOAT),
        "seen": ColumnContract(type=ColumnType.BOOL),
    },
)


def rows(count: int, start: int = 0) -> pd.DataFrame:
    numbers = np.arange(start, start + count)
    return pd.DataFrame(
        {
            "at": (pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(numbers, unit="s")).as_unit("us"),
            "word": pd.Series([f"w{number % 7}" for number in numbers], dtype="str"),
            "count": numbers,
            "late": np.where(numbers % 3 == 0, np.nan, numbers % 2),
            "share": numbers / 7,
            "seen": numbers % 2 == 0,
        }
    )


def store(folder: Path, *chunks: pd.DataFrame) -> Part:
    with PartWriter(folder / "staging", CONTRACT) as writer:
        for chunk in chunks:
            writer.write(chunk)
    sha256, size = commit_part(writer.path, folder / "data" / "any")
    return Part(sha256, "january", writer.rows, size, None, None)


def test_a_part_is_named_by_its_content_and_nothing_stays_in_staging(tmp_path: Path) -> None:
    part = store(tmp_path, rows(10))
    (file,) = (tmp_path / "data" / "any").iterdir()
    assert file.name == f"{part.sha256}.parquet"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == part.sha256
    assert (part.rows, part.bytes) == (10, file.stat().st_size)
    assert list((tmp_path / "staging").iterdir()) == []


def test_the_same_rows_are_the_same_bytes_however_they_arrive(tmp_path: Path) -> None:
    whole = rows(ROW_GROUP_ROWS + 20_000)
    whole["word"] = pd.Series([f"{number * 7919:040}" for number in whole["count"]], dtype="str")
    at_once = store(tmp_path, whole)
    in_pieces = store(tmp_path, *(whole.iloc[start : start + 7_777] for start in range(0, len(whole), 7_777)))
    assert at_once == in_pieces
    written = pq.ParquetFile(tmp_path / "data" / "any" / f"{at_once.sha256}.parquet").metadata
    assert [written.row_group(group).num_rows for group in range(written.num_row_groups)] == [
        ROW_GROUP_ROWS,
        20_000,
    ]


def test_the_same_rows_are_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from test_parts import rows, store; print(store(Path(sys.argv[1]), rows(5_000)).sha256)"
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(Path(__file__).parent)]
    names = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": seed}
        names.add(subprocess.check_output(command, text=True, env=environment).strip())
    assert names == {store(tmp_path, rows(5_000)).sha256}


def test_rows_come_back_as_they_were_whatever_the_split_into_parts(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "any"
    one = [store(tmp_path, rows(300))]
    many = [store(tmp_path, rows(1)), store(tmp_path, rows(199, 1)), store(tmp_path, rows(100, 200))]
    pd.testing.assert_frame_equal(read_parts(folder, one), rows(300))
    pd.testing.assert_frame_equal(read_parts(folder, many), rows(300))
    columns = ["share", "at"]
    pd.testing.assert_frame_equal(read_parts(folder, many, columns), rows(300)[columns])


def test_rows_are_found_by_their_keys_in_every_part_that_has_them(tmp_path: Path) -> None:
    folder, old = tmp_path / "data" / "any", rows(100, 200).astype({"count": "float64"})
    old.loc[299 - 200, "count"] = np.nan
    parts = [store(tmp_path, rows(200)), store(tmp_path, old)]
    wanted = {"at": rows(300)["at"].iloc[[3, 250, 299]], "count": pd.Series([3, 4, 250, 299])}
    wanted["word"] = pd.Series(["w3", "w5"], dtype="str")
    found = read_parts(folder, parts, ["count", "word"], wanted)
    assert found.to_dict("list") == {"count": [3.0, 250.0], "word": ["w3", "w5"]}
    nowhere = read_parts(folder, parts, ["count", "word"], {"gate": pd.Series(["A"])})
    assert (len(nowhere), list(nowhere.columns)) == (0, ["count", "word"])


def test_a_released_null_makes_the_whole_column_float_in_any_part(tmp_path: Path) -> None:
    holes = rows(4).astype({"count": "float64", "seen": "float64"})
    holes.loc[1, ["count", "seen"]] = np.nan
    parts = [store(tmp_path, rows(4)), store(tmp_path, holes)]
    back = read_parts(tmp_path / "data" / "any", parts)
    assert (str(back["count"].dtype), str(back["seen"].dtype)) == ("float64", "float64")
    assert back["seen"].tolist()[:4] == [1.0, 0.0, 1.0, 0.0]
    assert back["count"].isna().sum() == back["seen"].isna().sum() == 1


def test_no_parts_are_no_rows(tmp_path: Path) -> None:
    assert list(read_parts(tmp_path, [], ["a", "b"]).columns) == ["a", "b"]


def test_a_missing_part_is_named_with_the_command_that_brings_it_back(tmp_path: Path) -> None:
    part = store(tmp_path, rows(3))
    folder = tmp_path / "data" / "any"
    (folder / f"{part.sha256}.parquet").unlink()
    with pytest.raises(
        MissingPartError, match=r"no such file.*batch january\. Run `millrace data restore any`"
    ):
        read_parts(folder, [part])


def test_one_flipped_bit_of_any_part_is_found_before_a_row_is_returned(tmp_path: Path) -> None:
    parts = [store(tmp_path, rows(50)), store(tmp_path, rows(60))]
    file = tmp_path / "data" / "any" / f"{parts[1].sha256}.parquet"
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(content)
    wanted = f"found sha256 [0-9a-f]{{64}}, wanted {parts[1].sha256}. Run `millrace data restore any`"
    with pytest.raises(CorruptPartError, match=wanted):
        read_parts(tmp_path / "data" / "any", parts)


def test_a_part_cut_short_is_found_by_its_size(tmp_path: Path) -> None:
    part = store(tmp_path, rows(50))
    file = tmp_path / "data" / "any" / f"{part.sha256}.parquet"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(CorruptPartError, match=f"found 100 bytes, wanted {part.bytes:,}"):
        read_parts(tmp_path / "data" / "any", [part])


def test_a_column_no_part_has_is_named(tmp_path: Path) -> None:
    part = store(tmp_path, rows(5))
    with pytest.raises(MissingColumnsError, match=r"no part has gate; they have at, count"):
        read_parts(tmp_path / "data" / "any", [part], ["gate", "at"])


def test_a_writer_that_is_left_by_an_error_leaves_no_file(tmp_path: Path) -> None:
    unlike_the_contract = rows(10).assign(count="many")
    with pytest.raises(ValueError, match="many"):
        store(tmp_path, rows(10), unlike_the_contract)
    assert list((tmp_path / "staging").iterdir()) == []


@pytest.mark.parametrize("count", [100_000, 400_000], ids=["at the end", "in the middle"])
def test_without_space_no_part_is_left_and_the_folder_is_named(tmp_path: Path, count: int) -> None:
    script = (
        "import resource, sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from test_parts import rows, store\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "store(Path(sys.argv[1]), rows(int(sys.argv[3])))"
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(Path(__file__).parent), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "NoSpaceError: " in done.stderr
    assert "staging: no room for " in done.stderr
    assert list((tmp_path / "staging").iterdir()) == []


def dataset() -> Dataset:
    first = datetime(2013, 1, 1, 5, 15, tzinfo=UTC)
    part = Part("a" * 64, "january", 3, 99, first, first + timedelta(microseconds=1))
    return Dataset("any").with_part(part).with_part(Part("b" * 64, "february", 4, 98, None, None))


def test_a_dataset_file_is_its_text_and_its_hash_is_the_version(tmp_path: Path) -> None:
    write_dataset(tmp_path / "datasets", dataset())
    (file,) = (tmp_path / "datasets").iterdir()
    assert file.read_text() == dataset().text
    assert hashlib.sha256(file.read_bytes()).hexdigest() == dataset().version
    back = find_dataset(tmp_path / "datasets", "any")
    assert back == dataset()
    assert back.version == dataset().version


def test_a_dataset_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_dataset(tmp_path, Dataset("any"))
    write_dataset(tmp_path, dataset())
    assert [file.name for file in tmp_path.iterdir()] == ["any.json"]
    assert find_dataset(tmp_path, "any").rows == 7


def test_a_model_without_a_dataset_is_none_or_an_error_with_the_next_command(tmp_path: Path) -> None:
    assert read_dataset_or_none(tmp_path, "any") is None
    with pytest.raises(UnknownDatasetError, match=r"no dataset of 'any'.*millrace ingest any"):
        find_dataset(tmp_path, "any")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"rows": 3', '"rows": 4') + " ",
        lambda text: text.replace("+00:00", "Z"),
        lambda text: text.replace('"any"', '"other"'),
        lambda text: text[:-20],
        lambda text: text.replace('"rows": 3', '"rows": "3"'),
    ],
    ids=["space", "time form", "model", "truncated", "type"],
)
def test_a_dataset_file_that_millrace_did_not_write_is_refused(tmp_path: Path, change: object) -> None:
    assert callable(change)
    (tmp_path / "any.json").write_text(change(dataset().text))
    with pytest.raises(BrokenDatasetFileError, match=r"any\.json: .*Run `millrace reconcile`"):
        find_dataset(tmp_path, "any")


def test_times_of_another_zone_are_not_mistaken_for_utc(tmp_path: Path) -> None:
    zoned = datetime(2013, 1, 1, tzinfo=timezone(timedelta(hours=-5)))
    write_dataset(tmp_path, Dataset("any", (Part("c" * 64, "x", 1, 1, zoned, zoned),)))
    assert find_dataset(tmp_path, "any").parts[0].first_time == zoned
