"""Is a window of the log the same before and after compaction, and are labels where they belong?"""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from millrace.adapters.prediction_log import SegmentWriter, encode
from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.parts import Span, read_parts
from millrace.adapters.prediction_log.reader import Window, read_window
from millrace.adapters.prediction_log.retention import remove_expired
from millrace.adapters.prediction_log.segment import is_work_left, list_segments
from millrace.adapters.prediction_log.services import read_services
from millrace.adapters.prediction_log.tables import Kind
from millrace.domain.label_joining import LabelCounts
from millrace.domain.prediction import Alive, Answered, AnsweredRow, Label, ServedModel, Stopped
from tests.logged import (
    AT,
    COLUMNS,
    MODEL,
    answered,
    append_and_wait,
    by_key,
    by_request,
    labelled,
    shadowed,
    write_log,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOADED = [ServedModel(MODEL, 3, 40, ("a" * 64,), ("a" * 64, "b" * 64), None)]


def window_of(folder: Path, label_delay: timedelta | None = None) -> Window:
    return read_window(folder, MODEL, AT, AT + HOUR, label_delay=label_delay)


def assert_same(one: Window, other: Window) -> None:
    pd.testing.assert_frame_equal(one.predictions, other.predictions)
    pd.testing.assert_frame_equal(one.shadows, other.shadows)
    facts = [(w.duplicates, w.stray_shadows, w.failed_shadows, w.labels) for w in (one, other)]
    assert facts[0] == facts[1]


def parquet_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder / "compacted")) for path in folder.rglob("*.parquet"))


