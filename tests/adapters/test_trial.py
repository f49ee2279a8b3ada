"""Does the fast reading of two versions find what the slow, exact reading of the log does?"""

import math
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.parts import Span, UnreadableLogError, read_parts
from millrace.adapters.prediction_log.reader import read_window
from millrace.adapters.prediction_log.segment import list_segments
from millrace.adapters.prediction_log.tables import Kind
from millrace.adapters.prediction_log.trial import Trial, read_trial
from millrace.adapters.prediction_log.values import NULL, OTHERS
from millrace.domain.kinds import Task
from millrace.domain.label_joining import find_rows
from millrace.domain.prediction import (
    SLACK,
    Answered,
    AnsweredRow,
    Label,
    Labelled,
    Record,
    Shadowed,
    ShadowedRow,
)
from millrace.domain.rollout.measure import LoggedRows
from tests.logged import AT, COLUMNS, MODEL, answered, by_key, by_request, labelled, shadowed, write_log

OLD, NEW, OTHER = "a" * 64, "b" * 64, "c" * 64
HOUR = timedelta(hours=1)
CLASSES = ("no", "yes")
TRIAL = Trial(MODEL, 3, OLD, NEW, AT, AT + HOUR, Task.BINARY, CLASSES, slices=("tariff",))

ids = st.sampled_from(["page", "page", *(f"r{number}" for number in range(8))])
digests = st.sampled_from([OLD, OLD, NEW, NEW, OTHER])
generations = st.sampled_from([3, 3, 3, 4])
asked_ids = st.sampled_from(["page", "r0", "r0", "r1"])
moments = st.sampled_from([-20.0, -0.5, 0.0, 0.0000005, 1.25, 2.0, 3.0000015, 40.0, 70.0])
places = st.integers(0, 1)


