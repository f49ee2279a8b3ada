"""Is one answer found by its request, wherever the log has it, and is nothing else taken for it?"""

from pathlib import Path

import pytest

from millrace.adapters.prediction_log import SegmentWriter, encode
from millrace.adapters.prediction_log.by_request import Answers, find_answers
from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.parts import UnreadableLogError
from millrace.adapters.prediction_log.segment import list_segments
from millrace.domain.prediction import Answered, AnsweredRow
from tests.logged import AT, COLUMNS, MODEL, answered, by_request, labelled, shadowed, write_log

DAY_SECONDS = 86_400.0


def found_in(folder: Path, request_id: str = "r1", model: str = MODEL) -> Answers:
    return find_answers(folder, model, request_id)


def test_an_answer_is_the_same_before_and_after_compaction(tmp_path: Path) -> None:
    write_log(
        tmp_path, answered("r0", "r1", "r2"), shadowed("r1"), labelled(by_request("r1", "x"), seconds=1)
    )
    before = found_in(tmp_path)
    compact(tmp_path)
    assert list_segments(tmp_path) == []
    assert found_in(tmp_path) == before
    [row] = before.rows
    assert (row.request_id, row.row, row.at) == ("r1", 0, AT)
    assert (row.digest, row.generation, row.role) == ("a" * 64, 3, "answer")
    assert (row.answer, row.error) == ((0.25,), None)
    assert row.inputs == {"ride": 1, "distance_km": 2.5, "tariff": "r1"}


def test_all_rows_of_a_request_are_found_oldest_first_whichever_version_answered_them(tmp_path: Path) -> None:
    at = AT.timestamp()
    rows = [AnsweredRow("r1", row, at, (row, 1.0, "day"), (0.1, 0.9), 5) for row in (1, 0)]
    write_log(
        tmp_path,
        Answered(MODEL, "b" * 64, 4, "canary", COLUMNS, rows[:1]),
        Answered(MODEL, "a" * 64, 4, "answer", COLUMNS, rows[1:]),
    )
    assert [(one.row, one.digest[0], one.role, one.answer) for one in found_in(tmp_path).rows] == [
        (0, "a", "answer", (0.1, 0.9)),
        (1, "b", "canary", (0.1, 0.9)),
    ]


def test_an_id_that_is_a_value_or_a_part_of_another_id_or_another_models_is_not_found(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r11"), answered("r1"))
    assert [one.request_id for one in found_in(tmp_path, "r11").rows] == ["r11"]
    assert len(found_in(tmp_path).rows) == 1
    assert found_in(tmp_path, "day").rows == ()
    assert found_in(tmp_path, model="flights").rows == ()
    assert found_in(tmp_path / "nothing").rows == ()


def test_of_an_id_that_was_given_twice_the_newest_day_is_found(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"), instance="one")
    compact(tmp_path)
    write_log(tmp_path, answered("r1", seconds=DAY_SECONDS), instance="two")
    compact(tmp_path)
    assert [(one.at - AT).total_seconds() for one in found_in(tmp_path).rows] == [DAY_SECONDS]


def test_a_row_that_failed_is_found_without_an_answer(tmp_path: Path) -> None:
    row = AnsweredRow("r1", 0, AT.timestamp(), (1, None, "day"), None, 5)
    write_log(tmp_path, Answered(MODEL, "a" * 64, 3, "answer", COLUMNS, [row], "ValueError"))
    [found] = found_in(tmp_path).rows
    assert (found.answer, found.error, found.inputs["distance_km"]) == (None, "ValueError", None)


def test_damage_is_told_beside_what_is_found_and_a_writer_at_work_is_none(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "living", "one")
    writer.append(encode(answered("r1")))
    assert found_in(tmp_path / "living").damages == ()
    writer.close()
    write_log(tmp_path / "torn", answered("r1"), answered("r2"))
    [segment] = list_segments(tmp_path / "torn")
    segment.write_bytes(segment.read_bytes()[:-10])
    found = found_in(tmp_path / "torn")
    assert ([one.request_id for one in found.rows], len(found.damages)) == (["r1"], 1)


def test_a_compacted_file_that_is_none_is_an_error_that_names_it(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"))
    compact(tmp_path)
    [file] = tmp_path.rglob("*.answers.parquet")
    file.write_bytes(b"PAR1")
    with pytest.raises(UnreadableLogError, match=r"answers\.parquet"):
        found_in(tmp_path)
