"""Is more lost than at the gate: surely, surely not, or who knows?"""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from millrace.domain.config import Metric
from millrace.domain.facts import Level
from millrace.domain.kinds import Task
from millrace.domain.monitoring.findings import PerformanceFindings, Watched
from millrace.domain.monitoring.loss import measure_slices
from millrace.domain.monitoring.performance import list_watched, measure_answered
from millrace.domain.monitoring.yardstick import Yardstick
from millrace.domain.verdict import Outcome, Verdict
from tests.domain.monitoring.labelled import END, START, honest, level, rows_of, times, yardstick

GATE = level(Task.BINARY, *honest(20_000, seed=0))


def verdict_on(found: PerformanceFindings, watched: Watched) -> Verdict:
    return next(one for one in found.verdicts if one.rule == watched)


def measured(rows: object, held_to: Yardstick) -> PerformanceFindings:
    return measure_answered(rows, START, END, held_to)  # type: ignore[arg-type]


def test_answers_as_good_as_at_the_gate_pass_with_the_numbers() -> None:
    found = measured(rows_of(*honest(6_000, seed=1)), yardstick(GATE))
    verdict = verdict_on(found, Watched.PERFORMANCE)
    assert verdict.outcome is Outcome.PASS
    assert verdict.reason.startswith("Brier score 0.")
    assert "on 6000 labels" in verdict.reason
    assert "at the gate" in verdict.reason
    assert "0.02 allowed" in verdict.reason
    assert (found.rows, found.labels, found.metric, found.level) == (6_000, 6_000, "brier", GATE.loss)
    assert found.excess_loss == pytest.approx(0.0, abs=0.01)


def test_answers_that_have_become_worse_fail() -> None:
    answers, labels = honest(6_000, seed=1)
    found = measured(rows_of(1.0 - answers, labels), yardstick(GATE))
    assert verdict_on(found, Watched.PERFORMANCE).outcome is Outcome.FAIL
    assert found.excess_loss is not None
    assert found.excess_loss > 0.1


def test_what_is_within_the_bounds_of_chance_is_inconclusive() -> None:
    answers, labels = honest(600, seed=1)
    found = measured(rows_of(answers, labels), yardstick(GATE, max_excess_loss=0.001))
    assert verdict_on(found, Watched.PERFORMANCE).outcome is Outcome.INCONCLUSIVE


def test_too_few_labels_never_pass_however_good() -> None:
    labels = np.tile([0.0, 1.0], 156)
    verdict = verdict_on(measured(rows_of(labels.copy(), labels), yardstick(GATE)), Watched.PERFORMANCE)
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, "312 labels of 500 needed")


def test_of_nothing_nothing_is_known() -> None:
    held_to = yardstick(
        GATE, slices=["tariff"], sensitive=["tariff"], max_unfairness=0.1, max_calibration_error=0.05
    )
    found = measured(rows_of(np.empty(0), np.empty(0), tariff=[]), held_to)
    assert [one.rule for one in found.verdicts] == list(list_watched(held_to))
    assert {one.outcome for one in found.verdicts} == {Outcome.INCONCLUSIVE}


def test_rows_without_an_answer_or_a_label_are_not_measured() -> None:
    answers, labels = honest(2_000, seed=1)
    answers[:300], labels[300:500] = np.nan, np.nan
    found = measured(rows_of(answers, labels), yardstick(GATE))
    assert (found.rows, found.labels, found.overall.labels) == (2_000, 1_500, 1_500)


def test_an_auc_of_one_class_is_undefined_and_no_pass() -> None:
    known = replace(GATE, metric="auc")
    held_to = replace(yardstick(known), metric=Metric.AUC)
    found = measured(rows_of(honest(900, 1)[0], np.ones(900)), held_to)
    verdict = verdict_on(found, Watched.PERFORMANCE)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "auc is undefined on 900 labels as they are"


def test_an_auc_is_spelled_as_people_read_it() -> None:
    known = Level("auc", 5_000, 28, 0.2, 0.19, 0.21)
    found = measured(rows_of(*honest(5_000, 1)), replace(yardstick(known), metric=Metric.AUC))
    reason = verdict_on(found, Watched.PERFORMANCE).reason
    assert reason.startswith("AUC 0.7898 on 5000 labels, AUC 0.8 at the gate: +0.0102 lost (-")


def test_a_version_of_unknown_level_and_one_of_another_metric_are_inconclusive() -> None:
    rows = rows_of(*honest(2_000, 1))
    for known, reason in (
        (None, "the gate's level of this version is not known here"),
        (replace(GATE, metric="auc"), "the gate measured auc, and [gate].metric is brier now"),
    ):
        found = measured(rows, yardstick(known))
        assert verdict_on(found, Watched.PERFORMANCE) == Verdict(
            Watched.PERFORMANCE, Outcome.INCONCLUSIVE, reason
        )
        assert verdict_on(found, Watched.CONCEPT).outcome is Outcome.INCONCLUSIVE
        assert found.level is None


def test_rows_that_were_asked_about_at_once_have_bounds_too() -> None:
    answers, labels = honest(6_000, 1)
    found = measured(rows_of(answers, labels, np.full(6_000, times(1)[0])), yardstick(GATE))
    assert verdict_on(found, Watched.PERFORMANCE).outcome is Outcome.PASS


def test_an_hour_of_rows_has_bounds_too() -> None:
    answers, labels = honest(6_000, 1)
    found = measured(rows_of(answers, labels, times(6_000, timedelta(hours=1))), yardstick(GATE))
    assert verdict_on(found, Watched.PERFORMANCE).outcome is Outcome.PASS


