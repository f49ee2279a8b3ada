"""Does the reading of one version's answers find what the slow, exact reading of the log does?"""

import struct
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millrace.adapters.prediction_log.answered import (
    AnsweredLog,
    Answering,
    count_answered,
    count_labels_since,
    read_answered,
)
from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.parts import UnreadableLogError
from millrace.adapters.prediction_log.reader import read_window
from millrace.adapters.prediction_log.segment import list_segments
from millrace.domain.kinds import Task
from millrace.domain.label_joining import LabelCounts
from millrace.domain.prediction import Answered, AnsweredRow, Label, Labelled
from tests.logged import AT, MODEL, answered, by_key, by_request, labelled, write_log

OLD, NEW = "a" * 64, "b" * 64
HOUR = timedelta(hours=1)
WANTED = Answering(MODEL, OLD, AT, AT + HOUR, Task.BINARY, ("no", "yes"), ("tariff",), ("ride",))

texts = st.sampled_from(["yes", "no", "maybe"])
moments = st.sampled_from([-20.0, 0.0, 1.5, 2.0, 30.0, 4_000.0])


@st.composite
def requests(draw: st.DrawFn) -> Answered:
    """One record of requests that each have a name of their own."""
    names = draw(st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True))
    digest, error = draw(st.sampled_from([OLD, OLD, NEW])), draw(st.sampled_from([None, None, "ValueError"]))
    seconds = draw(moments)
    record = answered(
        *(f"{digest[0]}{seconds}{error}{name}" for name in names), seconds=seconds, digest=digest
    )
    if error is None:
        return record
    rows = [AnsweredRow(r.request_id, r.row, r.at, r.inputs, None, r.latency_us) for r in record.rows]
    return Answered(MODEL, digest, 3, "answer", record.columns, rows, error)


