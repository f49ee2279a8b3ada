"""Does a profile count every row once, and do two of them add up?"""

from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.domain.bundle import Schema
from millrace.domain.canonical import canonical_json
from millrace.domain.config import ModelConfig
from millrace.domain.features import NULL_TEXT
from millrace.domain.kinds import Task
from millrace.domain.profile import (
    MAX_CATEGORIES,
    MAX_EDGES,
    DifferentEdgesError,
    Tally,
    add_answers,
    count_rows,
    make_reference,
    merge_profiles,
    profile_rows,
)
from millrace.domain.profile.edges import as_float32


def config() -> ModelConfig:
    columns = {"x": {"type": "float"}, "c": {"type": "string"}, "y": {"type": "float"}}
    gate = {
        "metric": "rmse",
        "comparison": "superior",
        "margin": 0.0,
        "golden_margin": 0.0,
        "baseline_margin": 0.0,
        "confidence": 0.95,
        "rounds": 200,
        "min_blocks": 14,
        "max_looks": 50,
        "floors": {},
        "agreement_tolerance": 1e-4,
        "max_disagreeing_share": 0.0,
    }
    return ModelConfig.model_validate(
        {
            "model": {"name": "planted", "task": "regression", "owner": "o", "purpose": "p"},
            "data": {"source": "python", "target": "y"},
            "features": {"numeric": ["x"], "categorical": ["c"]},
            "contract": {
                "min_rows": 1,
                "max_duplicate_share": 0.0,
                "min_label_share": 0.0,
                "columns": columns,
            },
            "training": {"estimator": "linear", "seed": 7},
            "golden": {"share": 0.1},
            "recent": {"share": 0.3},
            "gate": gate,
            "retrain": {"min_new_rows": 0, "cooldown": "6h", "budget_per_day": 4},
        }
    )


CONFIG = config()
NUMBERS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.integers(-3, 3).map(float))
ROWS = st.lists(st.tuples(NUMBERS, st.one_of(st.none(), st.sampled_from("abcde"))), min_size=1, max_size=40)


def frame_of(rows: list[tuple[float | None, str | None]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "x": pd.array([row[0] for row in rows], dtype="float64"),
            "c": np.array([row[1] for row in rows], dtype=object),
        }
    )


@settings(deadline=None, max_examples=60)
@given(ROWS, ROWS, ROWS)
def test_profiles_over_one_reference_merge_in_any_order_to_that_of_all_rows(
    first: list[tuple[float | None, str | None]],
    second: list[tuple[float | None, str | None]],
    third: list[tuple[float | None, str | None]],
) -> None:
    reference = profile_rows(frame_of(first), CONFIG)
    a, b, c = (count_rows(frame_of(rows), reference, CONFIG) for rows in (first, second, third))
    assert merge_profiles(a, b) == merge_profiles(b, a)
    assert merge_profiles(merge_profiles(a, b), c) == merge_profiles(a, merge_profiles(b, c))
    whole = count_rows(frame_of(first + second + third), reference, CONFIG)
    assert merge_profiles(merge_profiles(a, b), c) == whole
    assert a == reference


@settings(deadline=None, max_examples=60)
@given(ROWS, ROWS)
def test_every_row_is_counted_once_in_each_column(
    reference: list[tuple[float | None, str | None]], rows: list[tuple[float | None, str | None]]
) -> None:
    profile = count_rows(frame_of(rows), profile_rows(frame_of(reference), CONFIG), CONFIG)
    (x,), (c,) = profile.numeric, profile.categorical
    assert sum(x.counts) + x.below + x.above + x.nulls + x.non_finite == profile.rows == len(rows)
    assert sum(c.counts) + c.other + c.nulls == len(rows)
    assert min((*x.counts, x.below, x.above, x.nulls, x.non_finite, *c.counts, c.other, c.nulls)) >= 0
    numbers = np.array([np.nan if number is None else number for number, _ in rows])
    for edge, exact, count in zip(x.edges, x.exact, x.counts, strict=True):
        assert exact == sum(float(number) == edge for number in as_float32(numbers))
        assert exact <= count


