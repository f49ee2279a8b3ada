"""Is a parquet file counted to what its rows are, by threads and processes, and does bad input stay apart?"""

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.adapters.profiling import UnreadableFileError, profile_parquet
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.profile import Counted, Profile, count_rows, profile_rows
from tests.adapters.planted import planted_config, planted_rows
from tests.adapters.worded import worded_config, worded_rows

CONFIG = planted_config(Task.REGRESSION)
NAMES = list(CONFIG.features.names)
TYPES = {name: CONFIG.contract.columns[name].type for name in CONFIG.features.categorical}
REFERENCE = profile_rows(planted_rows(Task.REGRESSION, 500), CONFIG)


def counted(*paths: Path, reference: Profile = REFERENCE, types: dict[str, ColumnType] = TYPES) -> Counted:
    with ThreadPoolExecutor(2) as executor:
        return profile_parquet(paths, reference, types, executor)


def written(path: Path, columns: dict[str, Any] | pd.DataFrame, row_group_size: int = 97) -> Path:
    table = pa.table(columns) if isinstance(columns, dict) else pa.Table.from_pandas(columns)
    pq.write_table(table, path, row_group_size=row_group_size)
    return path


def numbers_of(path: Path, values: Any) -> tuple[Counted, Any]:
    """Count a file whose one column is `label`, over 0, 1 and 2."""
    frame = planted_rows(Task.REGRESSION, 3).assign(label=[0.0, 1.0, 2.0])
    [label] = (one for one in profile_rows(frame, CONFIG).numeric if one.name == "label")
    found = counted(written(path, {"label": values}), reference=Profile(0, (label,), ()))
    return found, found.profile.numeric[0] if found.profile.numeric else None


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_files_are_counted_to_what_their_rows_are_whoever_does_it(kind: str, tmp_path: Path) -> None:
    rows = planted_rows(Task.REGRESSION, 3_000, seed=5)
    paths = [
        written(tmp_path / f"{place}.parquet", rows[place * 1_000 : (place + 1) * 1_000])
        for place in range(3)
    ]
    executor: Executor = (
        ThreadPoolExecutor(3)
        if kind == "threads"
        else ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    )
    with executor:
        found = profile_parquet(paths, REFERENCE, TYPES, executor)
    assert found.profile == count_rows(rows, REFERENCE, CONFIG)
    assert (found.troubles, found.extra) == ({}, ("at", "y"))


def test_a_large_file_is_cut_into_parts_that_add_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # as a file of hundreds of millions of values is
    monkeypatch.setattr("millrace.adapters.profiling.parquet.MIN_VALUES", 100)
    monkeypatch.setattr("millrace.adapters.profiling.parquet.MAX_COLUMNS", 2)
    monkeypatch.setattr("millrace.adapters.profiling.parquet.BLOCK_ROWS", 60)
    rows = planted_rows(Task.REGRESSION, 2_000, seed=6)
    for size in (97, 2_000):
        path = written(tmp_path / f"{size}.parquet", rows, row_group_size=size)
        assert counted(path).profile == count_rows(rows, REFERENCE, CONFIG)


def test_null_infinite_below_and_above_are_counted_apart(tmp_path: Path) -> None:
    values = [None, np.nan, np.inf, -np.inf, -0.5, 1e30, 0.0, 0.5, 1.0, 2.0]
    found, label = numbers_of(tmp_path / "a.parquet", pa.array(values, pa.float64()))
    assert (label.counts, label.exact) == ((1, 2, 1), (1, 1, 1))
    assert (label.below, label.above, label.nulls, label.non_finite) == (1, 1, 2, 2)
    assert (found.profile.rows, found.troubles) == (10, {})


@pytest.mark.parametrize(
    ("type_", "counts"),
    [(pa.int8(), (1, 1, 1)), (pa.uint64(), (1, 1, 1)), (pa.float32(), (1, 1, 1)), (pa.bool_(), (1, 2, 0))],
)
def test_whole_numbers_and_truths_are_numbers(
    type_: pa.DataType, counts: tuple[int, ...], tmp_path: Path
) -> None:
    values = pa.array([0, 1, 2, None]).cast(type_)
    for column in (values, values.dictionary_encode()):
        _, label = numbers_of(tmp_path / "a.parquet", column)
        assert (label.counts, label.nulls) == (counts, 1)


def test_whole_numbers_beyond_what_a_float_holds_exactly_are_still_numbers(tmp_path: Path) -> None:
    found, label = numbers_of(tmp_path / "a.parquet", pa.array([2**63 + 1, 2**53 + 1, 2], pa.uint64()))
    assert (label.above, label.exact, found.troubles) == (2, (0, 0, 1), {})


