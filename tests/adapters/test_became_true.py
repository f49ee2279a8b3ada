"""Is the truth of one answer the one that a whole window of the log would have joined to it?"""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace

from millrace.adapters.prediction_log.became_true import find_truth
from millrace.adapters.prediction_log.by_request import find_answers
from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.parts import UnreadableLogError
from millrace.adapters.prediction_log.reader import read_window
from millrace.domain.explanation.truth import Truth
from millrace.domain.prediction import Label
from tests.logged import AT, MODEL, answered, by_key, by_request, labelled, write_log

DAY_SECONDS = 86_400.0


def truth_of(folder: Path, request_id: str, model: str = MODEL) -> Truth | None:
    return find_truth(folder, model, find_answers(folder, model, request_id).rows)


def test_the_newest_word_counts_from_when_it_was_first_said(tmp_path: Path) -> None:
    write_log(
        tmp_path,
        answered("r0", "r1"),
        labelled(by_request("r1", "x"), seconds=10),
        labelled(by_request("r1", "y"), by_request("r0", "z"), seconds=20),
        labelled(by_request("r1", "y"), seconds=30),
    )
    assert truth_of(tmp_path, "r1") == Truth("y", AT + timedelta(seconds=20))
    compact(tmp_path)
    assert truth_of(tmp_path, "r1") == Truth("y", AT + timedelta(seconds=20))


def test_a_label_of_weeks_later_is_found_and_one_of_another_row_or_model_is_not(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r0", "r1", rides=(7, 8)))
    other_row = Label("x", "r1", 1, None)
    elsewhere = replace(labelled(by_request("r1", "x"), by_key(8, "x"), seconds=5), model="tolls")
    write_log(tmp_path, labelled(other_row, by_key(7, "x"), seconds=5), elsewhere, instance="two")
    assert truth_of(tmp_path, "r1") is None
    late = 30 * DAY_SECONDS
    write_log(tmp_path, labelled(by_key(8, "late"), seconds=late), instance="three")
    compact(tmp_path)
    assert truth_of(tmp_path, "r1") == Truth("late", AT + timedelta(seconds=late))


def test_of_an_id_that_was_given_twice_a_label_is_the_newest_answers_before_it(tmp_path: Path) -> None:
    write_log(
        tmp_path,
        answered("r1"),
        labelled(by_request("r1", "first"), seconds=100),
        answered("r1", seconds=1000),
    )
    assert truth_of(tmp_path, "r1") is None
    write_log(tmp_path, labelled(by_request("r1", "second"), seconds=1100), instance="two")
    assert truth_of(tmp_path, "r1") == Truth("second", AT + timedelta(seconds=1100))


@pytest.mark.parametrize("name", [by_request("r1", "x"), by_key(0, "x")])
def test_a_clock_may_be_half_a_minute_behind_and_what_was_said_an_hour_before_is_of_another_row(
    tmp_path: Path, name: Label
) -> None:
    write_log(tmp_path, answered("r1"), labelled(name, seconds=-3600))
    assert truth_of(tmp_path, "r1") is None
    write_log(tmp_path, labelled(name, seconds=-30), instance="two")
    assert truth_of(tmp_path, "r1") == Truth("x", AT - timedelta(seconds=30))
    compact(tmp_path)
    assert truth_of(tmp_path, "r1") == Truth("x", AT - timedelta(seconds=30))


def test_it_is_what_a_whole_window_joins_however_labels_name_their_rows(tmp_path: Path) -> None:
    draw = np.random.default_rng(5)
    names = [f"r{number}" for number in range(40)]
    records = [answered(*names[:20]), answered(*names[20:], seconds=30, rides=range(10, 30))]
    for number in range(12):
        ids = [by_request(names[draw.integers(40)], "xyz"[draw.integers(3)]) for _ in range(3)]
        keys = [by_key(int(draw.integers(40)), "xyz"[draw.integers(3)]) for _ in range(2)]
        records.append(labelled(*ids, *keys, seconds=60.0 + number * DAY_SECONDS / 4))
    write_log(tmp_path, *records[:8])
    compact(tmp_path)
    write_log(tmp_path, *records[8:], instance="two")
    rows = read_window(tmp_path, MODEL, AT, AT + timedelta(minutes=1)).predictions
    joined = {
        row.request_id: None if pd.isna(row.label) else Truth(row.label, row.labelled_at.to_pydatetime())
        for row in rows.itertuples()
    }
    assert {name: truth_of(tmp_path, name) for name in names} == joined
    assert 5 < sum(truth is None for truth in joined.values()) < 35


def test_a_file_of_labels_that_is_none_is_said_and_not_passed_over(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"), labelled(by_request("r1", "x"), seconds=1))
    compact(tmp_path)
    [file] = tmp_path.rglob("*.labels.parquet")
    file.write_bytes(b"PAR1 no more")
    with pytest.raises(UnreadableLogError, match=r"labels\.parquet"):
        truth_of(tmp_path, "r1")