@given(
    records=st.lists(requests(), max_size=6, unique_by=lambda one: one.rows[0].request_id[:-1]),
    said=st.lists(st.tuples(st.integers(0, 30), texts, moments), max_size=20),
    is_compacted=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_read_fast_is_what_is_read_exactly(
    records: list[Answered], said: list[tuple[int, str, float]], is_compacted: bool
) -> None:
    names = [row.request_id for record in records for row in record.rows]
    labels = [
        labelled(by_request(names[at] if at < len(names) else f"nobody {at}", text), seconds=seconds)
        for at, text, seconds in said
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_log(folder, *records, *labels)
        if is_compacted:
            compact(folder)
        found = read_answered(folder, replace(WANTED, label_delay=timedelta(seconds=10)))
        assert told(found) == told_exactly(folder)


def told(found: AnsweredLog) -> Any:
    rows = found.rows
    columns = (
        rows.at,
        np.nan_to_num(rows.answers, nan=-1.0),
        np.nan_to_num(rows.labels, nan=-1.0),
        rows.failed,
    )
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def told_exactly(folder: Path) -> Any:
    rows = read_window(folder, MODEL, AT, AT + HOUR).predictions
    mine = rows[rows["digest"] == OLD]
    values = {"no": 0.0, "yes": 1.0}
    return sorted(
        (
            int(row["at"].timestamp() * 1e6 + 0.5),
            -1.0 if row["answer"] != row["answer"] else row["answer"],
            values.get(row["label"], -1.0),
            isinstance(row["error"], str),
        )
        for row in mine.to_dict("records")
    )


@pytest.mark.parametrize("is_compacted", [False, True])
def test_labels_are_counted_as_by_the_exact_reading(tmp_path: Path, is_compacted: bool) -> None:
    """Of four rows one is corrected, one said again, one late, one unlabelled; two labels name nothing."""
    names = ("corrected", "again", "late", "unlabelled")
    write_log(
        tmp_path,
        answered(*names, rides=[1, 2, 3, 4]),
        answered("of another version", digest=NEW, rides=[9]),
        labelled(by_request("corrected", "no"), by_request("again", "yes"), seconds=5),
        labelled(by_request("corrected", "yes"), by_request("again", "yes"), seconds=8),
        labelled(by_request("late", "maybe"), by_request("nobody", "yes"), seconds=99),
        labelled(by_request("of another version", "yes"), by_key(77, "yes"), seconds=6),
    )
    if is_compacted:
        compact(tmp_path)
    delay = timedelta(seconds=60)
    found = read_answered(tmp_path, replace(WANTED, label_delay=delay))
    exact = read_window(tmp_path, MODEL, AT, AT + HOUR, label_delay=delay).labels
    assert found.labels == LabelCounts(joined=3, repeated=1, contradicting=1, late=1, unknown=2)
    assert exact == LabelCounts(joined=4, repeated=1, contradicting=1, late=1, unknown=2)
    assert found.unreadable_labels == 1
    assert np.nan_to_num(found.rows.labels, nan=-1.0).tolist() == [1.0, 1.0, -1.0, -1.0]
    since = found.rows.labelled_at - found.rows.at
    assert since[:3].tolist() == [8_000_000, 8_000_000, 99_000_000]
    assert found.rows.labelled_at[3] == -1


def test_labels_by_key_are_counted_and_name_all_rows_of_the_key(tmp_path: Path) -> None:
    write_log(
        tmp_path,
        answered("r1", "r2", "r3", rides=[7, 7, 8]),
        labelled(by_key(7, "no"), by_key(8, "yes"), seconds=5),
        labelled(by_key(7, "yes"), seconds=9),
    )
    found = read_answered(tmp_path, replace(WANTED, label_delay=timedelta(seconds=6)))
    assert found.rows.labels.tolist() == [1.0, 1.0, 1.0]
    assert (found.labels.joined, found.labels.contradicting, found.labels.unknown) == (3, 1, 0)
    assert found.labels.late == 0


def test_a_label_from_a_clock_that_is_behind_is_of_its_row(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"), labelled(by_request("r1", "yes"), seconds=-30))
    assert read_answered(tmp_path, WANTED).rows.labels.tolist() == [1.0]


def test_rows_of_other_versions_times_and_second_tellings_are_left_out(tmp_path: Path) -> None:
    record = answered("r1", "r2", seconds=5)
    write_log(tmp_path, record, record, answered("r3", digest=NEW), answered("r4", seconds=-5))
    write_log(tmp_path, answered("r5", seconds=3_600), instance="two")
    found = read_answered(tmp_path, WANTED)
    assert (len(found.rows), found.rows.is_first.tolist()) == (2, [True, True])
    assert sorted(found.rows.slices["tariff"].names) == ["r1", "r2"]
    assert count_answered(tmp_path, MODEL, AT, AT + HOUR) == 5


def test_a_segment_cut_in_the_middle_is_a_damage_and_the_rest_is_read(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1", "r2"), answered("r3"))
    [segment] = list_segments(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-7])
    found = read_answered(tmp_path, WANTED)
    assert (len(found.rows), len(found.damages)) == (2, 1)
    assert found.damages[0].is_torn


def test_a_broken_frame_hides_what_follows_and_is_told(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"), answered("r2"))
    [segment] = list_segments(tmp_path)
    content = bytearray(segment.read_bytes())
    (length,) = struct.unpack("<I", content[8:12])
    content[16 + length // 2] ^= 0xFF
    segment.write_bytes(content)
    found = read_answered(tmp_path, WANTED)
    assert (len(found.rows), len(found.damages)) == (0, 1)


@pytest.mark.parametrize("is_parquet", [False, True])
def test_a_compacted_file_that_is_none_is_a_damage_with_its_name_and_the_rest_is_read(
    tmp_path: Path, is_parquet: bool
) -> None:
    write_log(tmp_path, answered("r1"))
    compact(tmp_path)
    [file] = tmp_path.rglob("*.parquet")
    write_log(tmp_path, answered("r2"), instance="two")
    compact(tmp_path)
    file.write_bytes(b"PAR1 and nothing more")
    if is_parquet:
        pq.write_table(pa.table({"of": [1], "another": [2]}), file)
    found = read_answered(tmp_path, WANTED)
    assert found.rows.slices["tariff"].names == ("r2",)
    assert [one.file for one in found.damages] == [file.name]
    assert count_answered(tmp_path, MODEL, AT, AT + HOUR) == 1


@pytest.mark.parametrize("is_compacted", [False, True])
def test_labels_that_came_are_counted_without_any_answer(tmp_path: Path, is_compacted: bool) -> None:
    write_log(
        tmp_path,
        answered("r1", "r2"),
        labelled(by_request("r1", "no"), by_key(8, "yes"), seconds=5),
        labelled(by_request("r1", "no"), seconds=-3_600),
    )
    if is_compacted:
        compact(tmp_path)
        for file in tmp_path.rglob("*.answers.parquet"):
            file.write_bytes(b"PAR1 and nothing more")
    assert 2 <= count_labels_since(tmp_path, MODEL, AT) <= 3
    assert count_labels_since(tmp_path, "another", AT) == 0
    for file in tmp_path.rglob("*.labels.parquet"):
        file.write_bytes(b"PAR1 and nothing more")
    if is_compacted:
        with pytest.raises(UnreadableLogError, match="needed the parquet that compaction wrote"):
            count_labels_since(tmp_path, MODEL, AT)


def test_no_log_at_all_is_no_row(tmp_path: Path) -> None:
    found = read_answered(tmp_path / "none", WANTED)
    assert (len(found.rows), found.labels, found.damages) == (0, LabelCounts(), ())


def test_of_too_many_rows_a_share_of_the_requests_is_read_with_their_labels(tmp_path: Path) -> None:
    names = [f"r{number}" for number in range(4_000)]
    write_log(tmp_path, answered(*names), labelled(*(by_request(name, "yes") for name in names), seconds=5))
    found = read_answered(tmp_path, WANTED, max_rows=1_000)
    assert found.share < 1.0
    assert len(found.rows) <= 1_250
    assert (found.rows.labels == 1.0).all()
    assert found.labels == LabelCounts(joined=len(found.rows))


def test_rows_of_one_request_are_told_from_its_first(tmp_path: Path) -> None:
    rows = [AnsweredRow("page", at, AT.timestamp(), (), (0.2, 0.8), 9) for at in range(3)]
    labels = Labelled(MODEL, AT.timestamp() + 1, (), [Label("b", "page", 1, None)])
    write_log(tmp_path, Answered(MODEL, OLD, 3, "answer", (), rows), labels)
    found = read_answered(tmp_path, replace(WANTED, task=Task.MULTICLASS, classes=("a", "b"))).rows
    assert sorted(found.is_first.tolist()) == [False, False, True]
    assert found.answers.shape == (3, 2)
    assert np.nansum(found.labels) == 1.0


def test_a_label_that_only_another_version_knows_is_a_class_of_which_this_one_gave_no_share(
    tmp_path: Path,
) -> None:
    rows = [AnsweredRow(name, 0, AT.timestamp(), (), (0.25, 0.75), 9) for name in ("r1", "r2")]
    said = [Label("b", "r1", 0, None), Label("c", "r2", 0, None)]
    write_log(
        tmp_path, Answered(MODEL, OLD, 3, "answer", (), rows), Labelled(MODEL, AT.timestamp() + 1, (), said)
    )
    found = read_answered(tmp_path, replace(WANTED, task=Task.MULTICLASS, classes=("a", "b")))
    assert sorted(found.rows.labels.tolist()) == [1.0, 2.0]
    assert found.rows.answers.tolist() == [[0.25, 0.75, 0.0]] * 2
    assert found.unreadable_labels == 0