@settings(deadline=None, max_examples=60)
@given(ROWS, st.lists(ROWS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_blocks_are_counted_to_the_same_in_any_order_and_in_any_tally(
    first: list[tuple[float | None, str | None]],
    blocks: list[list[tuple[float | None, str | None]]],
    random: Random,
) -> None:
    reference = profile_rows(frame_of(first), CONFIG)
    whole = count_rows(frame_of([row for rows in blocks for row in rows]), reference, CONFIG)
    one, two = Tally(reference), Tally(reference.emptied)
    shuffled = random.sample(blocks, len(blocks))
    for rows in shuffled:
        tally = random.choice((one, two))
        tally.rows += len(rows)
        tally.numeric["x"].add(np.array([np.nan if number is None else number for number, _ in rows]))
        texts = [text for _, text in rows if text is not None]
        tally.categorical["c"].add([*texts, NULL_TEXT], [*[1] * len(texts), len(rows) - len(texts)])
    one.merge(two)
    assert one.profile == whole


def test_few_distinct_values_are_counted_each_and_what_lies_beyond_is_clipped() -> None:
    reference = profile_rows(frame_of([(1.0, "a"), (1.0, "a"), (2.0, "b"), (4.0, None)]), CONFIG)
    assert (reference.numeric[0].edges, reference.numeric[0].counts) == ((1.0, 2.0, 4.0), (2, 1, 1))
    assert (reference.categorical[0].categories, reference.categorical[0].counts) == (("a", "b"), (2, 1))

    window = [(0.5, "a"), (1.0, "z"), (3.0, None), (9.0, "b"), (np.inf, "b"), (None, "b")]
    current = count_rows(frame_of(window), reference, CONFIG)
    x, c = current.numeric[0], current.categorical[0]
    assert (x.counts, x.below, x.above, x.nulls, x.non_finite) == ((1, 0, 1), 1, 1, 1, 1)
    assert x.exact == (1, 0, 0)
    assert (c.counts, c.other, c.nulls) == ((1, 3), 1, 1)


def test_many_values_are_thinned_to_edges_of_equal_mass() -> None:
    rows = 50_000
    values = np.random.default_rng(0).lognormal(size=rows)
    frame = pd.DataFrame(
        {"x": values, "c": [f"c{i % 2_000:04d}" for i in range(rows - 1_000)] + ["c0007"] * 1_000}
    )
    profile = profile_rows(frame, CONFIG)
    x, c = profile.numeric[0], profile.categorical[0]
    assert len(x.edges) == MAX_EDGES
    assert (x.edges[0], x.edges[-1], x.below, x.above) == (
        np.float32(values.min()),
        np.float32(values.max()),
        0,
        0,
    )
    assert max(x.counts) <= 52
    assert len(c.categories) == MAX_CATEGORIES
    assert "c0007" in c.categories
    assert c.other > 0


@pytest.mark.parametrize("share", [0.1, 16_777_217.0, 1e-50])
def test_what_was_learned_in_float32_is_what_a_request_asks_in_float64(share: float) -> None:
    learned = [(float(np.float32(share)), "a"), (float(np.float32(-share)), "a")]
    reference = profile_rows(frame_of(learned), CONFIG)
    asked = count_rows(frame_of([(share, "a"), (-share, "a")]), reference, CONFIG)
    assert asked == reference
    assert profile_rows(frame_of([(share, "a"), (-share, "a")]), CONFIG) == reference


def test_what_a_model_sees_as_no_number_is_counted_as_infinite() -> None:
    """A graph takes float32, where 1e300 is infinite: it is never among the values of training."""
    reference = profile_rows(frame_of([(1.0, "a"), (1e300, "a")]), CONFIG)
    [x] = count_rows(frame_of([(1e300, "a"), (-1e39, "a"), (3e38, "a")]), reference, CONFIG).numeric
    assert (x.edges, x.non_finite, x.above, x.below) == ((1.0,), 2, 1, 0)


def test_the_order_of_the_rows_does_not_change_the_profile() -> None:
    frame = frame_of([(float(value % 17), "abc"[value % 3]) for value in range(200)])
    shuffled = frame.sample(frac=1.0, random_state=1)
    assert canonical_json(profile_rows(shuffled, CONFIG)) == canonical_json(profile_rows(frame, CONFIG))


def test_an_empty_column_has_no_edges_and_everything_later_is_beyond() -> None:
    reference = profile_rows(frame_of([(None, None)] * 3), CONFIG)
    assert (reference.numeric[0].edges, reference.numeric[0].nulls) == ((), 3)
    current = count_rows(frame_of([(5.0, "a")]), reference, CONFIG)
    assert (current.numeric[0].above, current.categorical[0].other) == (1, 1)


def test_profiles_over_different_edges_are_not_added() -> None:
    one = profile_rows(frame_of([(1.0, "a")]), CONFIG)
    with pytest.raises(DifferentEdgesError, match="column 'x' have different edges"):
        merge_profiles(one, profile_rows(frame_of([(2.0, "a")]), CONFIG))
    with pytest.raises(DifferentEdgesError, match="column 'c' have different edges"):
        merge_profiles(one, profile_rows(frame_of([(1.0, "b")]), CONFIG))


def test_a_tally_of_other_edges_is_not_added() -> None:
    one = Tally(profile_rows(frame_of([(1.0, "a")]), CONFIG))
    with pytest.raises(DifferentEdgesError, match="column 'x' have different edges"):
        one.merge(Tally(profile_rows(frame_of([(2.0, "a")]), CONFIG)))
    with pytest.raises(DifferentEdgesError, match="column 'c' have different edges"):
        one.merge(Tally(profile_rows(frame_of([(1.0, "b")]), CONFIG)))


def test_numbers_of_any_type_are_counted_as_the_same_numbers() -> None:
    reference = profile_rows(frame_of([(float(number), "a") for number in range(5)]), CONFIG)
    counted = []
    for kind in ("int8", "uint64", "float16", "float32", "float64"):
        tally = Tally(reference)
        tally.numeric["x"].add(np.array([0, 1, 1, 3, 9], dtype=kind))
        counted.append(tally.profile)
    assert all(one == counted[0] for one in counted)
    assert (counted[0].numeric[0].exact, counted[0].numeric[0].above) == ((1, 2, 0, 1, 0), 1)


def test_what_a_column_lacks_keeps_it_out_of_what_was_counted() -> None:
    tally = Tally(profile_rows(frame_of([(1.0, "a")]), CONFIG))
    tally.rows = 5_000
    tally.missing["x"] = 1_200
    assert tally.counted.profile.names == ("c",)
    assert tally.counted.troubles == {"x": "missing in 1,200 of 5,000 rows"}


def test_a_reference_has_the_target_and_the_answers_beside_the_inputs() -> None:
    learned = frame_of([(1.0, "a"), (2.0, "b"), (2.0, "b")])
    labels, answers = np.array([0.5, 0.5, 7.0]), np.array([0.25, 9.0])
    reference = make_reference(learned, labels, answers, Schema(Task.REGRESSION, ()), CONFIG)
    [target], [answer] = reference.target.numeric, reference.answers.numeric
    assert (target.name, target.edges, target.counts) == ("y", (0.5, 7.0), (2, 1))
    assert (answer.name, answer.edges, answer.exact) == ("answer", (0.25, 9.0), (1, 1))
    assert (reference.inputs.rows, reference.target.rows, reference.answers.rows) == (3, 3, 2)


def test_of_several_classes_the_likeliest_is_counted_and_how_likely_it_is() -> None:
    schema = Schema(Task.MULTICLASS, (), ("early", "late", "on time"))
    learned, labels = frame_of([(1.0, "a")] * 3), np.array([2.0, 2.0, 0.0])
    answers = np.array([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])
    reference = make_reference(learned, labels, answers, schema, CONFIG)
    [target] = reference.target.categorical
    assert (target.name, target.categories, target.counts) == ("y", schema.classes, (1, 0, 2))
    tally = Tally(reference.answers)
    add_answers(tally, np.array([[0.0, 1.0, 0.0], [np.nan, np.nan, np.nan]]), schema)
    [share], [name] = tally.profile.numeric, tally.profile.categorical
    assert (share.name, share.edges, share.counts, share.nulls) == ("answer", (0.5, 1.0), (0, 1), 1)
    assert (name.name, name.counts, name.nulls, name.other) == ("class", (0, 1, 0), 1, 0)


def test_a_text_is_counted_by_its_length_in_characters_and_a_null_is_a_null() -> None:
    texts = ModelConfig.model_validate(
        {**config().model_dump(exclude_none=True), "features": {"numeric": ["x"], "text": ["c"]}}
        | {"retrain": {"min_new_rows": 0, "cooldown": "6h", "budget_per_day": 4}}
    )
    rows = {"x": [1.0, 2.0, 3.0], "c": ["größe", "", None]}
    profile = profile_rows(rows, texts)
    assert profile.categorical == ()
    lengths = next(one for one in profile.numeric if one.name == "c")
    assert (lengths.edges, lengths.counts, lengths.nulls) == ((0.0, 5.0), (1, 1), 1)
    later = count_rows({"x": [1.0], "c": ["😀" * 7]}, profile, texts)
    assert next(one for one in later.numeric if one.name == "c").above == 1
