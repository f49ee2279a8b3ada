"""Is each judge's word the one its numbers ask for?"""

from dataclasses import replace

import numpy as np
import pytest

from millrace.domain.rollout.evidence import ArmEvidence, Compared
from millrace.domain.rollout.judges import (
    LEAST_LABELS,
    REFERENCE_REQUESTS,
    judge_disagreement,
    judge_errors,
    judge_latency,
    judge_loss,
    judge_shift,
    judge_slices,
    judge_step,
)
from millrace.domain.rollout.sums import Sums
from millrace.domain.verdict import Outcome, Verdict, worst_of
from tests.domain.rollout.rolling import (
    BROKEN,
    GOOD,
    POLICY,
    START,
    arm,
    evidence_for,
    labelled,
    numbers,
    started,
)

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("champion", "challenger", "outcome"),
    [
        (0, 0, PASS),
        (40, 40, INCONCLUSIVE),  # as bad as each other, and 2,000 requests are too few to be sure of that
        (40, 0, PASS),
        (0, 21, FAIL),
        (0, 19, INCONCLUSIVE),
        (2000, 2000, PASS),
    ],
)
def test_errors_are_held_against_the_champions(champion: int, challenger: int, outcome: Outcome) -> None:
    verdict = judge_errors(Compared(arm(errors=champion), arm(errors=challenger)), POLICY)
    assert verdict.outcome is outcome, verdict.reason
    assert f"errors {challenger} of 2000 against {champion} of 2000" in verdict.reason


@pytest.mark.parametrize(("slow", "outcome"), [(0, PASS), (50, PASS), (99, INCONCLUSIVE), (101, FAIL)])
def test_a_twentieth_of_the_requests_may_be_slow(slow: int, outcome: Outcome) -> None:
    verdict = judge_latency(Compared(arm(), arm(slow=slow)), POLICY)
    assert verdict is not None
    assert verdict.outcome is outcome, verdict.reason


def test_latencies_that_were_not_measured_alike_are_not_compared() -> None:
    assert judge_latency(Compared(arm(p95=None), arm()), POLICY) is None


@pytest.mark.parametrize(
    ("moved", "outcome"), [(0.0, PASS), (0.05, PASS), (-0.15, INCONCLUSIVE), (0.25, FAIL), (-0.25, FAIL)]
)
def test_the_mean_answer_of_the_same_rows_may_move_a_little(moved: float, outcome: Outcome) -> None:
    verdict = judge_shift(replace(GOOD, shifts=numbers(moved)), POLICY)
    assert verdict is not None
    assert verdict.outcome is outcome, verdict.reason


def test_without_the_same_rows_the_means_of_both_arms_are_compared() -> None:
    far = replace(GOOD, challenger=replace(arm(), answers=numbers(2.5)))
    verdict = judge_shift(far, POLICY)
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (FAIL, "mean answer moved by 2 deviations: 2, allowed 0.2")


@pytest.mark.parametrize(("hits", "outcome"), [(0, PASS), (199, INCONCLUSIVE), (201, FAIL)])
def test_a_tenth_of_the_decisions_may_differ(hits: int, outcome: Outcome) -> None:
    verdict = judge_disagreement(replace(GOOD, shifts=numbers(0.0), disagreements=hits), POLICY)
    assert verdict is not None
    assert verdict.outcome is outcome, verdict.reason


@pytest.mark.parametrize(
    ("excess", "rows", "outcome"),
    [(-0.05, 5000, PASS), (0.05, 5000, FAIL), (0.02, 5000, INCONCLUSIVE), (0.05, 110, INCONCLUSIVE)],
)
def test_labels_need_to_be_sure_both_ways(excess: float, rows: int, outcome: Outcome) -> None:
    verdict = judge_loss(replace(GOOD, excess_losses=numbers(excess, rows, 0.1)), POLICY)
    assert verdict is not None
    assert verdict.outcome is outcome, verdict.reason


def test_labels_on_different_rows_are_compared_by_the_means_of_both_arms() -> None:
    losses = (numbers(0.3, 5000, 0.1), numbers(0.5, 5000, 0.1))
    champion, challenger = (replace(arm(5000), losses=one) for one in losses)
    verdict = judge_loss(Compared(champion, challenger), POLICY)
    assert verdict is not None
    assert verdict.outcome is FAIL


def test_equal_numbers_tell_nothing_about_how_they_vary() -> None:
    verdict = judge_loss(replace(GOOD, excess_losses=Sums(5000, 0.0, 0.0)), POLICY)
    assert verdict is not None
    assert verdict.outcome is INCONCLUSIVE


def test_below_the_least_evidence_nothing_is_said() -> None:
    evidence = evidence_for(started(), Compared(arm(), arm(requests=499, errors=499)), START)
    (verdict,) = judge_step(evidence, POLICY)
    assert (verdict.outcome, verdict.reason) == (INCONCLUSIVE, "499 requests of 500 needed")


