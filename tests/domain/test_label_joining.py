"""Does every label find its row, and only its row?"""

from datetime import timedelta

import pandas as pd

from millrace.domain.label_joining import LabelCounts, join_labels

NOON = pd.Timestamp("2026-03-01 12:00", tz="UTC")
ROWS = pd.DataFrame({"request_id": ["r1", "r1", "r2"], "row": [0, 1, 0], "at": [NOON] * 3}, index=[7, 8, 9])
INPUTS = pd.DataFrame({"ride": [1.0, None, 2.0], "day": ["mon", "tue", "mon"]}, index=ROWS.index)


def labels_of(*labels: tuple[str, int, object, object, tuple[str, ...] | None]) -> pd.DataFrame:
    """Labels as (label, minutes after noon, request, row, key)."""
    return pd.DataFrame(
        {
            "label": [label for label, *_ in labels],
            "at": [NOON + pd.Timedelta(minutes=minutes) for _, minutes, *_ in labels],
            "request_id": [request_id for _, _, request_id, *_ in labels],
            "row": [row for *_, row, _ in labels],
            "key_columns": [None if key is None else ("ride", "day")[: len(key)] for *_, key in labels],
            "key": [key for *_, key in labels],
        }
    )


def test_the_newest_label_wins_in_whatever_order_they_are_given() -> None:
    labels = labels_of(("b", 9, "r1", 1, None), ("a", 2, "r1", 1, None), ("b", 5, "r1", 1, None))
    found, counts = join_labels(ROWS, INPUTS, labels, timedelta(minutes=1))
    assert found.loc[8].tolist() == ["b", NOON + pd.Timedelta(minutes=5)]
    assert found["label"].isna().tolist() == [True, False, True]
    assert counts == LabelCounts(joined=1, repeated=1, contradicting=1, late=1)


def test_a_key_of_several_columns_names_the_rows_that_have_all_its_values() -> None:
    labels = labels_of(("a", 1, None, 0, ("2", "mon")), ("b", 1, None, 0, ("1", "tue")))
    found, counts = join_labels(ROWS, INPUTS, labels, None)
    assert found["label"].dropna().to_dict() == {9: "a"}
    assert counts == LabelCounts(joined=1, unknown=1)


def test_a_null_names_no_row_and_a_column_that_is_not_logged_none_either() -> None:
    labels = labels_of(("a", 1, None, 0, (None, "tue")), ("b", 1, None, 0, ("1",)))  # type: ignore[arg-type]
    found, counts = join_labels(ROWS, INPUTS[["day"]].assign(ride=[None] * 3), labels, None)
    assert (found["label"].isna().all(), counts) == (True, LabelCounts(unknown=2))
    assert join_labels(ROWS, INPUTS[["day"]], labels, None)[1] == LabelCounts(unknown=2)


def test_a_request_id_of_several_requests_names_the_newest_answered_before_the_label() -> None:
    times = [NOON + pd.Timedelta(minutes=minutes) for minutes in (10, 0, 20)]
    rows = pd.DataFrame({"request_id": ["page"] * 3, "row": [0] * 3, "at": times}, index=ROWS.index)
    labels = labels_of(("a", 10, "page", 0, None), ("b", 5, "page", 0, None), ("c", 21, "page", 1, None))
    found, counts = join_labels(rows, INPUTS, labels, None)
    assert found["label"].dropna().to_dict() == {7: "a", 8: "b"}
    assert counts == LabelCounts(joined=2, unknown=1)
    early, _ = join_labels(rows, INPUTS, labels_of(("d", -1, "page", 0, None)), None)
    assert early["label"].dropna().to_dict() == {8: "d"}


def test_a_label_is_of_no_row_that_was_answered_after_it() -> None:
    labels = labels_of(("yesterday", -60, "r2", 0, None), ("by a clock behind", -1, "r1", 0, None))
    found, counts = join_labels(ROWS, INPUTS, labels, None)
    assert found["label"].dropna().to_dict() == {7: "by a clock behind"}
    assert counts == LabelCounts(joined=1, unknown=1)
