"""Is a file that arrived copied whole, or refused?"""

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
    stage_batch,
)

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


def test_staging_one_file_twice_gives_two_private_copies(parquet: Path, tmp_path: Path) -> None:
    first, second = (stage_batch(parquet, tmp_path / "staging") for _ in range(2))
    assert first.digest == second.digest
    assert first.path != second.path


def test_a_staged_batch_keeps_the_kind_of_file_it_is(tmp_path: Path) -> None:
    staged = stage_batch(written(tmp_path / "May.CSV.gz", b"x"), tmp_path / "staging")
    assert staged.path.name.endswith(".csv.gz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BatchNotFoundError, match=r"february\.parquet: no such file; name a file"):
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