def test_answers_that_cannot_be_measured_end_nothing_else() -> None:
    answers, labels = honest(2_000, 1)
    answers[7] = 1.5
    found = measured(rows_of(answers, labels), yardstick(GATE, max_calibration_error=0.05))
    verdict = verdict_on(found, Watched.PERFORMANCE)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "found answer 1.5, needed a probability" in verdict.reason
    assert verdict_on(found, Watched.CALIBRATION).outcome is Outcome.PASS


def test_a_level_that_nothing_can_be_held_to_ends_nothing_else() -> None:
    answers, labels = honest(2_000, seed=1)
    odd = replace(GATE, loss=None)  # type: ignore[arg-type]
    held_to = yardstick(odd, slices=("tariff",), max_calibration_error=0.5)
    found = measured(rows_of(answers, labels, tariff=["day"] * 2_000), held_to)
    for watched in (Watched.PERFORMANCE, Watched.SLICES):
        assert verdict_on(found, watched).outcome is Outcome.INCONCLUSIVE
        assert verdict_on(found, watched).reason.startswith("TypeError: ")
    assert verdict_on(found, Watched.CALIBRATION).outcome is Outcome.PASS
    assert found.labels == 2_000


def test_a_window_as_good_as_the_gate_rarely_fails() -> None:
    held_to = yardstick(GATE, max_excess_loss=0.0)
    found = [measured(rows_of(*honest(1_000, seed)), held_to) for seed in range(100, 160)]
    fails = sum(verdict_on(one, Watched.PERFORMANCE).outcome is Outcome.FAIL for one in found)
    assert fails <= 7


def with_bad_night(rows: int, seed: int) -> tuple[object, list[str]]:
    """A quarter of the rows is of the night, whose answers have turned round."""
    answers, labels = honest(rows, seed)
    tariff = np.where(np.arange(rows) % 4 == 0, "night", "day")
    answers = np.where(tariff == "night", 1.0 - answers, answers)
    return rows_of(answers, labels, tariff=tariff.tolist()), tariff.tolist()


def test_the_worst_slice_is_named() -> None:
    rows, _ = with_bad_night(8_000, 3)
    found = measured(rows, yardstick(GATE, slices=["tariff"]))
    verdict = verdict_on(found, Watched.SLICES)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("1 of 2, worst tariff=night: Brier score")
    assert [one.name for one in found.slices] == ["tariff=day", "tariff=night"]


def test_a_slice_that_was_always_harder_is_held_to_its_own_level() -> None:
    answers, labels = honest(20_000, 5)
    tariff = np.where(np.arange(20_000) % 4 == 0, "night", "day")
    answers = np.where(tariff == "night", 1.0 - answers, answers)
    known = level(Task.BINARY, answers, labels, tariff=tariff.tolist())
    rows, _ = with_bad_night(8_000, 3)
    held_to = yardstick(known, slices=["tariff"], max_excess_loss=0.03)
    assert verdict_on(measured(rows, held_to), Watched.SLICES).outcome is Outcome.PASS


def test_a_slice_with_few_labels_decides_nothing_and_none_at_all_is_no_pass() -> None:
    answers, labels = honest(6_000, 3)
    tariff = ["night"] * 100 + ["day"] * 5_900
    rows = rows_of(answers, labels, tariff=tariff)
    found = verdict_on(measured(rows, yardstick(GATE, slices=["tariff"])), Watched.SLICES)
    assert found.outcome is Outcome.PASS
    assert found.reason.endswith("1 with too few labels")
    few = verdict_on(measured(rows, yardstick(GATE, slices=["tariff"], min_labels=7_000)), Watched.SLICES)
    assert (few.outcome, few.reason) == (Outcome.INCONCLUSIVE, "none of 2 has 7000 labels")


def test_the_more_slices_the_surer_each_must_be() -> None:
    answers, labels = honest(4_000, 2)
    rows = rows_of(answers, labels, city=[f"c{row % 20}" for row in range(4_000)])
    held_to = yardstick(GATE, slices=["city"], min_labels=100)
    [among_many] = [one for one in measure_slices(rows, held_to) if one.name == "city=c7"]
    [alone] = measure_slices(rows.take(rows.slices["city"].codes == rows.slices["city"].codes[7]), held_to)
    assert (among_many.labels, among_many.loss) == (alone.labels, alone.loss) == (200, alone.loss)
    assert among_many.lower is not None
    assert among_many.upper is not None
    assert alone.lower is not None
    assert alone.upper is not None
    assert among_many.lower < alone.lower < alone.upper < among_many.upper


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.REGRESSION])
def test_other_tasks_are_held_to_their_level_too(task: Task) -> None:
    source = np.random.default_rng(0)
    if task is Task.REGRESSION:
        labels = source.normal(50.0, 10.0, 6_000)
        answers, worse = labels + source.normal(0, 1, 6_000), labels + source.normal(0, 3, 6_000)
    else:
        answers = source.dirichlet([1.0, 2.0, 3.0], 6_000)
        labels = (source.random(6_000)[:, None] > answers.cumsum(axis=1)).sum(axis=1).astype(np.float64)
        worse = answers[::-1]
    known = level(task, answers, labels)
    held_to = yardstick(known, task, max_excess_loss=0.1)
    same, other = measured(rows_of(answers, labels), held_to), measured(rows_of(worse, labels), held_to)
    for watched in (Watched.PERFORMANCE, Watched.CONCEPT):
        assert verdict_on(same, watched).outcome is Outcome.PASS
        assert verdict_on(other, watched).outcome is Outcome.FAIL
