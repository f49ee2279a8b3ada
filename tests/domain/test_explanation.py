"""Are importance, curves, weak spots and the changes of one answer the numbers that were planted?"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.domain.bundle import InputColumn, Schema
from millrace.domain.config import Metric
from millrace.domain.explanation import (
    Place,
    RowExplanation,
    WeakSpots,
    explain_row,
    find_weak_spots,
    measure_dependence,
    measure_importance,
)
from millrace.domain.explanation.asked import Asked
from millrace.domain.explanation.logged import AnswerExplanation
from millrace.domain.explanation.standing import (
    Standing,
    place_category,
    place_number,
    usual_category,
    usual_number,
)
from millrace.domain.explanation.words import tell_answer, tell_change, tell_course, tell_usual, tell_weak
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.profile import CategoricalCounts, Profile, Tally
from millrace.domain.profile.edges import numeric_edges

ROWS, DAYS = 4_000, 40
LUCK = np.random.default_rng(7)
RIDES = pd.DataFrame(
    {
        "km": LUCK.uniform(0.0, 30.0, ROWS),
        "bags": LUCK.integers(0, 4, ROWS).astype(float),
        "noise": LUCK.normal(size=ROWS),
        "tariff": LUCK.choice(np.array(["day", "night"], dtype=object), ROWS),
    }
)
DAY = np.array([f"day {row % DAYS:02}" for row in range(ROWS)])


def fares(rows: Any) -> Any:
    """What a ride costs: 3 for a kilometre, 8 for a bag, 20 at night."""
    km, bags = (np.asarray(rows[name], dtype=float) for name in ("km", "bags"))
    return 3.0 * km + 8.0 * np.nan_to_num(bags) + 20.0 * (np.asarray(rows["tariff"], dtype=object) == "night")


PAID = fares(RIDES) + LUCK.normal(0.0, 1.0, ROWS)


def importance_of(seed: int = 7, metric: Metric = Metric.MAE, blocks: Any = DAY) -> Any:
    return measure_importance(
        Asked(fares), RIDES, PAID, blocks, metric, repeats=3, confidence=0.95, rounds=200, seed=seed
    )


def curve_of(name: str, *, is_numeric: bool = True) -> Any:
    return measure_dependence(Asked(fares), RIDES, name, is_numeric=is_numeric, classes=())


def weak_of(answers: Any, labels: Any = PAID, metric: Metric = Metric.MAE, **given: Any) -> WeakSpots:
    usual = {
        "numeric": ["km", "bags", "noise"],
        "categorical": ["tariff"],
        "confidence": 0.95,
        "min_blocks": 14,
    }
    return find_weak_spots(RIDES, labels, answers, DAY, metric, **usual | given)  # type: ignore[arg-type]


# what matters


def test_columns_stand_in_the_order_of_what_they_are_worth_and_noise_is_worth_nothing() -> None:
    found = importance_of()
    assert [one.name for one in found] == ["km", "tariff", "bags", "noise"] or [
        one.name for one in found
    ] == ["km", "bags", "tariff", "noise"]
    # two rides differ by 10 km on average, and by 1.25 bags, and half of them in the tariff
    assert {one.name: one.excess_loss for one in found} == {
        "km": pytest.approx(30.0, abs=1.5),
        "bags": pytest.approx(10.0, abs=1.0),
        "tariff": pytest.approx(10.0, abs=1.0),
        "noise": 0.0,
    }
    assert [one.is_sure for one in found] == [True, True, True, False]
    assert all(one.lower < one.excess_loss < one.upper for one in found[:3])


def test_the_same_seed_shuffles_the_same_way_and_another_does_not() -> None:
    assert importance_of() == importance_of()
    assert importance_of() != importance_of(seed=8)


# of each of these, two or three columns are named when every one is judged by itself
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_of_thirty_columns_that_are_worth_nothing_none_is_named(seed: int) -> None:
    luck = np.random.default_rng(seed)
    columns = pd.DataFrame({f"c{at}": luck.normal(size=600) for at in range(30)})
    weights, truth = luck.normal(0.0, 0.05, 30), luck.normal(size=600)
    asked = Asked(lambda rows: rows.to_numpy(dtype=float) @ weights)
    found = measure_importance(
        asked,
        columns,
        truth,
        np.array([f"day {row % 30:02}" for row in range(600)]),
        Metric.MAE,
        repeats=2,
        confidence=0.95,
        rounds=200,
        seed=seed,
    )
    assert not any(one.is_sure for one in found)


def test_one_block_gives_no_bounds_and_nothing_is_sure() -> None:
    found = importance_of(blocks=np.full(ROWS, "all"))
    assert {(one.lower, one.upper, one.is_sure) for one in found} == {(None, None, False)}


def test_an_auc_falls_by_what_a_column_orders() -> None:
    late = (RIDES["km"].to_numpy() > 15.0).astype(float)
    asked = Asked(lambda rows: np.asarray(rows["km"], dtype=float) / 30.0)
    found = measure_importance(
        asked, RIDES, late, DAY, Metric.AUC, repeats=3, confidence=0.95, rounds=200, seed=7
    )
    assert found[0].name == "km"
    assert found[0].excess_loss == pytest.approx(0.5, abs=0.05)
    assert {one.excess_loss for one in found[1:]} == {0.0}


# the course of the answer


def test_a_curve_has_the_planted_slope() -> None:
    km, bags = curve_of("km"), curve_of("bags")
    slopes = np.diff(km.curves[0].answers) / np.diff(km.values)
    assert slopes == pytest.approx(np.full(len(slopes), 3.0))
    assert bags.values == (0.0, 1.0, 2.0, 3.0)
    assert np.diff(bags.curves[0].answers) == pytest.approx([8.0, 8.0, 8.0])
    assert sum(km.shares) == pytest.approx(0.96, abs=0.01)


def test_categories_stand_with_the_commonest_first_and_how_common_they_are() -> None:
    tariff = curve_of("tariff", is_numeric=False)
    by_name = dict(zip(tariff.texts, tariff.curves[0].answers, strict=True))
    assert by_name["night"] - by_name["day"] == pytest.approx(20.0)
    assert sum(tariff.shares) == pytest.approx(1.0)
    assert tariff.shares[0] >= tariff.shares[1]


def test_a_column_of_one_value_or_none_has_no_curve() -> None:
    for values in (np.full(ROWS, 3.0), np.full(ROWS, np.nan)):
        rows = RIDES.assign(km=values)
        assert measure_dependence(Asked(fares), rows, "km", is_numeric=True, classes=()) is None


def test_each_class_has_a_curve_and_they_add_up_to_one() -> None:
    asked = Asked(shares)
    found = measure_dependence(asked, RIDES, "km", is_numeric=True, classes=("short", "long", "far"))
    assert found is not None
    assert [one.of for one in found.curves] == ["short", "long", "far"]
    sums = np.sum([one.answers for one in found.curves], axis=0)
    assert sums == pytest.approx(np.ones(len(found.values)))
    assert tell_course(found, 1.0).startswith("short falls from ")


def test_a_course_is_told_as_it_is() -> None:
    assert tell_course(curve_of("km"), 90.0).startswith("rises from ")
    assert tell_course(curve_of("noise"), 90.0).startswith("hardly changes, ")
    assert "at night" in tell_course(curve_of("tariff", is_numeric=False), 90.0)


# where it is weak


def test_a_planted_weak_spot_is_found_and_what_was_answered_stands_beside_what_happened() -> None:
    is_night = (RIDES["tariff"] == "night").to_numpy()
    found = weak_of(np.where(is_night, PAID - 9.0, PAID - 1.0))
    worst = found.slices[0]
    assert worst.conditions == ("tariff is night",)
    assert worst.rows == int(is_night.sum())
    assert (worst.loss, found.loss) == (pytest.approx(9.0), pytest.approx(5.0, abs=0.2))
    assert worst.happened is not None
    assert worst.answered == pytest.approx(worst.happened - 9.0)
    # by the tariff it is the same whatever the distance: no pair says more than its part
    assert [one.conditions for one in found.slices] == [("tariff is night",)]


def test_a_spot_that_only_two_columns_together_show_is_found_as_a_pair() -> None:
    both = ((RIDES["tariff"] == "night") & (RIDES["bags"] == 3.0)).to_numpy()
    found = weak_of(PAID + 1.0 + 20.0 * both)
    assert ("bags is 3", "tariff is night") in [one.conditions for one in found.slices]
    assert all(one.at_least > found.loss for one in found.slices)


def test_among_many_slices_of_mere_luck_none_is_weak() -> None:
    for seed in range(5):
        luck = np.random.default_rng(seed).normal(0.0, 1.0, ROWS)
        found = weak_of(PAID + luck)
        assert found.slices == ()
        assert found.tried > 50
        assert "No weak spot" in tell_weak(found)


def test_a_little_more_is_no_weak_spot_however_sure_it_is() -> None:
    is_night = (RIDES["tariff"] == "night").to_numpy()
    assert weak_of(PAID + np.where(is_night, 1.0, 0.9)).slices == ()
    assert weak_of(PAID + np.where(is_night, 1.0, 0.7)).slices[0].conditions == ("tariff is night",)


def test_a_slice_of_one_bad_day_is_no_weak_spot() -> None:
    # 2,000 rows that fail together are one observation, not 2,000
    is_bad = (DAY == "day 00") & (RIDES["tariff"] == "night").to_numpy()
    assert weak_of(PAID + LUCK.normal(0.0, 1.0, ROWS) + 30.0 * is_bad).slices == ()


def test_where_most_groups_are_too_small_to_judge_that_is_said_first() -> None:
    few = slice(0, 300)
    off = LUCK.normal(0.0, 1.0, 300)
    found = find_weak_spots(
        RIDES[few], PAID[few], PAID[few] + off, DAY[few], Metric.MAE,
        numeric=["km", "bags", "noise"], categorical=["tariff"], confidence=0.95, min_blocks=14,
    )  # fmt: skip
    assert (found.slices, found.small > found.tried > 0) == ((), True)
    there = found.tried + found.small
    start = (
        f"Only {found.tried} of {there} groups of rows are large enough to judge. Among them no weak spot:"
    )
    assert tell_weak(found).startswith(start)
    # enough of them, and the small ones are told at the end
    many = weak_of(PAID + LUCK.normal(0.0, 1.0, ROWS))
    assert tell_weak(replace(many, small=3)).endswith(" 3 more are too small to judge.")
    assert tell_weak(replace(many, tried=0, small=7)).startswith(
        "Weak spots could not be looked for: each of 7 "
    )


def test_too_few_blocks_are_said_and_nothing_is_tried() -> None:
    found = weak_of(PAID + 5.0, min_blocks=41)
    assert (found.tried, found.slices, found.untried) == (0, (), "40 blocks, 41 needed")


def test_an_auc_has_no_loss_of_a_row_so_the_log_loss_is_taken() -> None:
    late = (RIDES["km"].to_numpy() > 15.0).astype(float)
    blind = np.where(RIDES["tariff"] == "night", 0.5, 0.05 + 0.9 * late)
    found = weak_of(blind, late, Metric.AUC)
    assert found.metric is Metric.LOG_LOSS
    assert found.slices[0].conditions == ("tariff is night",)
    assert found.slices[0].loss == pytest.approx(np.log(2.0))


def test_an_rmse_is_told_as_one_and_nulls_are_a_slice_of_their_own() -> None:
    rows = RIDES.assign(km=RIDES["km"].where(RIDES["noise"] < 1.0))
    is_null = rows["km"].isna().to_numpy()
    off = np.where(is_null, 8.0, 1.0) * np.where(np.arange(ROWS) % 2, 1.0, -1.0)
    found = find_weak_spots(
        rows, PAID, PAID + off, DAY, Metric.RMSE,
        numeric=["km", "bags"], categorical=["tariff"], confidence=0.95, min_blocks=14,
    )  # fmt: skip
    assert found.slices[0].conditions == ("km is (null)",)
    assert found.slices[0].loss == pytest.approx(8.0)


# where a value stands


def numbers(*values: float) -> Any:
    column = np.array(values)
    tally = Tally(Profile(0, (numeric_edges("x", column),), ()))
    tally.numeric["x"].add(column)
    return tally.profile.numeric[0]


def test_a_number_stands_above_what_is_smaller_and_half_of_what_is_equal() -> None:
    counted = numbers(1.0, 2.0, 2.0, 3.0, np.nan)
    assert place_number(2.0, counted).percent_below == 50.0
    assert place_number(2.5, counted).percent_below == 75.0
    assert place_number(1.0, counted).percent_below == 12.5
    assert place_number(0.5, counted) == Standing(Place.BELOW, limit=1.0)
    assert place_number(3.5, counted) == Standing(Place.ABOVE, limit=3.0)
    assert place_number(None, counted) == Standing(Place.NULL, share=0.2)
    assert (usual_number(counted), usual_number(counted.emptied)) == (2.0, None)


def test_a_percentile_of_many_numbers_is_exact_to_a_thousandth() -> None:
    values = np.random.default_rng(1).lognormal(size=50_000)
    counted = numbers(*values)
    for share in (0.01, 0.3, 0.5, 0.97):
        told = place_number(float(np.quantile(values, share)), counted).percent_below
        assert told == pytest.approx(100 * share, abs=0.11)
    assert usual_number(counted) == pytest.approx(np.median(values), rel=0.01)


def test_a_category_stands_by_its_rank_and_one_that_never_came_is_said_to_be_new() -> None:
    counted = CategoricalCounts("c", ("a", "b", "c"), (2, 6, 2), 0, 10)
    assert place_category("b", counted) == Standing(Place.KNOWN, share=0.3, rank=1, of=3)
    assert place_category("c", counted).rank == place_category("a", counted).rank == 2
    assert place_category("d", counted) == Standing(Place.UNSEEN)
    rare = place_category("d", replace(counted, other=2))
    assert rare == Standing(Place.RARE, of=3)
    assert rare.told == "not among the 3 commonest in the reference, if it was seen at all"
    assert place_category(None, counted) == Standing(Place.NULL, share=0.5)
    assert (usual_category(counted), usual_category(counted.emptied)) == ("b", None)


# one answer

INPUTS = (
    InputColumn("km", ColumnType.FLOAT, True),
    InputColumn("bags", ColumnType.INT, True),
    InputColumn("tariff", ColumnType.STRING, True, categorical=True),
)
KNOWN = Profile(
    5,
    (numbers(9.0, 10.0, 11.0), numbers(0.0, 1.0, 1.0)),
    (CategoricalCounts("tariff", ("day", "night"), (4, 1), 0, 0),),
)


def shares(rows: Any) -> Any:
    """How likely a ride is short, long or far: by the kilometres alone."""
    far = np.clip(np.asarray(rows["km"], dtype=float) / 30.0, 0.0, 1.0)
    return np.stack([(1.0 - far) ** 2, 2.0 * far * (1.0 - far), far**2], axis=1)


def explained(
    answering: Any, row: dict[str, Any], task: Task, classes: tuple[str, ...] = ()
) -> RowExplanation:
    names = ("km", "bags")
    numeric = tuple(replace(one, name=name) for one, name in zip(KNOWN.numeric, names, strict=True))
    return explain_row(answering, row, Schema(task, INPUTS, classes), replace(KNOWN, numeric=numeric))


def test_each_input_changes_an_answer_by_what_it_costs() -> None:
    found = explained(fares, {"km": 20.0, "bags": 3, "tariff": "night"}, Task.REGRESSION)
    assert (found.answer, found.of, found.at_usual) == ((104.0,), None, 38.0)
    assert [(one.name, one.usual, one.answer, one.change) for one in found.inputs] == [
        ("km", 10.0, 74.0, -30.0),
        ("tariff", "day", 84.0, -20.0),
        ("bags", 1.0, 88.0, -16.0),
    ]
    assert [one.standing.place for one in found.inputs] == [Place.ABOVE, Place.KNOWN, Place.ABOVE]


def test_a_null_is_told_and_becomes_the_median() -> None:
    found = explained(fares, {"km": 10.0, "bags": None, "tariff": "dawn"}, Task.REGRESSION)
    by_name = {one.name: one for one in found.inputs}
    assert (by_name["bags"].standing.place, by_name["bags"].change) == (Place.NULL, 8.0)
    assert (by_name["tariff"].standing.place, by_name["tariff"].change) == (Place.UNSEEN, 0.0)
    assert by_name["km"].change == 0.0


def test_a_class_that_takes_over_is_named() -> None:
    row = {"km": 29.0, "bags": 0, "tariff": "day"}
    found = explained(shares, row, Task.MULTICLASS, ("short", "long", "far"))
    assert found.of == "far"
    km = found.inputs[0]
    assert (km.name, km.becomes) == ("km", "short") or (km.name, km.becomes) == ("km", "long")
    assert km.answer == pytest.approx(1.0 / 9.0)
    assert km.change == pytest.approx(1.0 / 9.0 - (29.0 / 30.0) ** 2)
    assert [one.becomes for one in found.inputs[1:]] == [None, None]


def test_of_two_classes_the_positive_one_is_followed() -> None:
    found = explained(
        lambda rows: np.asarray(rows["km"], dtype=float) / 40.0,
        {"km": 20.0, "bags": 0, "tariff": "day"},
        Task.BINARY,
        ("no", "yes"),
    )
    assert (found.of, found.answer, found.inputs[0].change) == ("yes", (0.5,), -0.25)


def test_a_decision_that_flips_at_the_threshold_is_named() -> None:
    schema = Schema(Task.BINARY, INPUTS, ("no", "yes"), threshold=0.3)
    numeric = tuple(replace(one, name=name) for one, name in zip(KNOWN.numeric, ("km", "bags"), strict=True))
    found = explain_row(
        lambda rows: np.asarray(rows["km"], dtype=float) / 40.0,
        {"km": 20.0, "bags": 0, "tariff": "day"},
        schema,
        replace(KNOWN, numeric=numeric),
    )
    assert [(one.name, one.becomes) for one in found.inputs] == [
        ("km", "no"), ("bags", None), ("tariff", None)
    ]  # fmt: skip
    told = AnswerExplanation(
        model="m", request_id="r", row=0, rows=1, earlier=0, at=datetime(2013, 4, 1, tzinfo=UTC),
        digest="d", generation=1, role="answer", task=Task.BINARY, classes=("no", "yes"), logged=(0.5,),
        error=None, again=found, trouble=None, inputs=found.inputs, difference=0.0, tolerance=0.0,
        hidden=(), unlogged=(), damages=0, threshold=0.3,
    )  # fmt: skip
    assert tell_answer(told) == (
        "The answer was yes with probability 0.5000, and so the decision yes: yes from 0.3 on."
    )
    assert tell_change(told, found.inputs[0])[0] == "0.2500, no is decided"


def test_a_column_that_the_reference_does_not_count_is_shown_without_a_change() -> None:
    row = {"km": 1.0, "bags": 0, "tariff": "day", "said": "turn left"}
    schema = Schema(
        Task.REGRESSION, (*INPUTS, InputColumn("said", ColumnType.STRING, True, categorical=True))
    )
    found = explain_row(fares, row, schema, Profile(0, (), ()))
    assert {one.standing.place for one in found.inputs} == {Place.UNTOLD}
    assert [one.change for one in found.inputs] == [None] * 4


def test_a_text_stands_by_its_length_and_is_compared_with_none() -> None:
    def answering(rows: Any) -> Any:
        return np.array([10.0 * ("night" in (text or "")) for text in rows["said"]])

    schema = Schema(Task.REGRESSION, (InputColumn("said", ColumnType.STRING, True, text=True),))
    reference = Profile(4, (replace(numbers(5.0, 10.0, 10.0, 20.0), name="said"),), ())
    [found] = explain_row(answering, {"said": "all night long"}, schema, reference).inputs
    assert (found.usual, found.answer, found.change) == ("", 0.0, -10.0)
    assert found.standing.told == "its length: above 75 % of the reference"
    assert tell_usual(found) == "no text"
    [empty] = explain_row(answering, {"said": None}, schema, reference).inputs
    assert (empty.standing.place, empty.change) == (Place.NULL, 0.0)
