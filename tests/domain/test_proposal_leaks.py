"""The target under another name is found and left out; honest columns, however strong, stay."""

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from tests.domain.proposed import draft_of, left_out, rows

SOURCE = np.random.default_rng(5)


def classed(count: int = 600) -> pd.DataFrame:
    """Honest rows with a class that they tell a little of."""
    table = rows(count).drop(columns="price")
    chance = 1 / (1 + np.exp(-(table["area"] - 110) / 25))
    return table.assign(sold=np.where(SOURCE.random(count) < chance, "yes", "no"))


@pytest.mark.parametrize(
    ("name", "leak"),
    [
        ("log_of_it", np.log),
        ("in_cents", lambda y: 100 * y + 7),
        ("square", lambda y: y**2),
        ("turned", lambda y: -y),
        ("rounded", lambda y: y.round(1)),
    ],
)
def test_a_function_of_the_target_is_left_out(name: str, leak: object) -> None:
    table = rows()
    table[name] = leak(table["price"])  # type: ignore[operator]
    assert "rank correlation" in left_out(draft_of(table, "price"))[name]


def test_a_code_of_each_value_of_a_number_is_left_out() -> None:
    table = rows(900)
    table["price"] = (table["price"] / 50).round() * 50.5
    codes = dict(zip(table["price"].unique(), SOURCE.permutation(table["price"].nunique()), strict=True))
    table["tariff"] = table["price"].map(codes)
    assert "each of its values stands for one of the target" in left_out(draft_of(table, "price"))["tariff"]


def test_parts_that_add_up_to_the_target_are_left_out() -> None:
    table = rows()
    table["base"], table["extra"] = SOURCE.uniform(10, 90, 400), SOURCE.uniform(0, 40, 400)
    table["discount"] = SOURCE.uniform(0, 20, 400)
    table["price"] = table["base"] + table["extra"] - table["discount"]
    found = left_out(draft_of(table, "price"))
    assert set(found) == {"base", "extra", "discount"}
    assert "base" in found["extra"]
    assert "- discount" in found["extra"]


def test_parts_that_multiply_to_the_target_are_left_out() -> None:
    table = rows()
    table["units"], table["each"] = SOURCE.integers(1, 40, 400), SOURCE.uniform(1, 9, 400)
    table["price"] = table["units"] * table["each"]
    assert set(left_out(draft_of(table, "price"))) == {"units", "each"}


def test_a_law_with_other_weights_is_a_doubt_and_stays() -> None:
    table = rows()
    table["price"] = 3.3 * table["area"] + 12.7 * table["height"]
    draft = draft_of(table, "price")
    assert left_out(draft) == {}
    assert any("area may know the target" in one.what for one in draft.doubts)


@pytest.mark.parametrize("code", [{"yes": 1, "no": 0}, {"yes": "Y", "no": "N"}, {"yes": 17.5, "no": 3.25}])
def test_a_code_for_the_classes_is_left_out(code: dict[str, object]) -> None:
    table = classed()
    table["shown"] = table["sold"].map(code)
    assert "a code for the target" in left_out(draft_of(table, "sold"))["shown"]


def test_a_code_for_several_classes_is_left_out() -> None:
    table = classed().assign(kind=np.resize(["a", "b", "c"], 600))
    table["kind_no"] = table["kind"].map({"a": 2, "b": 0, "c": 1})
    assert "a code for the target" in left_out(draft_of(table, "kind"))["kind_no"]


def test_a_column_that_separates_the_classes_alone_is_left_out() -> None:
    table = classed()
    table["score"] = np.where(table["sold"] == "yes", 10.0, 0.0) + SOURCE.random(600)
    assert "alone it separates the classes" in left_out(draft_of(table, "sold"))["score"]


@pytest.mark.parametrize(
    "name", ["sold_date", "sold_at", "sold_reason", "date sold", "soldOutcome", "sold_prediction"]
)
def test_what_comes_after_the_target_by_its_name_is_left_out(name: str) -> None:
    table = classed()
    table[name] = SOURCE.normal(size=600)
    assert "by its name" in left_out(draft_of(table, "sold"))[name]


def test_a_name_that_only_has_the_target_in_it_is_a_doubt_and_stays() -> None:
    table = classed()
    table["sold_last_year"] = SOURCE.normal(size=600)
    draft = draft_of(table, "sold")
    assert left_out(draft) == {}
    assert any("sold_last_year may know the target" in one.what for one in draft.doubts)


def test_what_keep_names_stays_and_is_said() -> None:
    table = rows()
    table["log"] = np.log(table["price"])
    draft = draft_of(table, "price", keep=("log",))
    assert "log" in draft.of_kind("numeric")
    assert any("log may know the target" in one.what for one in draft.doubts)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_of_clean_data_nothing_is_left_out(name: str) -> None:
    table = getattr(datasets, f"load_{name}")(as_frame=True).frame
    assert left_out(draft_of(table, "target")) == {}


def test_two_strong_columns_that_agree_are_honest() -> None:
    """Petals tell setosa from versicolor without an error, both their length and their width."""
    table = datasets.load_iris(as_frame=True).frame
    draft = draft_of(table[table["target"] < 2].reset_index(drop=True), "target")
    assert left_out(draft) == {}


def test_a_column_that_separates_the_classes_stays_where_another_comes_near() -> None:
    table = classed()
    truth = np.where(table["sold"] == "yes", 10.0, 0.0)
    table["strong"], table["near"] = truth + SOURCE.random(600), truth + SOURCE.normal(0.0, 2.5, 600)
    draft = draft_of(table, "sold")
    assert left_out(draft) == {}
    assert any("strong may know the target" in one.what for one in draft.doubts)


def test_a_likeness_that_was_taken_first_does_not_hide_the_parts() -> None:
    table = rows()
    table["net"] = SOURCE.uniform(10, 90, 400)
    table["tax"] = table["net"] * SOURCE.choice([0.1, 0.2], 400)
    table["price"] = table["net"] + table["tax"]
    table["decoy"] = table["price"] + SOURCE.normal(0, 1.5, 400)
    found = left_out(draft_of(table, "price"))
    assert set(found) == {"net", "tax"}
    assert found["net"] in {f"the target is {parts}, exactly" for parts in ("net + tax", "tax + net")}


def test_parts_whose_sum_was_rounded_are_found() -> None:
    table = rows()
    table["base"], table["extra"] = SOURCE.uniform(10, 90, 400), SOURCE.uniform(0, 40, 400)
    table["price"] = (table["base"] + table["extra"]).round()
    found = left_out(draft_of(table, "price"))
    assert set(found) == {"base", "extra"}
    assert found["base"] == "the target is base + extra, rounded to 1"


def test_a_column_that_one_class_alone_fills_is_left_out() -> None:
    table = classed()
    table["refund"] = np.where(table["sold"] == "yes", SOURCE.uniform(1, 9, len(table)), np.nan)
    table["gaps"] = np.where(SOURCE.random(len(table)) < 0.5, SOURCE.uniform(1, 9, len(table)), np.nan)
    found = left_out(draft_of(table, "sold"))
    assert found["refund"].startswith("where it is empty tells the class, 100.0%")
    assert "gaps" not in found
