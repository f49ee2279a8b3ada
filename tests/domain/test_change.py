"""A change passes its check only where it surely costs no more than is allowed."""

from dataclasses import replace

import numpy as np
import pytest

from millrace.domain.blocks import sample_blocks
from millrace.domain.change_report import ChangeReport
from millrace.domain.config import CheckSection, Comparison, GateSection, Metric
from millrace.domain.gate.change import judge_change, list_differences
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.kinds import Task
from millrace.domain.verdict import Outcome
from tests.domain.judged import source_of

LIMIT = CheckSection(rows=100, max_excess_loss=1.0)
POLICY = GateSection(
    metric=Metric.MAE,
    comparison=Comparison.SUPERIOR,
    margin=0.0,
    golden_margin=0.0,
    baseline_margin=0.0,
    confidence=0.95,
    rounds=200,
    min_blocks=14,
    max_looks=50,
    floors={},
    agreement_tolerance=0.1,
    max_disagreeing_share=0.0,
)


def judged(excess: float, *, blocks: int = 40, noise: float = 0.0) -> JudgedSet:
    """The champion errs by 5 everywhere, the change by so much more, and by luck from block to block."""
    rows = blocks * 10
    names = np.array([f"b{number // 10:03}" for number in range(rows)])
    luck = np.repeat(np.random.default_rng(1).normal(0.0, noise, blocks) if noise else np.zeros(blocks), 10)
    champion = np.full(rows, 5.0)
    source = source_of("recent")
    return JudgedSet(source, np.zeros(rows), names, champion + excess + luck, champion, champion, None, 0)


@pytest.mark.parametrize(
    ("excess", "outcome"),
    [(-3.0, Outcome.PASS), (0.0, Outcome.PASS), (0.9, Outcome.PASS), (1.1, Outcome.FAIL)],
)
def test_the_excess_loss_is_held_to_what_is_allowed(excess: float, outcome: Outcome) -> None:
    assert judge_change(judged(excess), POLICY, LIMIT).outcome is outcome


def test_a_loss_that_may_or_may_not_be_allowed_is_no_pass_and_says_what_to_try() -> None:
    verdict = judge_change(judged(0.9, noise=2.0), POLICY, LIMIT)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.endswith("try more --rows, or the gate with a full training")


def test_no_champion_few_blocks_no_rows_and_nan_are_never_a_pass() -> None:
    good = judged(-3.0)
    nowhere = replace(judged(-3.0, blocks=1), labels=np.empty(0), blocks=np.empty(0, dtype=np.str_))
    for missing in (
        replace(good, champion=None),
        judged(-3.0, blocks=13),
        nowhere,
        replace(good, challenger=np.full_like(good.challenger, np.nan)),
        replace(good, champion=np.full_like(good.challenger, np.inf)),
    ):
        assert judge_change(missing, POLICY, LIMIT).outcome is Outcome.INCONCLUSIVE
        differences = list_differences(missing, POLICY, Task.REGRESSION)
        assert [one.metric for one in differences] == [Metric.MAE, Metric.RMSE]
        assert all(one.gain is None for one in differences) == (missing.n_blocks != 13)


def test_few_blocks_say_how_many_are_needed_and_how_to_get_them() -> None:
    reason = judge_change(judged(-3.0, blocks=13), POLICY, LIMIT).reason
    assert reason.startswith("13 blocks, 14 needed: judged blocks that neither ")
    assert reason.endswith("bring newer rows, or raise share or window of [recent] in model.toml")


def test_every_metric_of_the_task_is_shown_the_gates_first_and_gains_point_up() -> None:
    policy = POLICY.model_copy(update={"metric": Metric.RMSE})
    differences = list_differences(judged(-3.0), policy, Task.REGRESSION)
    assert [one.metric for one in differences] == [Metric.RMSE, Metric.MAE]
    assert [(one.champion, one.changed, one.gain) for one in differences] == [(5.0, 2.0, 3.0)] * 2


def test_the_report_for_a_pull_request_is_a_table_that_owns_up_to_the_sample() -> None:
    recent = judged(0.5)
    verdict = judge_change(recent, POLICY, LIMIT)
    report = ChangeReport(
        "fares", "d" * 64, "c" * 64, 120, 400, 400, 40, 1.0, 0.95, verdict.outcome, verdict.reason,
        list_differences(recent, POLICY, Task.REGRESSION),
    )  # fmt: skip
    lines = report.markdown.splitlines()
    assert lines[0] == "### `fares`: pass"
    assert lines[4] == "| metric | champion | with the change | gain | at least (95%) | at most (95%) |"
    assert lines[6] == "| mae | 5 | 5.5 | -0.5 | -0.5 | -0.5 |"
    assert "a sample of 120 of 400 rows" in report.markdown
    assert "somewhat worse is expected" in report.markdown
    assert "sample" not in replace(report, sample_rows=400).markdown


def test_a_sample_is_whole_blocks_grows_with_its_rows_and_ends_with_all() -> None:
    sizes = {f"b{number}": 10 for number in range(50)}
    few, more = (sample_blocks(sizes, rows, "salt") for rows in (95, 200))
    assert (len(few), len(more)) == (10, 20)
    assert few < more
    assert sample_blocks(sizes, 10_000, "salt") == frozenset(sizes)
    assert few != sample_blocks(sizes, 95, "other")
