"""Are rows, answers and labels of a window counted once, wherever they lie and whatever became of the log?"""

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta, timezone
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.adapters.prediction_log import SegmentWriter, encode
from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.counting import LogWindow
from millrace.adapters.prediction_log.profiling import CountedLog, profile_log
from millrace.adapters.profiling import count_table
from millrace.domain.bundle import InputColumn, Schema
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.prediction import Answered, AnsweredRow, Label, Record
from millrace.domain.profile import CategoricalCounts, NumericCounts, Profile, Reference
from tests.logged import AT, MODEL, by_key, by_request, labelled, shadowed, write_log

HOUR = timedelta(hours=1)
CHAMPION, OTHER = "a" * 64, "b" * 64
SCHEMA = Schema(
    Task.BINARY,
    (
        InputColumn("distance_km", ColumnType.FLOAT, nullable=True),
        InputColumn("tariff", ColumnType.STRING, nullable=True, categorical=True),
    ),
    ("0", "1"),
    (InputColumn("ride", ColumnType.INT, nullable=False),),
)


def numbers(name: str, *edges: float) -> NumericCounts:
    zeros = (0,) * len(edges)
    return NumericCounts(name, edges, zeros, zeros, 0, 0, 0, 0)


def categories(name: str, *names: str) -> CategoricalCounts:
    return CategoricalCounts(name, names, (0,) * len(names), 0, 0)


REFERENCE = Reference(
    Profile(0, (numbers("distance_km", 1.0, 2.0, 3.0),), (categories("tariff", "day", "night"),)),
    Profile(0, (), (categories("y", "0", "1"),)),
    Profile(0, (numbers("answer", 0.25, 0.5),), ()),
)
WINDOW = LogWindow(MODEL, CHAMPION, AT, AT + HOUR, REFERENCE, SCHEMA)


def asked(
    *rows: tuple[Any, ...], seconds: float = 0.0, digest: str = CHAMPION, answer: Any = 0.5, **changes: Any
) -> Answered:
    """Rows of distance and tariff, answered together."""
    at = AT.timestamp() + seconds
    logged = [AnsweredRow(f"r{place}", 0, at, (place, *row), answer, 140) for place, row in enumerate(rows)]
    record = Answered(MODEL, digest, 3, "answer", ("ride", "distance_km", "tariff"), logged)
    return msgspec.structs.replace(record, **changes)


def counted(folder: Path, window: LogWindow = WINDOW, executor: Executor | None = None) -> CountedLog:
    with executor or ThreadPoolExecutor(2) as workers:
        return profile_log(folder, window, count_table, workers)


def shown(found: CountedLog) -> tuple[Any, ...]:
    [distance], [tariff] = found.window.inputs.numeric, found.window.inputs.categorical
    [answer], [target] = found.window.answers.numeric, found.window.target.categorical
    return distance.counts, distance.nulls, tariff.counts, tariff.other, answer.counts, target.counts


def log_of_everything(folder: Path) -> None:
    labels = labelled(by_request("r0", "1"), by_key(1, "0"), by_key(7, "1"), by_key(8, "?"), seconds=9)
    records: list[Record] = [
        asked((1.0, "day"), (2.5, "night"), (None, "noon")),
        asked((3.0, "day"), seconds=60, digest=OTHER, answer=0.25),
        shadowed("r0", 0.25),
        labels,
        asked((2.0, "day"), seconds=-0.001),
        asked((2.0, "day"), seconds=3600),
        labelled(by_key(3, "1"), seconds=-1),
        labelled(by_key(4, "1"), seconds=3601),
        asked((9.0, None), seconds=3599, answer=None, error="ValueError"),
    ]
    for place, record in enumerate(records):
        write_log(folder, record, instance=f"i{place}")


def test_a_window_is_the_same_before_and_after_compaction(tmp_path: Path) -> None:
    log_of_everything(tmp_path)
    raw = counted(tmp_path)
    assert shown(raw) == ((1, 0, 2), 1, (2, 1), 1, (0, 3), (1, 2))
    assert (raw.window.inputs.rows, raw.window.answers.rows, raw.window.target.rows) == (5, 4, 4)
    [distance], [tariff] = raw.window.inputs.numeric, raw.window.inputs.categorical
    assert (distance.above, tariff.nulls) == (1, 1)
    [answer], [target] = raw.window.answers.numeric, raw.window.target.categorical
    assert (answer.nulls, target.other) == (1, 1)
    assert (raw.troubles, raw.damages) == ({}, 0)
    compact(tmp_path)
    assert not list(tmp_path.glob("*.seg"))
    assert counted(tmp_path) == raw