@st.composite
def answers(draw: st.DrawFn) -> Answered:
    error = draw(st.sampled_from([None, None, None, "ValueError"]))
    rows = [
        AnsweredRow(
            draw(ids),
            draw(places),
            AT.timestamp() + draw(moments),
            (draw(places), 2.5, draw(st.sampled_from(["day", "night", None]))),
            None if error else draw(st.none() | st.floats(0.0, 1.0)),
            draw(st.integers(1, 1 << 40)),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    rows += rows[: draw(places)]
    return Answered(MODEL, draw(digests), draw(generations), "answer", COLUMNS, rows, error)


@st.composite
def shadows(draw: st.DrawFn) -> Shadowed:
    error = draw(st.sampled_from([None, None, "refused by its schema"]))
    rows = [
        ShadowedRow(
            draw(asked_ids),
            draw(places),
            AT.timestamp() + draw(moments),
            None if error else draw(st.none() | st.floats(0.0, 1.0)),
            9,
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    return Shadowed(MODEL, draw(digests), draw(generations), rows, error)


@st.composite
def labels(draw: st.DrawFn) -> Labelled:
    text = st.sampled_from(["yes", "no", "maybe"])
    named = st.builds(Label, text, asked_ids, places, st.none())
    columns = draw(st.sampled_from([("ride",), ("ride", "tariff"), ("tariff", "ride"), ("unknown",)]))
    tariffs = st.sampled_from(["day", "night", None])
    key = st.tuples(*(tariffs if column == "tariff" else places for column in columns))
    keyed = st.builds(Label, text, st.none(), st.just(0), key)
    some = draw(st.lists(named, min_size=1, max_size=3) | st.lists(named | keyed, min_size=1, max_size=3))
    return Labelled(MODEL, AT.timestamp() + draw(moments), columns, some)


segments = st.lists(
    st.lists(answers() | answers() | shadows() | labels(), min_size=1, max_size=6), max_size=3
)


@given(compacted=segments, raw=segments, keys=st.sampled_from([(), ("ride",)]))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_read_fast_is_what_is_read_exactly(
    compacted: list[list[Record]], raw: list[list[Record]], keys: tuple[str, ...]
) -> None:
    trial = replace(TRIAL, keys=keys)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, records in enumerate(compacted):
            write_log(folder, *records, instance=f"compacted-{number}")
        compact(folder)
        for number, records in enumerate(raw):
            write_log(folder, *records, instance=f"raw-{number}")
        found = read_trial(folder, trial)
        assert told(found.rows) == told_exactly(folder)
        assert (found.share, found.damages) == (1.0, ())


@pytest.mark.parametrize(("early", "joined"), [(59, 1), (61, 0)])
def test_a_label_is_of_no_row_that_was_answered_later_than_clocks_differ(
    tmp_path: Path, early: int, joined: int
) -> None:
    label = labelled(by_request("r1", "yes"), seconds=100 - early)
    write_log(tmp_path, label, answered("r1", seconds=100, digest=OLD))
    rows = read_trial(tmp_path, TRIAL).rows
    assert (len(rows.labels), int(np.isfinite(rows.labels).sum())) == (1, joined)


def told(rows: LoggedRows) -> Counter[Any]:
    """Count the rows that are alike."""
    tariff = rows.slices["tariff"]
    columns = (
        rows.answered_by,
        rows.failed,
        *(np.nan_to_num(one, nan=-1.0) for one in (rows.answers, rows.latency_us)),
        rows.is_scored,
        rows.scored_by,
        rows.score_failed,
        *(np.nan_to_num(one, nan=-1.0) for one in (rows.scores, rows.labels)),
        [tariff.names[code] for code in tariff.codes],
    )
    return Counter(zip(*(list(column) for column in columns), strict=True))


def told_exactly(folder: Path) -> Counter[Any]:
    """Count the rows that are alike by the window's frames."""
    window = read_window(folder, MODEL, AT, AT + HOUR)
    known = read_window(folder, MODEL, AT - SLACK, AT + HOUR)
    is_mine = (known.shadows["generation"] == 3) & known.shadows["digest"].isin([OLD, NEW])
    shadow_of = known.shadows[is_mine].reset_index(drop=True)
    position = find_rows(shadow_of, known.predictions) - (known.rows - window.rows)
    first = {int(at): row for row, at in position[::-1].items()}
    counted: Counter[Any] = Counter()
    for at, row in enumerate(window.predictions.to_dict("records")):
        if row["generation"] != 3 or row["digest"] not in {OLD, NEW}:
            continue
        shadow = shadow_of.loc[first[at]].to_dict() if at in first else None
        counted[
            row["digest"] == NEW,
            isinstance(row["error"], str),
            or_nothing(row["answer"]),
            row["latency_us"],
            shadow is not None,
            shadow is not None and shadow["digest"] == NEW,
            shadow is not None and isinstance(shadow["error"], str),
            -1.0 if shadow is None else or_nothing(shadow["answer"]),
            float(CLASSES.index(row["label"])) if row["label"] in CLASSES else -1.0,
            row["input.tariff"] if isinstance(row["input.tariff"], str) else NULL,
        ] += 1
    return counted


def or_nothing(number: float | None) -> float:
    return -1.0 if number is None or math.isnan(number) else number


def test_of_several_shadows_the_first_counts_and_of_several_labels_the_newest(tmp_path: Path) -> None:
    said = [
        labelled(by_request("r1", label), seconds=at) for label, at in (("no", 9), ("yes", 12), ("no", 10))
    ]
    write_log(tmp_path, answered("r1"), shadowed("r1", 0.75, 3), shadowed("r1", 0.5, 1), *said)
    for _ in ("raw", "compacted"):
        found = read_trial(tmp_path, TRIAL).rows
        assert (found.scores.tolist(), found.labels.tolist()) == ([0.5], [1.0])
        assert told(found) == told_exactly(tmp_path)
        compact(tmp_path)


def test_a_label_is_of_a_row_of_the_step_whatever_had_its_name_before(tmp_path: Path) -> None:
    rows = [answered("page", seconds=at) for at in (-20, 20)]
    write_log(tmp_path, *rows, labelled(by_request("page", "yes"), seconds=1))
    found = read_trial(tmp_path, TRIAL).rows
    assert found.labels.tolist() == [1.0]
    assert told(found) == told_exactly(tmp_path)


def test_a_segment_that_still_lies_beside_its_parquet_is_read_once(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1", "r2"), shadowed("r1"), labelled(by_request("r1", "yes"), seconds=9))
    [segment] = list_segments(tmp_path)
    content = segment.read_bytes()
    compact(tmp_path)
    segment.write_bytes(content)
    parts = read_parts(tmp_path, Span(MODEL, AT, AT + HOUR))
    assert [len(parts.whole(kind, ()).ids) for kind in Kind] == [2, 1, 1]


def test_times_are_to_the_microsecond_what_compaction_makes_of_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    seconds = [*(AT.timestamp() + rng.uniform(0, 60, 500)).tolist(), math.nan, math.inf, -1.0]
    rows = [AnsweredRow(f"r{at}", 0, one, (), 0.5, 1) for at, one in enumerate(seconds)]
    write_log(tmp_path, Answered(MODEL, OLD, 3, "answer", (), rows))
    span = Span(MODEL, datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC))
    raw, _ = (read_parts(tmp_path, span).whole(Kind.ANSWERS, ()).table["at"], compact(tmp_path))
    assert sorted(raw.to_pylist()) == sorted(
        read_parts(tmp_path, span).whole(Kind.ANSWERS, ()).table["at"].to_pylist()
    )


def test_of_too_many_rows_a_share_of_the_requests_is_read_with_all_that_belongs_to_them(
    tmp_path: Path,
) -> None:
    names = [f"r{number}" for number in range(4000)]
    for half in (names[:2000], names[2000:]):
        named = [
            by_request(name, "yes") if half[0] == "r0" else by_key(at, "yes") for at, name in enumerate(half)
        ]
        labels = labelled(*named, seconds=5)
        write_log(tmp_path, answered(*half), *map(shadowed, half), labels, instance=f"i{half[0]}")
        if half[0] == "r0":
            compact(tmp_path)
    found = read_trial(tmp_path, TRIAL, max_rows=1000)
    rows = found.rows
    assert found.share < 1.0
    assert len(rows.answers) / 4000 == pytest.approx(found.share, abs=0.05)
    assert len(rows.answers) <= 1250
    assert rows.is_scored.all()
    assert (rows.labels == 1.0).all()


def test_fifty_values_of_a_column_are_told_apart_and_the_rest_is_one(tmp_path: Path) -> None:
    values: list[Any] = [None, *(float(value) for value in range(60) for _ in range(60 - value))]
    rows = [AnsweredRow(f"r{at}", 0, AT.timestamp(), (value,), 0.5, 1) for at, value in enumerate(values)]
    half = len(rows) // 2
    for some, columns in ((rows[:half], ("x",)), (rows[half:], ("x",)), ([rows[0]], ("y",))):
        write_log(
            tmp_path, Answered(MODEL, OLD, 3, "answer", columns, some), instance=f"i{len(some)}{columns}"
        )
        compact(tmp_path)
    sliced = read_trial(tmp_path, replace(TRIAL, slices=("x",))).rows.slices["x"]
    assert sliced.names == (*map(str, range(50)), OTHERS)
    counts = np.bincount(sliced.codes).tolist()
    assert counts == [*range(60, 10, -1), 2 + sum(range(1, 11)) - 1]


@pytest.mark.parametrize("is_compacted", [False, True])
def test_classes_and_values_are_numbers(tmp_path: Path, is_compacted: bool) -> None:
    answer: Any
    tasks: list[tuple[Task, Any, Any, Any]] = [
        (Task.MULTICLASS, (0.2, 0.3, 0.5), "c", [2.0]),
        (Task.REGRESSION, 7.5, 12.25, [12.25]),
    ]
    for task, answer, label, value in tasks:
        folder = tmp_path / task.value
        rows = [AnsweredRow(f"r{at}", 0, AT.timestamp(), (), one, 1) for at, one in enumerate((answer, None))]
        scored = [ShadowedRow("r0", 0, AT.timestamp(), answer, 1)]
        records = (Answered(MODEL, OLD, 3, "answer", (), rows), Shadowed(MODEL, NEW, 3, scored))
        write_log(folder, *records, labelled(Label(label, "r0", 0, None), seconds=1))
        if is_compacted:
            compact(folder)
        trial = replace(TRIAL, task=task, classes=("a", "b", "c"), slices=())
        found = read_trial(folder, trial).rows
        np.testing.assert_array_equal(found.answers, np.array([answer, np.full_like(answer, np.nan)]))
        np.testing.assert_array_equal(found.scores, found.answers)
        assert found.labels[:1].tolist() == value
        assert np.isnan(found.labels[1])


def test_rows_that_were_compacted_before_errors_were_logged_have_none(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"))
    compact(tmp_path)
    [path] = tmp_path.rglob("*.answers.parquet")
    pq.write_table(pq.read_table(path, partitioning=None).drop_columns(["error"]), path)
    found = read_trial(tmp_path, TRIAL).rows
    assert (found.answers.tolist(), found.failed.tolist()) == ([0.25], [False])


def test_what_is_damaged_is_counted_and_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"), answered("r2"))
    [segment] = list_segments(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-1] + b"\0")
    found = read_trial(tmp_path, TRIAL)
    assert (len(found.rows.answers), len(found.damages)) == (1, 1)
    compact(tmp_path)
    found = read_trial(tmp_path, TRIAL)
    assert (len(found.rows.answers), len(found.damages)) == (1, 1)
    [path] = tmp_path.rglob("*.answers.parquet")
    path.write_bytes(b"half")
    with pytest.raises(UnreadableLogError, match="needed the parquet that compaction wrote"):
        read_trial(tmp_path, TRIAL)


def test_an_empty_log_has_no_rows(tmp_path: Path) -> None:
    found = read_trial(tmp_path / "nowhere", TRIAL)
    assert (len(found.rows.answers), found.share, found.damages) == (0, 1.0, ())
