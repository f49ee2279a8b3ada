"""Is a value the same category, the same number and the same label however it is stored?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.domain.bundle import InputColumn
from millrace.domain.features import (
    NULL_TEXT,
    UnreadableColumnError,
    feature_columns,
    feature_frame,
    text_values,
)
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.schema import ClassCountError, class_names, label_values
from tests.adapters.planted import planted_config

FAR = 2.0**24 + 1


@pytest.mark.parametrize(
    ("kind", "stored", "texts"),
    [
        (ColumnType.STRING, ["a", "", None, float("nan")], ["a", "", NULL_TEXT, NULL_TEXT]),
        (ColumnType.INT, [1, 2.0, None, np.int64(3)], ["1", "2", NULL_TEXT, "3"]),
        (ColumnType.INT, pd.Series([1, None], dtype="Int64"), ["1", NULL_TEXT]),
        (ColumnType.INT, pd.Series([1.0, np.nan]), ["1", NULL_TEXT]),
        (ColumnType.BOOL, [True, 0, np.False_, None], ["true", "false", "false", NULL_TEXT]),
        (ColumnType.BOOL, pd.Series([True, None], dtype="boolean"), ["true", NULL_TEXT]),
        (ColumnType.FLOAT, [1, 0.5], ["1.0", "0.5"]),
        (ColumnType.STRING, pd.Series(["a", None], dtype="category"), ["a", NULL_TEXT]),
        (ColumnType.STRING, pd.Series(["a", None], dtype="str"), ["a", NULL_TEXT]),
    ],
)
def test_a_category_has_one_text_in_every_storage(kind: ColumnType, stored: Any, texts: list[str]) -> None:
    assert text_values(stored, "c", kind).tolist() == texts


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnType.STRING, 1),
        (ColumnType.INT, 1.5),
        (ColumnType.INT, "1"),
        (ColumnType.INT, float("inf")),
        (ColumnType.BOOL, "false"),
        (ColumnType.BOOL, 2),
        (ColumnType.STRING, ["a"]),
        (ColumnType.TIMESTAMP, "2013-01-01"),
    ],
)
def test_a_value_of_another_type_is_no_category(kind: ColumnType, value: object) -> None:
    column = np.empty(1, dtype=object)
    column[0] = value
    with pytest.raises(UnreadableColumnError, match=f"column 'c'.*needed values of type {kind}"):
        text_values(column, "c", kind)


def test_numbers_are_those_float32_holds_and_the_rest_is_null() -> None:
    inputs = (InputColumn("x", ColumnType.FLOAT, True),)
    rows = {"x": [FAR, 0.1, np.inf, -1e300, None]}
    seen = feature_columns(rows, inputs)["x"]
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(
        seen, np.array([2.0**24, np.float32(0.1), np.nan, np.nan, np.nan], np.float32)
    )
    frame = feature_frame(rows, inputs)
    assert frame["x"].dtype == np.float64
    np.testing.assert_array_equal(frame["x"], seen.astype(np.float64))


def test_the_rows_that_came_in_are_left_as_they_were() -> None:
    rows = pd.DataFrame({"x": np.array([np.inf, 1.0], dtype=np.float32)})
    feature_columns(rows, (InputColumn("x", ColumnType.FLOAT, True),))
    assert rows["x"].tolist() == [np.inf, 1.0]


def test_a_time_is_no_number() -> None:
    times = pd.DataFrame({"x": pd.to_datetime(["2013-01-01"], utc=True)})
    with pytest.raises(UnreadableColumnError, match="column 'x': found times"):
        feature_columns(times, (InputColumn("x", ColumnType.TIMESTAMP, False),))


def test_classes_of_numbers_are_in_numeric_order_and_the_last_is_positive() -> None:
    config = planted_config(Task.BINARY)
    rows = pd.DataFrame({"y": [10.0, 2.0, None]})
    assert class_names(rows, config) == ("2", "10")
    assert label_values(rows.head(2), config, ("2", "10")).tolist() == [1.0, 0.0]


def test_a_target_of_one_class_or_three_is_no_binary_one() -> None:
    config = planted_config(Task.BINARY)
    with pytest.raises(ClassCountError, match=r"has 1 classes .* needs exactly 2"):
        class_names({"y": [1, 1]}, config)
    with pytest.raises(ClassCountError, match=r"has 3 classes .* needs exactly 2"):
        class_names({"y": [1, 2, 3]}, config)


def test_a_label_nobody_learned_is_refused() -> None:
    config = planted_config(Task.MULTICLASS)
    with pytest.raises(UnreadableColumnError, match="label 'new', needed one of early, late"):
        label_values({"y": ["late", "new"]}, config, ("early", "late"))


@pytest.mark.parametrize("label", [None, np.inf])
def test_a_regression_learns_from_finite_labels_only(label: float | None) -> None:
    with pytest.raises(UnreadableColumnError, match="null or infinite label"):
        label_values({"y": [1.0, label]}, planted_config(Task.REGRESSION), ())