def test_a_row_has_its_inputs_its_answer_its_shadow_and_its_label(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"), shadowed("r1"), labelled(by_request("r1", "late"), seconds=9))
    [row] = window_of(tmp_path).predictions.to_dict("records")
    assert pd.isna(row.pop("error"))
    assert row == {
        "request_id": "r1",
        "row": 0,
        "at": AT,
        "digest": "a" * 64,
        "generation": 3,
        "role": "answer",
        "answer": 0.25,
        "latency_us": 140,
        "input.ride": 0,
        "input.distance_km": 2.5,
        "input.tariff": "r1",
        "shadow_digest": "b" * 64,
        "shadow_answer": 0.5,
        "shadow_latency_us": 90,
        "label": "late",
        "labelled_at": AT + timedelta(seconds=9),
    }
    assert list(window_of(tmp_path).inputs) == list(COLUMNS)


def test_a_window_has_its_first_moment_and_not_its_last(tmp_path: Path) -> None:
    for number, seconds in enumerate([-0.001, 0.0, 3599.999, 3600.0]):
        write_log(tmp_path, answered(f"r{number}", seconds=seconds), instance=f"i{number}")
    assert list(window_of(tmp_path).predictions["request_id"]) == ["r1", "r2"]
    compact(tmp_path)
    assert list(window_of(tmp_path).predictions["request_id"]) == ["r1", "r2"]


def test_of_a_row_that_was_logged_twice_the_first_counts(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"), answered("r1", digest="c" * 64))
    window = window_of(tmp_path)
    assert (list(window.predictions["digest"]), window.duplicates) == (["a" * 64], 1)


def test_a_request_id_that_many_requests_have_hides_none_of_them(tmp_path: Path) -> None:
    requests = [answered("page", seconds=seconds, rides=(seconds,)) for seconds in (0, 10, 20)]
    shadows = [shadowed("page", answer, seconds) for answer, seconds in ((0.1, 1), (0.2, 11), (0.9, 12))]
    write_log(tmp_path, *requests, *shadows, labelled(by_request("page", "yes"), seconds=15))
    for _ in ("raw", "compacted"):
        window = window_of(tmp_path)
        found = window.predictions
        assert (list(found["input.ride"]), window.duplicates) == ([0, 10, 20], 0)
        assert found["shadow_answer"].fillna(-1).tolist() == [0.1, 0.2, -1]
        assert (len(window.shadows), window.stray_shadows) == (3, 0)
        assert (found["label"].notna().tolist(), window.labels) == (
            [False, True, False],
            LabelCounts(joined=1),
        )
        compact(tmp_path)


def test_a_whole_number_that_no_float_holds_does_not_hide_its_window(tmp_path: Path) -> None:
    large = 2**53 + 1
    for number, value in enumerate((large, 0.5)):
        row = AnsweredRow(f"r{number}", 0, AT.timestamp(), (value,), 1.0, 1)
        write_log(tmp_path, Answered(MODEL, "a", 1, "answer", ("x",), [row]), instance=f"i{number}")
    for _ in ("raw", "compacted"):
        assert window_of(tmp_path).predictions["input.x"].tolist() == [float(large), 0.5]
        compact(tmp_path)


def test_shadows_that_failed_or_belong_to_no_answered_row_are_counted(tmp_path: Path) -> None:
    before = [answered("r0", seconds=-1), shadowed("r0", seconds=1)]
    write_log(tmp_path, *before, answered("r1"), shadowed("r1", None), shadowed("r9"))
    window = window_of(tmp_path)
    assert (window.stray_shadows, window.failed_shadows, len(window.shadows)) == (1, 1, 1)


LABELS_OF = {
    "by request": ([(by_request("r1", "yes"), 5)], ["yes", None], LabelCounts(joined=1)),
    "by key": ([(by_key(2, "yes"), 5)], [None, "yes"], LabelCounts(joined=1)),
    "by a key that is a number elsewhere": (
        [(Label("yes", None, 0, ("2",)), 5)],
        [None, "yes"],
        LabelCounts(joined=1),
    ),
    "repeated": (
        [(by_request("r1", "yes"), 5), (by_key(1, "yes"), 6)],
        ["yes", None],
        LabelCounts(joined=1, repeated=1),
    ),
    "contradicting: the newest wins, whatever came into the log first": (
        [(by_request("r1", "no"), 9), (by_request("r1", "yes"), 5)],
        ["no", None],
        LabelCounts(joined=1, contradicting=1),
    ),
    "unknown": ([(by_request("r3", "yes"), 5), (by_key(7, "yes"), 5)], [None, None], LabelCounts(unknown=2)),
    "of half a key": ([(Label("yes", None, 0, (None,)), 5)], [None, None], LabelCounts(unknown=1)),
    "late": ([(by_request("r1", "yes"), 61)], ["yes", None], LabelCounts(joined=1, late=1)),
    "after the window": ([(by_request("r1", "yes"), 9e5)], ["yes", None], LabelCounts(joined=1, late=1)),
}


@pytest.mark.parametrize("case", LABELS_OF)
def test_labels(tmp_path: Path, case: str) -> None:
    labels, expected, counts = LABELS_OF[case]
    records = [labelled(label, seconds=seconds) for label, seconds in labels]
    write_log(tmp_path, answered("r1", "r2", rides=(1, 2)), *records)
    for _ in ("raw", "compacted"):
        window = window_of(tmp_path, label_delay=timedelta(minutes=1))
        found = [None if pd.isna(label) else label for label in window.predictions["label"]]
        assert (found, window.labels) == (expected, counts)
        compact(tmp_path)


def test_a_key_names_every_row_that_has_it_and_a_large_one_is_not_rounded(tmp_path: Path) -> None:
    large = 2**53 + 1
    rows = [AnsweredRow(f"r{ride}", 0, AT.timestamp(), (ride,), 1.0, 1) for ride in (large, large - 1, None)]
    again = answered("again", rides=(large,))
    write_log(
        tmp_path,
        Answered(MODEL, "a", 1, "answer", ("ride",), rows),
        again,
        labelled(by_key(large, "y"), seconds=5),
    )
    window = window_of(tmp_path)
    assert list(window.predictions["request_id"][window.predictions["label"] == "y"]) == [
        f"r{large}",
        "again",
    ]


def test_labels_of_a_regression_are_numbers(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1", "r2"), labelled(Label(8.5, "r1", 0, None), seconds=1))
    assert window_of(tmp_path).predictions["label"].tolist()[0] == 8.5
    assert window_of(tmp_path).predictions["label"].dtype == "float64"


def mixed_records(day: timedelta) -> list[Answered]:
    """Bundles that differ in columns, types and classes; rows of two models and, with `day`, of two days."""
    at = (AT + day).timestamp()
    one = Answered(MODEL, "a", 1, "answer", ("x", "t"), [AnsweredRow("m1", 0, at, (1, "s"), 0.5, 9)])
    two = [AnsweredRow("m2", n, at, (0.5, None, 7, True), (0.25, 0.75), 9) for n in range(3)]
    empty = AnsweredRow("m3", 0, at, (None, None, 2**63, None), None, 9)
    return [
        one,
        Answered(MODEL, "b", 2, "answer", ("x", "t", "n", "label"), [*two, empty]),
        Answered("tolls", "c", 1, "answer", ("x",), [AnsweredRow("m1", 0, at, ("text",), 0.5, 9)]),
        Answered(MODEL, "d", 3, "answer", ("t", "x"), [AnsweredRow("m4", 0, at, (False, 3), 0.5, 9)]),
    ]


def test_a_window_is_the_same_from_segments_from_parquet_and_from_both(tmp_path: Path) -> None:
    labels = labelled(by_key(7, "y"), seconds=1, columns=("n",))
    write_log(tmp_path, *mixed_records(timedelta(0)), shadowed("m1"), labels)
    write_log(tmp_path, *mixed_records(DAY), instance="other")
    two_days = [read_window(tmp_path, MODEL, AT, AT + 2 * DAY)]
    assert two_days[0].predictions["label"].notna().sum() == 6
    writer = SegmentWriter(tmp_path, "three")
    append_and_wait(writer, answered("r1"))
    raw = window_of(tmp_path)
    done = compact(tmp_path)
    assert (done.segments, done.damages) == (2, ())
    assert [path.suffix for path in list_segments(tmp_path)] == [".open"]
    assert_same(raw, window_of(tmp_path))
    writer.close()
    compact(tmp_path)
    assert_same(raw, window_of(tmp_path))
    assert list_segments(tmp_path) == []
    assert len(parquet_files(tmp_path)) == 7
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".partial")]


def test_rows_of_one_record_lie_within_a_window_each_by_its_own_time(tmp_path: Path) -> None:
    start = AT.timestamp()
    rows = [AnsweredRow(f"r{at}", 0, start + at, (0, 2.5, "t"), 0.25, 140) for at in (-900.0, 0.0, 9.0)]
    write_log(tmp_path, Answered(MODEL, "a" * 64, 3, "answer", COLUMNS, rows))
    assert list(window_of(tmp_path).predictions["request_id"]) == ["r0.0", "r9.0"]


BEFORE = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("columns", "inputs"), [(("x",), ("abc",)), (("x",), (2.5,)), (("x",), (None,)), (("x", "y"), (1, 2))]
)
@pytest.mark.parametrize("back", [BEFORE, DAY])
def test_columns_of_a_window_are_the_same_from_segments_and_from_parquet_whatever_came_before(
    tmp_path: Path, back: timedelta, columns: tuple[str, ...], inputs: tuple[object, ...]
) -> None:
    def record(name: str, at: datetime, columns: tuple[str, ...], inputs: tuple[object, ...]) -> Answered:
        rows = [AnsweredRow(name, 0, at.timestamp(), inputs, 0.25, 140)]
        return Answered(MODEL, "a" * 64, 3, "answer", columns, rows)

    write_log(tmp_path, record("r0", AT - back, columns, inputs), record("r1", AT, ("x",), (2,)))
    raw = window_of(tmp_path)
    assert list(raw.predictions["request_id"]) == ["r1"]
    compact(tmp_path)
    assert_same(raw, window_of(tmp_path))