def test_processes_count_what_threads_count(tmp_path: Path) -> None:
    log_of_everything(tmp_path)
    compact(tmp_path)
    processes = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    assert counted(tmp_path, executor=processes) == counted(tmp_path)


def test_what_is_compacted_and_still_lies_beside_it_counts_once(tmp_path: Path) -> None:
    log_of_everything(tmp_path)
    before = counted(tmp_path)
    segments = {path: path.read_bytes() for path in tmp_path.glob("*.seg")}
    compact(tmp_path)
    for path, content in segments.items():  # it was killed before it removed them
        path.write_bytes(content)
    assert counted(tmp_path) == before


def test_many_files_are_many_tasks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # as a log of gigabytes is
    monkeypatch.setattr("millrace.adapters.prediction_log.profiling._TASK_BYTES", 1)
    monkeypatch.setattr("millrace.adapters.prediction_log.profiling._TASKS_AT_ONCE", 2)
    log_of_everything(tmp_path)
    before = counted(tmp_path)
    compact(tmp_path)
    assert counted(tmp_path) == before


def test_a_segment_cut_in_the_middle_is_counted_up_to_there(tmp_path: Path) -> None:
    first = encode(asked((1.0, "day")))
    write_log(tmp_path, asked((1.0, "day")), asked((2.0, "day")))
    [segment] = tmp_path.glob("*.seg")
    content = segment.read_bytes()
    segment.write_bytes(content[: -len(first) // 2])
    found = counted(tmp_path)
    assert (found.window.inputs.rows, found.damages) == (1, 1)
    compact(tmp_path)
    assert counted(tmp_path) == found


def test_what_a_service_is_writing_counts_as_far_as_it_is(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "one")
    assert counted(tmp_path).damages == 0
    writer.append(encode(asked((1.0, "day"))))
    writer.close()
    found = counted(tmp_path)
    assert (found.window.inputs.rows, found.damages) == (1, 0)


def test_unreadable_and_foreign_files_are_damages_and_the_rest_is_counted(tmp_path: Path) -> None:
    for place in range(4):
        write_log(tmp_path, asked((1.0, "day")), instance=f"i{place}")
    compact(tmp_path)
    nothing, half, foreign, _ = sorted(tmp_path.glob("compacted/*/*/*.answers.parquet"))
    nothing.write_bytes(b"")
    half.write_bytes(half.read_bytes()[:-40])
    pq.write_table(pa.table({"x": [1]}), foreign)
    found = counted(tmp_path)
    assert (found.window.inputs.rows, found.damages) == (1, 3)


def test_a_segment_that_cannot_be_opened_is_a_damage(tmp_path: Path) -> None:
    write_log(tmp_path, asked((1.0, "day")))
    (tmp_path / "20260301T000000-folder.seg").mkdir()
    found = counted(tmp_path)
    assert (found.window.inputs.rows, found.damages) == (1, 1)


class Forgetful(ThreadPoolExecutor):
    """Retention removes a file after it was listed, before it is read."""

    def __init__(self, path: Path) -> None:
        super().__init__(1)
        self.path = path

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self.path.unlink()
        return super().submit(*args, **kwargs)


def test_a_file_that_vanishes_meanwhile_is_no_damage(tmp_path: Path) -> None:
    for place in range(2):
        write_log(tmp_path, asked((1.0, "day")), instance=f"i{place}")
    compact(tmp_path)
    gone, _ = sorted(tmp_path.glob("compacted/*/*/*.answers.parquet"))
    found = counted(tmp_path, executor=Forgetful(gone))
    assert (found.window.inputs.rows, found.damages) == (1, 0)


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -1e300, 1e300])
def test_a_clock_that_is_off_does_not_end_it(at: float, tmp_path: Path) -> None:
    strange = [AnsweredRow("r", 0, at, (1, 1.0, "day"), 0.5, 1)]
    write_log(tmp_path, asked((1.0, "day")), asked(rows=strange))
    before = counted(tmp_path)
    assert (before.window.inputs.rows, before.damages) == (1, 0)
    compact(tmp_path)
    assert counted(tmp_path) == before


