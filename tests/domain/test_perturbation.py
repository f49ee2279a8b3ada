"""A row that is a little otherwise still keeps its contract."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from millrace.domain.bundle import InputColumn
from millrace.domain.kinds import ColumnType
from millrace.domain.perturbation import (
    LARGEST,
    UNSEEN,
    add_noise,
    blank,
    extreme_values,
    is_quantity,
    make_unseen,
    may_be_unseen,
    usual_steps,
)

AGE = InputColumn("age", ColumnType.INT, True, min=0, max=120)
PRICE = InputColumn("price", ColumnType.FLOAT, False)
CITY = InputColumn("city", ColumnType.STRING, True, categorical=True)
CODE = InputColumn("code", ColumnType.INT, False, max=4, categorical=True)
WAY = InputColumn("way", ColumnType.STRING, False, categories=("post", "van"), categorical=True)
FREE = InputColumn("free", ColumnType.STRING, False, text=True)


@pytest.fixture
def rows() -> pd.DataFrame:
    source = np.random.default_rng(0)
    ages = source.integers(0, 121, 4_000).astype(float)
    ages[::10] = np.nan
    return pd.DataFrame(
        {
            "age": ages,
            "price": source.normal(50.0, 10.0, 4_000),
            "city": pd.array(source.choice(["Oslo", "Bergen"], 4_000), dtype="str"),
            "code": source.integers(0, 5, 4_000),
        }
    )


def test_noise_has_the_size_that_was_asked_for_and_keeps_bounds_nulls_and_whole_numbers(
    rows: pd.DataFrame,
) -> None:
    moved = add_noise(rows, [AGE, PRICE], 0.1, 0)
    assert (moved["price"] - rows["price"]).std() == pytest.approx(1.0, rel=0.1)
    assert moved["age"].isna().equals(rows["age"].isna())
    ages = moved["age"].dropna()
    assert ages.between(0, 120).all()
    assert (ages == ages.round()).all()
    assert (moved["age"] != rows["age"]).sum() > 2_000
    assert moved["city"].equals(rows["city"])


def test_a_share_of_the_values_is_taken_away_in_each_column(rows: pd.DataFrame) -> None:
    left = blank(rows, [PRICE, CITY], 0.2, 0)
    for name in ("price", "city"):
        assert left[name].isna().mean() == pytest.approx(0.2, abs=0.03)
    assert not (left["price"].isna() == left["city"].isna()).all()
    assert left["code"].equals(rows["code"])


def test_a_new_category_is_one_that_nobody_has_seen_and_keeps_the_bounds(rows: pd.DataFrame) -> None:
    rows = rows.assign(city=rows["city"].where(rows.index > 0, UNSEEN))
    told = make_unseen(rows, [CITY, CODE], 0.2, 0)
    assert set(told["city"]) - set(rows["city"]) == {f"{UNSEEN}?"}
    assert set(told["code"]) - set(rows["code"]) == {-1}
    assert (told["code"] == -1).mean() == pytest.approx(0.2, abs=0.03)


def test_what_is_no_quantity_and_what_is_a_closed_list_is_not_asked_about() -> None:
    columns = (AGE, PRICE, CITY, CODE, WAY, FREE)
    assert [one.name for one in columns if is_quantity(one)] == ["age", "price"]
    assert [one.name for one in columns if may_be_unseen(one)] == ["city", "code"]


def test_extreme_values_are_the_bounds_or_what_float32_holds_and_more() -> None:
    assert extreme_values(AGE) == (0, 120)
    assert extreme_values(replace(AGE, min=120)) == (120,)
    assert extreme_values(PRICE) == (-2.0 * LARGEST, -LARGEST, LARGEST, 2.0 * LARGEST)


def test_steps_rise_over_the_usual_values_and_are_whole_where_they_have_to_be(rows: pd.DataFrame) -> None:
    steps = usual_steps(rows["age"].to_numpy(), AGE, 10)
    assert steps.size == 11
    assert (np.diff(steps) >= 1.0).all()
    assert (steps == steps.round()).all()
    assert usual_steps(np.full(9, np.nan), AGE, 10).size == 0
    assert usual_steps(np.full(9, 3.0), AGE, 10).size == 1
