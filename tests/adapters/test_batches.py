"""Is a file that arrived read as it is, or refused with the fact that makes it unreadable?"""

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.batches import (
    BatchNotFoundError,
    BatchStillGrowingError,
    UnreadableBatchError,
    read_batch,
    stage_batch,
)
from millrace.errors import MillraceError

ROWS = pd.DataFrame({"id": range(1_000), "x": np.arange(1_000) / 3, "word": ["a", "ü"] * 500})


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "january.parquet"
    ROWS.to_parquet(path)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_staged_batch_is_a_copy_with_the_digest_and_name_of_the_file(parquet: Path, tmp_path: Path) -> None:
    content = parquet.read_bytes()
    staged = stage_batch(parquet, tmp_path / "staging")
    parquet.unlink()
    assert staged.digest == hashlib.sha256(content).hexdigest()
    assert (staged.name, staged.bytes) == ("january.parquet", len(content))
    assert staged.path.read_bytes() == content
    pd.testing.assert_frame_equal(pd.concat(read_batch(staged.path)), ROWS)


def test_staging_one_file_twice_gives_two_private_copies(parquet: Path, tmp_path: Path) -> None:
    first, second = (stage_batch(parquet, tmp_path / "staging") for _ in range(2))
    assert first.digest == second.digest
    assert first.path != second.path


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BatchNotFoundError, match=r"february\.parquet: no such file; name a \.parquet"):
        stage_batch(tmp_path / "february.parquet", tmp_path / "staging")


def test_a_file_that_grows_while_it_is_read_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    growing, stop, started = tmp_path / "growing.csv", threading.Event(), threading.Event()
    growing.write_bytes(b"x" * (64 << 20))

    def grow() -> None:
        with growing.open("ab", buffering=0) as file:
            while not stop.wait(0.001):
                file.write(b"y")
                started.set()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        started.wait()
        with pytest.raises(
            BatchStillGrowingError, match=r"growing\.csv: changed while it was read, from 67,"
        ):
            stage_batch(growing, tmp_path / "staging")
    finally:
        stop.set()
        writer.join()
    assert list((tmp_path / "staging").iterdir()) == []


def test_without_space_the_copy_is_removed_and_the_bytes_needed_are_named(tmp_path: Path) -> None:
    large = written(tmp_path / "large.csv", b"x" * 3_000_000)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from millrace.adapters.batches import stage_batch\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "stage_batch(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", script, str(large), str(tmp_path / "staging")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert "NoSpaceError: " in done.stderr
    assert "staging: no room for 3,000,000 bytes" in done.stderr
    assert list((tmp_path / "staging").iterdir()) == []


def test_parquet_is_read_in_chunks_of_the_wanted_size(parquet: Path) -> None:
    chunks = list(read_batch(parquet, chunk_rows=300))
    assert [len(chunk) for chunk in chunks] == [300, 300, 300, 100]
    pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), ROWS)


def test_an_index_that_pandas_stored_stays_a_column(tmp_path: Path) -> None:
    ROWS.set_index("word").to_parquet(tmp_path / "indexed.parquet")
    chunk = next(read_batch(tmp_path / "indexed.parquet"))
    assert sorted(chunk.columns) == ["id", "word", "x"]


def test_csv_values_are_text_and_empty_ones_null(tmp_path: Path) -> None:
    path = written(tmp_path / "b.csv", b'id,word\n007,NA\n,"two\nlines"\n')
    chunk = pd.concat(read_batch(path, chunk_rows=1), ignore_index=True)
    assert chunk["id"].tolist()[0] == "007"
    assert chunk["id"].isna().tolist() == [False, True]
    assert chunk["word"].tolist() == ["NA", "two\nlines"]


@pytest.mark.parametrize("name", ["empty.parquet", "empty.csv"])
def test_a_table_without_rows_still_shows_its_columns(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text("id,x,word\n")
    else:
        ROWS.iloc[:0].to_parquet(path)
    (chunk,) = read_batch(path)
    assert list(chunk.columns) == ["id", "x", "word"]
    assert len(chunk) == 0


@pytest.mark.parametrize("name", ["nothing.parquet", "nothing.csv"])
def test_a_file_of_0_bytes_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableBatchError, match=f"{name}: it holds 0 bytes"):
        list(read_batch(written(tmp_path / name, b"")))


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_parquet_without_its_end_is_refused(parquet: Path, kept: float) -> None:
    content = parquet.read_bytes()
    parquet.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UnreadableBatchError, match="magic bytes not found in footer"):
        list(read_batch(parquet))


def test_parquet_whose_middle_is_gone_is_refused(parquet: Path) -> None:
    content = parquet.read_bytes()
    parquet.write_bytes(content[:100] + content[2_000:])
    with pytest.raises(UnreadableBatchError, match=r"january\.parquet: ") as caught:
        list(read_batch(parquet))
    assert "\n" not in str(caught.value)


def test_csv_that_is_not_utf8_is_refused_with_the_place_of_the_first_bad_byte(tmp_path: Path) -> None:
    content = b"word\n" + "müde\n".encode() * 200_001 + "müde\n".encode("latin-1")
    with pytest.raises(UnreadableBatchError, match=f"it is not UTF-8 at byte {5 + 6 * 200_001 + 1}"):
        list(read_batch(written(tmp_path / "latin.csv", content)))


def test_csv_that_ends_within_a_character_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(UnreadableBatchError, match="it is not UTF-8 at byte 6"):
        list(read_batch(written(tmp_path / "cut.csv", b"word\nm\xc3")))


@pytest.mark.parametrize("row", ["1,2,3", "1"])
def test_a_csv_row_with_too_many_or_too_few_values_is_refused(tmp_path: Path, row: str) -> None:
    path = written(tmp_path / "ragged.csv", f"a,b\n1,2\n{row}\n".encode())
    with pytest.raises(UnreadableBatchError, match="Expected 2 columns, got"):
        list(read_batch(path))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableBatchError, match="these columns stand in it more than once: a"):
        list(read_batch(written(tmp_path / "twice.csv", b"a,a\n1,2\n")))


@pytest.mark.parametrize("name", ["data.xlsx", "data"])
def test_other_kinds_of_file_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MillraceError, match=r"A readable \.parquet or UTF-8 \.csv file is needed"):
        list(read_batch(written(tmp_path / name, b"x")))