@pytest.mark.parametrize("is_compacted", [False, True])
def test_a_column_that_the_version_did_not_log_is_missing_in_so_many_rows(
    is_compacted: bool, tmp_path: Path
) -> None:
    narrow = [AnsweredRow("old", 0, AT.timestamp(), (1, 1.0), 0.5, 1)]
    write_log(tmp_path, asked(rows=narrow, columns=("ride", "distance_km")), instance="one")
    write_log(tmp_path, asked((1.0, "day"), (1.0, "day")), instance="two")
    if is_compacted:
        compact(tmp_path)
    found = counted(tmp_path)
    assert found.troubles == {"tariff": "missing in 1 of 3 rows"}
    assert found.window.inputs.names == ("distance_km",)


def test_a_column_that_only_another_version_does_without_is_counted_where_it_is(tmp_path: Path) -> None:
    narrow = [AnsweredRow("other", 0, AT.timestamp(), (1, 1.0), 0.5, 1)]
    others = asked(rows=narrow, columns=("ride", "distance_km"), digest=OTHER)
    write_log(tmp_path, others, instance="one")
    assert counted(tmp_path).troubles == {"tariff": "missing in 1 of 1 rows"}
    compact(tmp_path)
    assert counted(tmp_path).troubles == {"tariff": "missing in 1 of 1 rows"}
    write_log(tmp_path, asked((1.0, "day")), instance="two")
    found = counted(tmp_path)
    [tariff] = found.window.inputs.categorical
    assert (found.troubles, found.window.inputs.rows, tariff.counts) == ({}, 2, (1, 0))


def of_others(place: str, *values: Any, columns: tuple[str, ...] = (), digest: str = OTHER) -> Answered:
    """One row of another version, which takes a distance and these columns."""
    row = [AnsweredRow(place, 0, AT.timestamp(), (1, 1.0, *values), 0.5, 1)]
    return asked(rows=row, columns=("ride", "distance_km", *columns), digest=digest)


@pytest.mark.parametrize("digest", [OTHER, "c" * 64])
def test_a_version_without_an_input_is_no_null_where_one_file_has_both(digest: str, tmp_path: Path) -> None:
    """As a canary's rows, which one service logs beside the champion's."""
    lacking = [of_others(f"o{place}", digest=digest) for place in range(3)]
    write_log(tmp_path, asked((1.0, "day"), (1.0, None)), *lacking)
    write_log(tmp_path, of_others("else"), instance="two")
    before = counted(tmp_path)
    [tariff] = before.window.inputs.categorical
    assert (tariff.counts, tariff.nulls, before.window.inputs.rows, before.troubles) == ((1, 0), 1, 6, {})
    compact(tmp_path)
    assert len([*tmp_path.glob("compacted/*/*/*.answers.parquet")]) == 2
    assert counted(tmp_path) == before


def test_nulls_of_another_version_are_nulls_where_it_has_any_value(tmp_path: Path) -> None:
    nothing = of_others("null", None, columns=("tariff",))
    write_log(tmp_path, asked((1.0, "day")), nothing, nothing)
    alone = counted(tmp_path)
    assert alone.window.inputs.categorical[0].nulls == 0
    write_log(tmp_path, of_others("some", "night", columns=("tariff",)), instance="two")
    for _ in range(2):
        found = counted(tmp_path)
        [tariff] = found.window.inputs.categorical
        assert (tariff.counts, tariff.nulls, found.window.inputs.rows) == ((1, 1), 2, 4)
        compact(tmp_path)


def test_an_input_that_no_row_has_is_missing_before_and_after_compaction(tmp_path: Path) -> None:
    narrow = [AnsweredRow("old", 0, AT.timestamp(), (1, "day"), 0.5, 1)]
    write_log(tmp_path, asked(rows=narrow, columns=("ride", "tariff"), digest=OTHER))
    before = counted(tmp_path)
    assert before.troubles == {"distance_km": "missing in 1 of 1 rows"}
    compact(tmp_path)
    assert counted(tmp_path) == before