@pytest.mark.parametrize("at", [math.nan, -math.inf, -7.0])
def test_what_a_clock_says_that_is_no_time_is_from_the_first_of_all_days(tmp_path: Path, at: float) -> None:
    row = AnsweredRow("odd", 0, at, (0, 2.5, "t"), 0.25, 140)
    write_log(tmp_path, Answered(MODEL, "a" * 64, 3, "answer", COLUMNS, [row]), answered("r1"))
    first = datetime(1970, 1, 1, tzinfo=UTC)
    assert len(read_parts(tmp_path, Span(MODEL, first, AT + HOUR)).whole(Kind.ANSWERS, ()).ids) == 2
    before = read_window(tmp_path, MODEL, first, AT + HOUR)
    assert list(before.predictions["request_id"]) == ["odd", "r1"]
    compact(tmp_path)
    assert_same(before, read_window(tmp_path, MODEL, first, AT + HOUR))


def test_a_living_service_is_left_alone_and_what_it_is_just_writing_is_no_damage(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "one")
    append_and_wait(writer, answered("r1"))
    [path] = list_segments(tmp_path)
    with path.open("ab") as file:
        file.write(encode(answered("r2"))[:20])
    assert compact(tmp_path).segments == 0
    assert not is_work_left(tmp_path)
    assert (window_of(tmp_path).rows, window_of(tmp_path).damages) == (1, ())
    writer.close()


