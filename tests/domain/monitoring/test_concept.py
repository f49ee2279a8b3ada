"""Do the same answers lose more than at the gate, and is a change of inputs none?"""

from datetime import timedelta

import numpy as np
import pytest

from millrace.domain.facts import Level
from millrace.domain.kinds import Task
from millrace.domain.monitoring.answered import AnsweredRows
from millrace.domain.monitoring.concept import find_change, judge_concept
from millrace.domain.monitoring.findings import Watched
from millrace.domain.verdict import Outcome, Verdict
from tests.domain.monitoring.labelled import START, honest, level, rows_of, yardstick

GATE = level(Task.BINARY, *honest(20_000, seed=0))
HELD_TO = yardstick(GATE, max_excess_loss=0.02)


def turned_from(position: int, rows: int = 8_000, seed: int = 1) -> AnsweredRows:
    """From a position on what was likely has become unlikely."""
    answers, labels = honest(rows, seed)
    labels[position:] = 1.0 - labels[position:]
    return rows_of(answers, labels)


def test_a_change_is_found_with_the_time_since_when() -> None:
    found = judge_concept(turned_from(4_000), HELD_TO)
    assert found.outcome is Outcome.FAIL
    _, _, since = found.reason.partition("since 2026-03-")
    assert since[:2] in {"15", "16"}
    assert (START + timedelta(days=15)).strftime("%Y-%m-") == "2026-03-"


def test_a_change_of_inputs_alone_is_none() -> None:
    """Where only the hard cases come, more is lost, and the same on the same answers."""
    answers, labels = honest(8_000, seed=2, low=0.4, high=0.6)
    assert np.square(answers - labels).mean() > GATE.loss + 0.04
    found = judge_concept(rows_of(answers, labels), HELD_TO)
    assert found.outcome is Outcome.PASS
    assert "since" not in found.reason


def test_what_has_changed_before_the_window_began_is_no_pass() -> None:
    found = judge_concept(turned_from(0), HELD_TO)
    assert found.outcome is Outcome.FAIL
    assert "since" not in found.reason


def test_what_has_become_as_it_was_passes() -> None:
    answers, labels = honest(20_000, seed=1)
    labels[3_000:6_000] = 1.0 - labels[3_000:6_000]
    found = judge_concept(rows_of(answers, labels), HELD_TO)
    assert found.outcome is Outcome.PASS
    assert "since 2026-03-" in found.reason


def test_a_change_with_few_labels_after_it_is_inconclusive() -> None:
    found = judge_concept(turned_from(7_700), yardstick(GATE, min_labels=1_000))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "labels of 1000 needed after it" in found.reason


def test_rows_in_any_order_give_the_same_verdict() -> None:
    rows = turned_from(4_000)
    shuffled = rows.take(np.random.default_rng(0).permutation(len(rows)))
    assert judge_concept(shuffled, HELD_TO) == judge_concept(rows, HELD_TO)


def test_without_a_table_of_the_gate_nothing_is_known() -> None:
    known = Level("brier", 0, 0, GATE.loss, None, None)
    assert judge_concept(turned_from(0), yardstick(known)) == Verdict(
        Watched.CONCEPT,
        Outcome.INCONCLUSIVE,
        "this version was judged before the gate kept a table of its answers",
    )


def test_a_change_that_the_last_row_tells_of_is_inconclusive() -> None:
    known = turned_from(4_000)
    found = [judge_concept(known.take(np.arange(8_000) < rows), HELD_TO) for rows in range(4_000, 4_256, 32)]
    [noticed] = [one for one in found if ", 0 labels of 500 needed after it" in one.reason]
    assert noticed.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("scale", [1e-4, 1.0, 30.0])
@pytest.mark.parametrize("seed", range(2))
def test_a_change_is_found_and_none_is_not_in_whatever_unit_losses_are(seed: int, scale: float) -> None:
    source = np.random.default_rng(seed)
    unchanged = scale * source.lognormal(sigma=1.5, size=10_000)
    assert find_change(unchanged) == 0
    changed = scale * np.concatenate([source.normal(0.0, 1.0, 4_000), source.normal(0.5, 1.0, 4_000)])
    assert 4_000 < find_change(changed) < 4_500


def test_a_stream_of_nothing_but_zeros_has_no_change_and_one_of_nearly_all_may() -> None:
    assert find_change(np.zeros(1_000)) == 0
    assert find_change(np.append(np.zeros(20_000), np.full(150, 7.0))) > 20_000


def test_as_good_as_at_the_gate_rarely_fails() -> None:
    held_to = yardstick(GATE, max_excess_loss=0.0)
    found = [judge_concept(rows_of(*honest(1_000, seed)), held_to) for seed in range(100, 160)]
    assert sum(one.outcome is Outcome.FAIL for one in found) <= 7