def test_a_file_is_counted_in_blocks_to_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log_of_everything(tmp_path)
    before = counted(tmp_path)
    compact(tmp_path)
    monkeypatch.setattr("millrace.adapters.prediction_log.profiling._BLOCK_ROWS", 1)
    assert counted(tmp_path) == before


def test_hidden_columns_are_troubles_with_their_reason(tmp_path: Path) -> None:
    write_log(tmp_path, asked((1.0, "day")))
    hidden = {"tariff": "its values are logged as hashes"}
    window = replace(WINDOW, hidden=hidden)
    for _ in range(2):
        found = counted(tmp_path, window)
        assert (found.troubles, found.window.inputs.names) == (hidden, ("distance_km",))
        compact(tmp_path)


def test_values_of_another_type_are_a_trouble_of_their_column(tmp_path: Path) -> None:
    write_log(tmp_path, asked(("far", "day")), instance="one")
    write_log(tmp_path, asked((1.0, "day")), instance="two")
    found = counted(tmp_path)
    assert found.troubles == {"distance_km": "found string, needed numbers"}
    compact(tmp_path)
    assert counted(tmp_path) == found


def test_a_window_of_nothing_is_counted_to_nothing(tmp_path: Path) -> None:
    assert counted(tmp_path).window == REFERENCE
    write_log(tmp_path, asked((1.0, "day")))
    later = replace(WINDOW, start=AT + HOUR, end=AT + 2 * HOUR)
    assert counted(tmp_path, later) == CountedLog(REFERENCE, {}, 0)


def test_regressions_count_numbers_and_what_is_none_as_null(tmp_path: Path) -> None:
    schema = Schema(Task.REGRESSION, SCHEMA.inputs)
    target = Profile(0, (numbers("fare", 10.0, 20.0),), ())
    reference = Reference(REFERENCE.inputs, target, REFERENCE.answers)
    said = [Label(label, None, 0, (1,)) for label in (10.0, 20, "15.5", "much")]
    write_log(tmp_path, labelled(*said, seconds=5))
    for _ in range(2):
        found = counted(tmp_path, replace(WINDOW, reference=reference, schema=schema))
        [fare] = found.window.target.numeric
        assert (fare.counts, fare.exact, fare.nulls) == ((1, 2), (1, 1), 1)
        compact(tmp_path)


def test_of_several_classes_the_likeliest_is_counted(tmp_path: Path) -> None:
    schema = Schema(Task.MULTICLASS, SCHEMA.inputs, ("x", "y", "z"))
    answers = Profile(0, (numbers("answer", 0.5, 1.0),), (categories("class", "x", "y", "z"),))
    target = Profile(0, (), (categories("letter", "x", "y", "z"),))
    reference = Reference(REFERENCE.inputs, target, answers)
    write_log(tmp_path, asked((1.0, "day"), (1.0, "day"), answer=(0.25, 0.5, 0.25)), instance="one")
    write_log(tmp_path, asked((1.0, "day"), answer=(0.25, 0.75)), instance="two")
    for _ in range(2):
        found = counted(tmp_path, replace(WINDOW, reference=reference, schema=schema))
        [share], [name] = found.window.answers.numeric, found.window.answers.categorical
        assert (share.counts, share.nulls, name.counts, name.nulls) == ((2, 0), 1, (0, 2, 0), 1)
        compact(tmp_path)


def test_numbers_that_are_classes_are_those_classes(tmp_path: Path) -> None:
    write_log(tmp_path, labelled(*(Label(label, None, 0, (1,)) for label in (1, 1.0, 2)), seconds=5))
    for _ in range(2):
        [target] = counted(tmp_path).window.target.categorical
        assert (target.counts, target.other, target.nulls) == ((0, 2), 1, 0)
        compact(tmp_path)


def test_a_time_in_another_zone_is_the_same_window(tmp_path: Path) -> None:
    log_of_everything(tmp_path)
    compact(tmp_path)
    start, end = (moment.astimezone(timezone(timedelta(hours=14))) for moment in (AT, AT + HOUR))
    assert counted(tmp_path, replace(WINDOW, start=start, end=end)) == counted(tmp_path)