def test_no_request_at_all_is_no_pass_even_where_none_is_needed() -> None:
    nothing = evidence_for(started(), Compared(ArmEvidence(), ArmEvidence()), START)
    verdicts = judge_step(nothing, replace(POLICY, step_requests=0))
    assert worst_of(verdicts).outcome is INCONCLUSIVE


def test_a_harmed_slice_fails_what_is_well_in_all() -> None:
    harmed = Compared(arm(1000), arm(1000, errors=300))
    evidence = replace(evidence_for(started(), GOOD, START), slices={"JFK": GOOD, "LGA": harmed})
    verdict = judge_slices(evidence, POLICY)
    assert verdict is not None
    assert verdict.outcome is FAIL
    assert verdict.reason.startswith("LGA: errors surely")
    assert worst_of(judge_step(evidence, POLICY)).rule == "slices"


def test_small_slices_are_named_and_none_that_is_large_enough_is_inconclusive() -> None:
    small = Compared(arm(10), arm(10, errors=10))
    evidence = evidence_for(started(), GOOD, START)
    both = judge_slices(replace(evidence, slices={"JFK": GOOD, "EWR": small}), POLICY)
    only = judge_slices(replace(evidence, slices={"EWR": small}), POLICY)
    assert both is not None
    assert only is not None
    assert (both.outcome, both.reason) == (PASS, "none of 1 is surely harmed, 1 with too few requests")
    assert only.outcome is INCONCLUSIVE
    assert judge_slices(evidence, POLICY) is None


def test_a_step_on_labels_needs_them() -> None:
    evidence = evidence_for(started(), GOOD, START)
    assert worst_of(judge_step(evidence, POLICY)).outcome is PASS
    worst = worst_of(judge_step(evidence, POLICY, min_labels=300))
    assert (worst.rule, worst.outcome) == ("labels", INCONCLUSIVE)


@pytest.mark.parametrize("said", [0.1, 1 / 3, 0.37, 5.0, 0.0])
def test_beside_a_champion_that_says_one_thing_to_all_no_distance_is_far(said: float) -> None:
    constant = Sums(1000, float(np.full(1000, said).sum()), float((np.full(1000, said) ** 2).sum()))
    compared = Compared(replace(arm(), answers=constant), arm(), numbers(0.3))
    assert judge_shift(compared, POLICY) is None


def test_a_few_labels_that_are_all_alike_say_nothing() -> None:
    def after(rows: int) -> dict[str, Outcome]:
        seen = labelled(GOOD, 0.0, rows=5000)
        alike = replace(seen, excess_losses=numbers(0.0, rows, 0.0))
        return {one.rule: one.outcome for one in judged(alike, min_labels=0)}

    assert "loss" not in after(LEAST_LABELS - 1)
    assert after(LEAST_LABELS - 1)["labels"] is INCONCLUSIVE
    assert after(LEAST_LABELS)["labels"] is PASS
    assert "loss" in after(LEAST_LABELS)


def test_labels_of_one_version_alone_compare_nothing() -> None:
    alone = replace(GOOD, challenger=replace(arm(5000), losses=numbers(0.9, 5000)), champion=arm(5000))
    verdicts = {one.rule: one for one in judged(alone, min_labels=300)}
    assert verdicts["labels"].outcome is Outcome.INCONCLUSIVE
    assert verdicts["labels"].reason == "0 labels of 300 needed"
    assert "loss" not in verdicts


def test_without_rows_of_the_champion_nothing_passes_and_only_errors_fail() -> None:
    few = Compared(arm(REFERENCE_REQUESTS - 1), arm())
    assert [(one.rule, one.outcome) for one in judged(few)] == [
        ("errors", Outcome.PASS),
        ("evidence", Outcome.INCONCLUSIVE),
    ]
    broken = Compared(ArmEvidence(), arm(errors=200))
    assert worst_of(judged(broken)).outcome is Outcome.FAIL
    slow = Compared(ArmEvidence(), arm(slow=2000, p95=5e6))
    assert worst_of(judged(slow)).outcome is Outcome.INCONCLUSIVE


def test_a_log_with_damaged_places_passes_nothing_and_can_fail() -> None:
    seen = evidence_for(started(), GOOD, START)
    damaged = judge_step(replace(seen, unreadable=1), POLICY)
    assert worst_of(damaged).outcome is Outcome.INCONCLUSIVE
    assert worst_of(damaged).reason == "1 damaged places in the log of this step"
    broken = replace(seen, unreadable=1, overall=BROKEN)
    assert worst_of(judge_step(broken, POLICY)).outcome is Outcome.FAIL


def judged(compared: Compared, min_labels: int | None = None) -> tuple[Verdict, ...]:
    seen = evidence_for(started(), compared, START)
    return judge_step(seen, POLICY, min_labels=min_labels)