def test_a_column_without_any_value_is_all_null(tmp_path: Path) -> None:
    for type_ in (pa.null(), pa.float64()):
        found, label = numbers_of(tmp_path / "a.parquet", pa.nulls(7, type_))
        assert (label.nulls, sum(label.counts), found.troubles) == (7, 0, {})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (pa.array(["1.0", "2.0"]), "found string, needed numbers"),
        (pa.array([datetime(2026, 3, 1, tzinfo=UTC)]), "found timestamp[us, tz=UTC], needed numbers"),
        (pa.array([[1.0], [2.0]]), "found list<element: double>, needed numbers"),
    ],
    ids=["text", "times", "lists"],
)
def test_a_column_of_another_type_is_told_of_and_not_counted(
    values: pa.Array, reason: str, tmp_path: Path
) -> None:
    found, label = numbers_of(tmp_path / "a.parquet", values)
    assert (label, found.troubles) == (None, {"label": reason})


def test_bad_columns_leave_the_others_as_they_are(tmp_path: Path) -> None:
    rows = planted_rows(Task.REGRESSION, 400, seed=2)
    bad = rows.drop(columns="my column").assign(weekday=1.5, label="text", surprise=1)
    found = counted(written(tmp_path / "a.parquet", rows), written(tmp_path / "b.parquet", bad))
    assert found.profile.names == ("carrier", "holiday")
    assert found.troubles == {
        "my column": "missing in 400 of 800 rows",
        "label": "found large_string, needed numbers",
        "weekday": "found 1.5 (float), needed values of type int",
    }
    both = count_rows(pd.concat([rows, rows]), REFERENCE, CONFIG)
    assert found.profile == both.of(frozenset(found.profile.names))
    assert found.extra == ("at", "surprise", "y")


def test_two_columns_of_one_name_are_not_counted(tmp_path: Path) -> None:
    column = pa.array([1.0])
    pq.write_table(pa.table([column, column], names=["label", "label"]), tmp_path / "a.parquet")
    assert counted(tmp_path / "a.parquet").troubles["label"] == "found 2 columns of this name, needed one"


@pytest.mark.parametrize("groups", [0, 1])
def test_a_file_without_rows_adds_nothing(groups: int, tmp_path: Path) -> None:
    rows = planted_rows(Task.REGRESSION, 50)
    empty = pa.Table.from_pandas(rows)[:0]
    with pq.ParquetWriter(tmp_path / "empty.parquet", empty.schema) as writer:
        for _ in range(groups):
            writer.write_table(empty)
    alone = counted(tmp_path / "empty.parquet")
    assert (alone.profile, alone.troubles) == (REFERENCE.emptied, {})
    pq.write_table(empty.drop_columns("label"), tmp_path / "narrow.parquet")
    files = [tmp_path / "empty.parquet", tmp_path / "narrow.parquet", written(tmp_path / "a.parquet", rows)]
    together = counted(*files)
    assert together.profile == count_rows(rows, REFERENCE, CONFIG)


def test_new_categories_are_others_however_many(tmp_path: Path) -> None:
    names = [f"new {place}" for place in range(5_000)]
    rows = planted_rows(Task.REGRESSION, 5_000).assign(carrier=names)
    path = written(tmp_path / "a.parquet", rows, row_group_size=5_000)
    [carrier] = (one for one in counted(path).profile.categorical if one.name == "carrier")
    assert (sum(carrier.counts), carrier.other, carrier.nulls) == (0, 5_000, 0)


@pytest.mark.parametrize("content", [b"", b"PAR1 but no more of it"], ids=["nothing", "not parquet"])
def test_what_is_no_parquet_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"a\.parquet: found .*, needed a parquet file"):
        counted(tmp_path / "a.parquet")


def test_a_file_that_rots_within_is_named_too(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.Table.from_pandas(planted_rows(Task.REGRESSION, 2_000))
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[60:2_000] = b"\xff" * 1_940
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"a\.parquet: found "):
        counted(path)


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary", "null"])
def test_texts_are_counted_by_their_length_however_arrow_holds_them(kind: str, tmp_path: Path) -> None:
    config = worded_config(Task.BINARY)
    rows = worded_rows(Task.BINARY, 300)
    reference = profile_rows(rows, config)
    texts = pa.array(rows["note"].to_numpy(dtype=object, na_value=None), pa.string())
    held = {
        "string": texts,
        "large_string": texts.cast(pa.large_string()),
        "dictionary": texts.dictionary_encode(),
        "null": pa.nulls(len(rows)),
    }[kind]
    path = written(tmp_path / "a.parquet", {"note": held})
    only = Profile(0, tuple(one for one in reference.numeric if one.name == "note"), ())
    found = counted(path, reference=only, types={"note": ColumnType.STRING})
    known = rows if kind != "null" else rows.assign(note=None)
    wanted = count_rows(known, reference, config)
    assert found.troubles == {}
    assert found.profile.numeric == tuple(one for one in wanted.numeric if one.name == "note")


def test_numbers_where_texts_should_be_are_told_and_not_measured(tmp_path: Path) -> None:
    reference = profile_rows(worded_rows(Task.BINARY, 300), worded_config(Task.BINARY))
    only = Profile(0, tuple(one for one in reference.numeric if one.name == "note"), ())
    path = written(tmp_path / "a.parquet", {"note": [1, 2, 3]})
    found = counted(path, reference=only, types={"note": ColumnType.STRING})
    assert found.troubles == {"note": "found int64, needed texts"}
