"""A batch that was tampered with is told from an honest one, and what cannot be told is said."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from millrace.domain.config.poisoning import (
    ChartCheck,
    DisagreementCheck,
    DripCheck,
    DuplicatesCheck,
    GoldenCopiesCheck,
    PoisoningSection,
    ProvenanceCheck,
    QuotaCheck,
    TriggersCheck,
)
from millrace.domain.contract import Violation
from millrace.domain.poisoning.cells import EndlessSpreadError, hash_cells, spreads_of
from millrace.domain.poisoning.chart import (
    Reading,
    excess_of,
    learn_usual,
    limit_of,
    limit_of_sum,
    read_share,
)
from millrace.domain.poisoning.charts import judge_label_rate, judge_volume
from millrace.domain.poisoning.disagreement import judge_disagreement
from millrace.domain.poisoning.drip import judge_drip, sum_up
from millrace.domain.poisoning.duplicates import Copies, judge_copies, judge_golden_copies
from millrace.domain.poisoning.judged import BROKEN, Judged, list_unseen
from millrace.domain.poisoning.profile import BatchProfile, Disagreement, Opinion
from millrace.domain.poisoning.provenance import Origin, judge_provenance
from millrace.domain.poisoning.quota import Delivered, judge_quota
from millrace.domain.poisoning.triggers import Pair, judge_triggers

CHART = ChartCheck(min_batches=8, last_batches=20, false_alarms=0.01)
OPINIONS = DisagreementCheck(
    min_batches=8,
    last_batches=20,
    false_alarms=0.01,
    deciding=(Opinion.BATCH,),
    confident_share=0.5,
    confident_slice_share=0.5,
    folds=3,
    max_rows=1000,
    min_slice_rows=20,
    slices=("origin",),
)
DRIP = DripCheck(
    sums=("labels", "batch"), reference_batches=10, window_batches=20, slack=0.5, false_alarms=0.01
)
LUCK = np.random.default_rng(5)


def honest(late: float = 0.2, wrong: float = 0.05, jfk: float = 0.05, rows: int = 5000) -> BatchProfile:
    """Counts of a batch with these shares of late flights and of contradicted labels."""
    labelled = LUCK.binomial(rows, late)
    found = (
        Disagreement(Opinion.BATCH, None, None, rows, int(LUCK.binomial(rows, wrong))),
        Disagreement(Opinion.BATCH, "origin", "JFK", rows // 2, int(LUCK.binomial(rows // 2, jfk))),
        Disagreement(Opinion.BATCH, "origin", "LGA", rows // 2, int(LUCK.binomial(rows // 2, wrong))),
    )
    return BatchProfile(rows, rows, {"0": rows - int(labelled), "1": int(labelled)}, disagreements=found)


HISTORY = [honest() for _ in range(40)]


def clauses(judged: Judged) -> list[tuple[str, str | None]]:
    return [(one.clause, one.column) for one in judged.violations]


def test_an_honest_batch_goes_through_every_chart() -> None:
    batch = honest()
    assert judge_volume(batch, HISTORY, CHART) == Judged()
    assert judge_label_rate(batch, HISTORY, CHART) == Judged()
    assert judge_disagreement(batch, HISTORY, OPINIONS, {}) == Judged()
    assert judge_drip(batch, HISTORY, DRIP) == Judged()


def test_a_batch_of_twice_the_rows_or_half_of_them_is_unusual() -> None:
    for rows in (10_000, 2_500):
        [found] = judge_volume(honest(rows=rows), HISTORY, CHART).violations
        assert (found.clause, found.count) == ("volume", rows)
        assert f"{rows:,} rows, usually 5,000" in found.message


@pytest.mark.parametrize("late", [0.1, 0.3])
def test_labels_of_one_kind_that_are_too_many_or_too_few_are_told(late: float) -> None:
    [found] = judge_label_rate(honest(late=late), HISTORY, CHART).violations
    assert found.clause == "label_rate"
    assert "usually 20." in found.message or "usually 19." in found.message


def test_a_regression_is_read_by_the_mean_of_its_target() -> None:
    past = [BatchProfile(100, 100, {}, 10.0 + at / 100, 2.0) for at in range(10)]
    assert judge_label_rate(BatchProfile(100, 100, {}, 10.1, 2.0), past, CHART) == Judged()
    [found] = judge_label_rate(BatchProfile(100, 100, {}, 13.0, 2.0), past, CHART).violations
    assert "the mean of the target is 13" in found.message


def test_a_class_that_was_never_there_before_is_read_as_none() -> None:
    past = [BatchProfile(1000, 1000, {"a": 500, "b": 300, "c": 200}) for _ in range(10)]
    new = BatchProfile(1000, 1000, {"a": 400, "b": 300, "c": 200, "d": 100})
    assert any("are d" in one.message for one in judge_label_rate(new, past, CHART).violations)


def test_a_class_that_vanished_is_read_as_none() -> None:
    past = [BatchProfile(1000, 1000, {"a": 500 + at, "b": 300, "c": 200 - at}) for at in range(10)]
    for gone in ({"a": 600, "b": 400}, {"a": 600, "b": 399, "c": 1}):
        found = judge_label_rate(BatchProfile(1000, 1000, gone), past, CHART)
        assert any("are c, usually 19." in one.message for one in found.violations)
    one_left = judge_label_rate(BatchProfile(5000, 5000, {"0": 5000}), HISTORY, CHART)
    assert "0.0% of the labels are 1" in one_left.violations[0].message


def test_flipped_labels_everywhere_are_seen_over_all_rows() -> None:
    found = judge_disagreement(honest(wrong=0.13, jfk=0.13), HISTORY, OPINIONS, {})
    assert clauses(found) == [("disagreement", None)]


def test_flipped_labels_of_one_slice_are_seen_in_it_however_stormy_the_week() -> None:
    scope = (Opinion.BATCH, "origin", "JFK")
    found = judge_disagreement(honest(jfk=0.13), HISTORY, OPINIONS, {scope: ("row 3: contradicted",)})
    assert ("disagreement", "origin") in clauses(found)
    assert ("row 3: contradicted",) in [one.examples for one in found.violations]
    stormy = [honest(wrong=share, jfk=share) for share in np.linspace(0.03, 0.2, 20)]
    assert judge_disagreement(honest(wrong=0.17, jfk=0.17), stormy, OPINIONS, {}) == Judged()


@pytest.mark.parametrize("batches", [0, 3, 7])
def test_too_few_batches_are_said_and_neither_quarantine_nor_pass(batches: int) -> None:
    strange = honest(late=0.9, wrong=0.9, rows=100)
    past = HISTORY[:batches]
    for found in (
        judge_volume(strange, past, CHART),
        judge_label_rate(strange, past, CHART),
        judge_disagreement(strange, past, OPINIONS, {}),
    ):
        assert found.violations == ()
        assert found.unjudged
        assert all(f"{batches} of 8 batches" in line for line in found.unjudged)
    assert judge_drip(strange, past, DRIP).unjudged == (f"drip: {batches} of 29 batches",)


def test_a_batch_without_labels_or_opinions_is_no_pass() -> None:
    empty = BatchProfile(100, 0, {})
    assert judge_label_rate(empty, HISTORY, CHART).unjudged == ("label_rate: no label in the batch",)
    assert judge_disagreement(empty, HISTORY, OPINIONS, {}).unjudged


def test_a_drip_is_summed_up_long_before_one_batch_shows_it() -> None:
    drip = [honest(wrong=0.06, jfk=0.06) for _ in range(20)]
    alone = judge_disagreement(drip[0], HISTORY, OPINIONS, {})
    summed = judge_drip(drip[-1], [*HISTORY[:20], *drip[:-1]], DRIP)
    assert alone == Judged()
    assert clauses(summed) == [("drip", None)]
    assert "rest of the batch creeps" in summed.violations[0].message


def test_the_first_batches_with_a_reading_are_the_usual_ones_of_a_drip() -> None:
    def with_champion(wrong: int) -> BatchProfile:
        return replace(honest(), disagreements=(Disagreement(Opinion.CHAMPION, None, None, 500, wrong),))

    policy = DRIP.model_copy(update={"sums": ("champion",)})
    past = [*(honest() for _ in range(6)), *(with_champion(20 + at % 3) for at in range(40))]
    assert judge_drip(with_champion(21), past, policy) == Judged()
    assert clauses(judge_drip(with_champion(300), past, policy)) == [("drip", None)]
    few = judge_drip(with_champion(21), [*HISTORY[:25], *past[6:16]], policy)
    assert few.unjudged == ("drip of champion: 10 of 29 batches",)


def test_a_drip_of_a_class_that_a_first_batch_has_not_is_summed_up() -> None:
    policy = DRIP.model_copy(update={"sums": ("labels",)})
    past = [replace(HISTORY[0], labels={"0": 5000}), *HISTORY[1:]]
    assert clauses(judge_drip(honest(late=0.9), past, policy)) == [("drip", None)]


def test_what_is_summed_up_and_was_not_read_is_said() -> None:
    told = judge_drip(BatchProfile(100, 0, {}), HISTORY, DRIP)
    assert told.violations == ()
    assert told.unjudged == (
        "drip of label 1: the batch says nothing of it",
        "drip of rest of the batch: the batch says nothing of it",
    )


def test_a_slice_without_others_and_an_opinion_sure_of_nothing_are_said() -> None:
    alone = (
        Disagreement(Opinion.BATCH, None, None, 0, 0),
        Disagreement(Opinion.BATCH, "origin", "JFK", 900, 300),
    )
    found = judge_disagreement(BatchProfile(1000, 1000, {}, disagreements=alone), HISTORY, OPINIONS, {})
    assert found.unjudged == (
        "labels against the rest of the batch: no rows to compare",
        "labels against the rest of the batch where origin is JFK: no rows to compare",
    )


@pytest.mark.parametrize("batches", [5, 7, 10, 20])
def test_honest_batches_are_beyond_the_limit_as_often_as_is_said(batches: int) -> None:
    luck, beyond = np.random.default_rng(8), 0
    for _ in range(5000):
        rows = luck.normal(0.0, 1.0, batches + 1)
        usual = learn_usual([Reading(float(one), 0.0) for one in rows[:batches]])
        beyond += excess_of(Reading(float(rows[batches]), 0.0), usual) > limit_of(batches, 0.005)
    # 25 of 5000 are expected; with n - 1 degrees of freedom they would be 45 of 10 batches, 32 of 20
    assert 8 <= beyond <= 31


def test_honest_sums_stay_within_the_limit_when_batches_grow() -> None:
    """The reference stays what it was: its own errors weigh more beside batches that are surer."""
    policy = DRIP.model_copy(update={"sums": ("labels",), "window_batches": 12})
    luck, beyond, rows = np.random.default_rng(10), 0, 20_000
    for _ in range(400):
        first, grown = (luck.binomial(size, 0.2, count) for size, count in ((400, 21), (rows, 11)))
        history = [labelled(int(late), 400) for late in first] + [labelled(int(late), rows) for late in grown]
        newest = labelled(int(luck.binomial(rows, 0.2)), rows)
        beyond += bool(judge_drip(newest, history, policy).violations)
    # at most 4 of 400 are asked; with batches of one size in mind there are 11
    assert beyond <= 8


def labelled(late: int, rows: int) -> BatchProfile:
    return BatchProfile(rows, rows, {"0": rows - late, "1": late})


@pytest.mark.parametrize("batches", [8, 16])
def test_honest_sums_are_beyond_the_limit_as_often_as_is_said(batches: int) -> None:
    luck, beyond, limit = np.random.default_rng(9), 0, limit_of_sum(batches, 12, 0.5, 0.02)
    for _ in range(2500):
        rows = [Reading(float(one), 0.0) for one in luck.normal(0.0, 1.0, batches + 12)]
        beyond += sum_up(rows[batches:], learn_usual(rows[:batches]), 0.5, 1) > limit
    # 50 of 2500 are expected; with the limit for a known average, about 5, they would be 71 and more,
    # with n - 1 degrees of freedom 44 and 50
    assert 20 <= beyond <= 42


def test_a_larger_share_is_never_less_excessive() -> None:
    usual = learn_usual([read_share(hits, 1000) for hits in (40, 50, 60, 45, 55, 52, 48, 51)])
    found = [excess_of(read_share(hits, 1000), usual) for hits in range(0, 1001, 50)]
    assert found == sorted(found)


def test_a_history_without_any_spread_lets_equal_batches_through_only() -> None:
    usual = learn_usual([Reading(1.0, 0.0)] * 8)
    assert excess_of(Reading(1.0, 0.0), usual) == 0.0
    assert excess_of(Reading(1.1, 0.0), usual) == np.inf


ORIGIN = Origin("week-12.csv", "controller", "ab" * 32, "ab" * 32, is_file=True)
ALLOWED = ProvenanceCheck(batches=("week-*.csv",), actors=("controller", "ops-*"), digest_needed=True)


def test_what_is_on_the_lists_and_keeps_its_promise_may_come() -> None:
    assert judge_provenance(ORIGIN, ALLOWED) == Judged()
    assert judge_provenance(replace(ORIGIN, promised=None, is_file=False), ALLOWED) == Judged()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"batch": "other.csv"}, "batch 'other.csv' is not on the list: week-*.csv"),
        ({"actor": "mallory"}, "actor 'mallory' is not on the list: controller, ops-*"),
        ({"promised": None}, "no week-12.csv.sha256 lies beside it"),
        ({"promised": "cd" * 32}, "its SHA-256 is abababababab, and week-12.csv.sha256 says cdcdcdcdcdcd"),
        ({"promised": ""}, "says"),
    ],
)
def test_a_batch_from_elsewhere_is_refused(changed: dict[str, object], words: str) -> None:
    [found] = judge_provenance(replace(ORIGIN, **changed), ALLOWED).violations  # type: ignore[arg-type]
    assert found.clause == "provenance"
    assert words in found.message


def test_one_source_has_its_quota_of_a_day_and_of_the_dataset() -> None:
    policy = QuotaCheck(
        sources=("a-*", "b-*"), max_rows_per_day=100, max_dataset_share=0.5, share_from_rows=200
    )
    accepted = [Delivered("a-1", 90, is_today=False), Delivered("b-1", 200, is_today=False)]
    assert judge_quota(Delivered("a-2", 100, is_today=True), accepted, policy) == Judged()
    busy = [*accepted, Delivered("a-2", 60, is_today=True)]
    [day] = judge_quota(Delivered("a-3", 50, is_today=True), busy, policy).violations
    assert day.message == "110 rows of a-* on one day; allowed are 100"
    [share] = judge_quota(Delivered("b-2", 100, is_today=True), accepted, policy).violations
    assert share.message == "300 of 390 rows would be of b-*, 76.9%; allowed are 50.0%"
    assert judge_quota(Delivered("x", 50, is_today=True), [], policy).unjudged


def test_near_rows_share_a_cell_of_some_grid_and_far_ones_of_none() -> None:
    rows = pd.DataFrame({"x": [1.0, 1.0001, 5.0, np.nan, np.nan], "kind": ["a", "a", "a", "a", "b"]})
    spreads = spreads_of(rows, ["x"])
    grids = [hash_cells(rows, spreads, ["kind"], 0.1, shift) for shift in (0.0, 0.5)]
    assert any(one[0] == one[1] for one in grids)
    assert all(one[0] != one[2] and one[2] != one[3] and one[3] != one[4] for one in grids)


@pytest.mark.parametrize("odd", [1e6, 1e200])
def test_a_few_odd_numbers_do_not_set_the_grid(odd: float) -> None:
    usual = pd.DataFrame({"x": np.random.default_rng(0).normal(0.0, 1000.0, 500)})
    spoiled = pd.concat([usual, pd.DataFrame({"x": [odd, -odd]})])
    spread = spreads_of(spoiled, ["x"])["x"]
    assert spread == pytest.approx(spreads_of(usual, ["x"])["x"], rel=0.05)
    assert 900 < spread < 1100


def test_numbers_without_an_end_have_no_grid_and_equal_ones_any() -> None:
    endless = pd.DataFrame({"x": [0.0, 1e200, -1e200] * 20})
    with pytest.raises(EndlessSpreadError, match="x: its values have no finite spread"):
        spreads_of(endless, ["x"])
    assert spreads_of(pd.DataFrame({"x": [3.0] * 20, "y": [np.nan] * 20}), ["x", "y"]) == {"x": 1.0, "y": 1.0}
    mostly = pd.DataFrame({"x": [0.0] * 999 + [7.0]})
    assert spreads_of(mostly, ["x"])["x"] == pytest.approx(0.22, abs=0.01)


def test_copies_beyond_the_allowed_share_are_told_with_their_rows() -> None:
    policy = DuplicatesCheck(max_exact_share=0.1, max_near_share=0.3, width=0.1, grids=2)
    exact, near = np.zeros(10, dtype=bool), np.zeros(10, dtype=bool)
    exact[[3]], near[[3, 4, 5]] = True, True
    assert judge_copies(Copies(exact, near), policy) == Judged()
    exact[4], near[6] = True, True
    found = judge_copies(Copies(exact, near), policy)
    assert clauses(found) == [("exact_copies", None), ("near_copies", None)]
    assert found.violations[0].examples[0] == "row 3: exactly the features of another row"


def test_copies_of_golden_rows_are_told_and_no_golden_rows_are_no_pass() -> None:
    policy = GoldenCopiesCheck(max_share=0.0, width=0.1, grids=2)
    assert judge_golden_copies(np.zeros(5, dtype=bool), policy) == Judged()
    [found] = judge_golden_copies(np.array([True, False]), policy).violations
    assert (found.clause, found.count, found.waivable) == ("golden_copies", 1, True)
    assert judge_golden_copies(None, policy).unjudged == ("golden_copies: no golden rows yet",)


TRIGGERS = TriggersCheck(
    columns=("a", "b"), min_rows=20, min_blocks=5, min_ratio=10.0, purity=0.95, false_alarms=0.001
)
PLANTED = Pair(("a", "b"), ("7", "x"), "0", rows=60, pure=60, expected=0.7, known=0, blocks=14, first=(4, 9))


def test_a_rare_pair_with_one_label_is_a_trigger() -> None:
    [found] = judge_triggers([PLANTED], 500, 5000, 50_000, TRIGGERS).violations
    assert "60 of 60 rows with a 7 and b x are labelled 0, expected 70.0%" in found.message
    assert found.examples == ("row 4: 7, x", "row 9: 7, x")


@pytest.mark.parametrize(
    "changed",
    [
        {"known": 600},  # as frequent as ever
        {"pure": 50},  # of two labels
        {"expected": 0.99},  # as its neighbours
        {"rows": 8, "pure": 8},  # chance, over so many pairs
    ],
)
def test_an_honest_pair_is_none(changed: dict[str, object]) -> None:
    pair = replace(PLANTED, **changed)  # type: ignore[arg-type]
    assert judge_triggers([pair], 500, 5000, 50_000, TRIGGERS) == Judged()


def test_a_first_batch_has_no_dataset_to_be_compared_with() -> None:
    assert judge_triggers([PLANTED], 500, 5000, 0, TRIGGERS).unjudged


def test_every_number_has_to_be_said() -> None:
    with pytest.raises(ValidationError, match="last_batches"):
        PoisoningSection.model_validate({"volume": {"min_batches": 8, "false_alarms": 0.01}})
    with pytest.raises(ValidationError, match="the chart would never be read"):
        ChartCheck(min_batches=8, last_batches=6, false_alarms=0.01)


def test_what_could_never_be_carried_out_is_refused() -> None:
    drip = {**DRIP.model_dump(), "sums": ["labels", "batch"]}
    with pytest.raises(ValidationError, match=r"drip\.sums names batch, .* add it"):
        PoisoningSection.model_validate({"drip": drip})
    assert PoisoningSection.model_validate({"drip": {**drip, "sums": ["labels"]}}).drip is not None
    for columns in ([], ["a"], ["a", "a"]):
        with pytest.raises(ValidationError, match="columns"):
            TriggersCheck.model_validate({**TRIGGERS.model_dump(), "columns": columns})


def test_older_findings_that_do_not_say_what_they_are_about_stand_for_all_of_their_clause() -> None:
    def found(about: str, message: str = "much", clause: str = "label_rate") -> Violation:
        return Violation(clause, None, 5, message, about=about)

    assert list_unseen([found("late")], [found("")]) == []
    assert list_unseen([found("")], [found("late")]) == []
    assert list_unseen([found("late")], [found("on time")]) == [found("late")]
    assert list_unseen([found("late")], [found("", clause="drip")]) == [found("late")]
    broken = found("", f"{BROKEN}: it raised")
    assert list_unseen([found("late")], [broken]) == [found("late")]
    assert list_unseen([broken], [found("late")]) == [broken]