def test_only_one_compaction_is_at_work(tmp_path: Path) -> None:
    from millrace.adapters.prediction_log.segment import lock

    write_log(tmp_path, answered("r1"))
    with (tmp_path / ".compacting").open("w") as file:
        assert lock(file.fileno())
        assert compact(tmp_path).is_busy
    assert compact(tmp_path).segments == 1


def test_damage_within_a_segment_is_told_and_its_bytes_are_set_aside(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"), answered("r2"), answered("r3"))
    [path] = list_segments(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    raw = window_of(tmp_path)
    [damage] = raw.damages
    assert (raw.rows, damage.file, damage.offset) == (1, path.name, 8 + len(encode(answered("r1"))))
    assert damage.reason.startswith("the checksum of ")
    assert compact(tmp_path).damages == (damage,)
    [aside] = (tmp_path / "damaged").iterdir()
    assert aside.read_bytes() == content
    after = window_of(tmp_path)
    assert [(one.file, one.offset) for one in after.damages] == [(aside.name, damage.offset)]
    assert_same(raw, after)
    assert remove_expired(tmp_path, {MODEL: HOUR, "tolls": None}, AT + 365 * DAY) > 0
    assert not parquet_files(tmp_path)


def test_what_is_older_than_its_models_retention_goes_and_nothing_else(tmp_path: Path) -> None:
    for day in range(3):
        write_log(tmp_path, *mixed_records(day * DAY), instance=f"i{day}")
    compact(tmp_path)
    keep = {MODEL: timedelta(days=1, hours=1), "tolls": None, "unheard-of": DAY}
    assert remove_expired(tmp_path, keep, AT + DAY + HOUR) == 0
    assert remove_expired(tmp_path, keep, AT + DAY + HOUR + timedelta(seconds=1)) == 1
    assert remove_expired(tmp_path, keep, AT + 2 * DAY + HOUR) == 0
    assert remove_expired(tmp_path, keep, AT + 9 * DAY) == 2
    assert [name.partition("/")[0] for name in parquet_files(tmp_path)] == ["tolls"] * 3


def test_services_are_known_by_their_last_word_before_and_after_compaction(tmp_path: Path) -> None:
    at = AT.timestamp()
    write_log(tmp_path, Alive("gone", at, at, LOADED), Stopped("gone", at + 20), instance="gone")
    write_log(tmp_path, Alive("killed", at, at, []), Alive("killed", at + 10, at, LOADED), instance="killed")
    writer = SegmentWriter(tmp_path, "living")
    append_and_wait(writer, Alive("living", at + 30, at, LOADED))
    expected = [Alive("killed", at + 10, at, LOADED), Alive("living", at + 30, at, LOADED)]
    assert read_services(tmp_path) == expected
    compact(tmp_path)
    assert read_services(tmp_path) == expected
    append_and_wait(writer, Stopped("living", at + 40))
    assert read_services(tmp_path) == expected[:1]
    writer.close()
    compact(tmp_path)
    assert read_services(tmp_path) == expected[:1]


def test_a_log_that_nobody_wrote_to_is_empty(tmp_path: Path) -> None:
    window = window_of(tmp_path / "none")
    assert (window.rows, window.labels, read_services(tmp_path / "none")) == (0, LabelCounts(), [])
    assert list(window.predictions["answer"]) == []
    assert compact(tmp_path / "none").segments == 0
