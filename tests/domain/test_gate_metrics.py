"""Does the gate judge by every metric, each at what it is defined by?"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from millrace.domain.config import METRICS_OF, Comparison, GateSection, Metric, Rule, followed_metric
from millrace.domain.config.section import Section
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import loss_on
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, judged_set_id
from millrace.domain.gate.judge import judge_challenger, judge_rule
from millrace.domain.kinds import Task
from millrace.domain.verdict import Outcome
from tests.domain.judged import GOOD, POLICY, Floats, blocks_of, evidence, off_by, source_of

PLAIN = {name: value for name, value in POLICY if value is not None and not isinstance(value, Section)}
"""The rules that are always asked for."""


def policy(metric: Metric, floor: float, **terms: Any) -> GateSection:
    return GateSection.model_validate(
        PLAIN
        | {"metric": metric, "floors": {metric: floor}, "golden_margin": 0.0, "baseline_margin": 0.0, **terms}
    )


def decided(challenger: float, champion: float, threshold: float = 0.5) -> GateEvidence:
    """Return a set of two classes on which each decides rightly for that share of the rows of every block."""
    blocks = blocks_of(20, 20)
    labels = np.tile([0.0, 1.0], blocks.size // 2)
    ranks = np.arange(blocks.size) % 20 // 2 / 10.0

    def answers(right: float) -> Floats:
        told = np.where(ranks < right, labels, 1.0 - labels)
        return np.where(told == 1.0, 0.2, 0.1) if threshold < 0.5 else 0.2 + 0.6 * told

    found = JudgedSet(
        source_of(judged_set_id(blocks)), labels, blocks, answers(challenger), answers(champion),
        np.full(labels.size, 0.7), answers(champion), 0,
        thresholds=dict.fromkeys(("challenger", "champion", "best", "baseline"), threshold),
    )  # fmt: skip
    return replace(evidence(found, found), constant=1.0)


@pytest.mark.parametrize("metric", [Metric.PR_AUC, Metric.F1, Metric.BALANCED_ACCURACY])
def test_what_is_better_the_higher_is_judged_so_in_every_rule(metric: Metric) -> None:
    better, worse = decided(0.9, 0.8), decided(0.7, 0.8)
    for rule in ("recent_champion", "golden_best", "constant", "linear_baseline", "floors"):
        assert judge_rule(rule, better, policy(metric, 0.75)).outcome is Outcome.PASS, rule
    assert judge_rule("recent_champion", worse, policy(metric, 0.75)).outcome is Outcome.FAIL
    assert judge_rule("golden_best", worse, policy(metric, 0.75)).outcome is Outcome.FAIL
    assert judge_rule("floors", worse, policy(metric, 0.75)).outcome is Outcome.FAIL


@pytest.mark.parametrize("rule", [Rule.CONSTANT, Rule.SIMPLER])
def test_one_answer_for_all_that_nobody_knows_by_the_metric_beats_nothing(rule: Rule) -> None:
    verdict = judge_rule(rule, replace(GOOD, constant=None), POLICY)
    assert (verdict.outcome, verdict.code) == (Outcome.INCONCLUSIVE, Code.UNCOMPARABLE)
    assert "one answer for all is known by another metric" in verdict.reason


def test_decisions_are_judged_at_the_threshold_of_the_bundle_that_makes_them() -> None:
    found = decided(0.9, 0.8, threshold=0.15)
    asked = policy(Metric.F1, 0.85)
    told = judge_rule("recent_champion", found, asked)
    assert (told.outcome, told.reason.partition(",")[0]) == (Outcome.PASS, "F1 0.9 against 0.8")
    # the same answers at a half are for the negative class, all of them
    at_half = replace(found.recent, thresholds=found.recent.thresholds | {"challenger": 0.5})
    assert judge_rule("recent_champion", replace(found, recent=at_half), asked).outcome is Outcome.FAIL
    assert judge_rule("floors", replace(found, recent=at_half), asked).reason == "F1 0, needed more than 0.85"


def test_answers_of_nobody_in_the_set_are_not_decided_at_a_guess() -> None:
    recent = decided(0.9, 0.8).recent
    asked = policy(Metric.F1, 0.5)
    assert recent.threshold_of(recent.challenger.copy()) is None
    with pytest.raises(Exception, match="found no threshold of the bundle that answers"):
        loss_on(recent, recent.challenger.copy(), Metric.F1, asked)


@pytest.mark.parametrize(
    ("metric", "terms"), [(Metric.PINBALL, {"quantile": 0.9}), (Metric.OWN, {"loss": "losses:asymmetric"})]
)
def test_an_error_with_terms_of_its_own_is_judged_in_every_rule(
    metric: Metric, terms: dict[str, object]
) -> None:
    def judged(offset: float) -> GateEvidence:
        recent, golden = (
            replace(off_by(offset), own_loss=lambda labels, answers: 10.0 * np.abs(labels - answers))
            for _ in range(2)
        )
        return evidence(recent, golden)

    asked = policy(metric, 15.0, **terms)
    assert judge_challenger(judged(1.0), asked).outcome is Outcome.PASS
    assert judge_rule("recent_champion", judged(2.5), asked).outcome is Outcome.FAIL


def test_a_label_of_zero_leaves_a_mape_undecided_with_the_count() -> None:
    labels = off_by(1.0).labels
    told = judge_rule("recent_champion", evidence(off_by(1.0)), policy(Metric.MAPE, 1.0))
    assert labels[0] == 0.0
    assert (told.outcome, told.code) == (Outcome.INCONCLUSIVE, Code.UNCOMPARABLE)
    assert "found 1 of 200 labels that are 0" in told.reason
    assert judge_rule("floors", evidence(off_by(1.0)), policy(Metric.MAPE, 9.0)).outcome is not Outcome.PASS


@pytest.mark.parametrize(
    "own", [lambda labels, _: labels[:3], lambda labels, _: labels * np.nan, lambda _, __: 1 / 0, None]
)
def test_an_own_loss_that_breaks_leaves_every_comparison_undecided(own: Any) -> None:
    found = evidence(*(replace(off_by(1.0), own_loss=own) for _ in range(2)))
    asked = policy(Metric.OWN, 2.0, loss="losses:asymmetric")
    for rule in ("recent_champion", "golden_best", "constant", "linear_baseline", "floors"):
        told = judge_rule(rule, found, asked)
        assert (told.outcome, told.code) == (Outcome.INCONCLUSIVE, Code.ERROR), rule
    assert judge_challenger(found, asked).outcome is Outcome.INCONCLUSIVE


def section(**changes: Any) -> GateSection:
    return GateSection.model_validate(PLAIN | {"floors": {}} | changes)


def test_a_function_in_a_file_is_the_metric_own() -> None:
    found = section(metric="losses:asymmetric")
    assert (found.metric, found.loss) == (Metric.OWN, "losses:asymmetric")
    assert section(**found.model_dump(mode="json", exclude_none=True)) == found
    assert section(floors={"own": 2.0}, loss="losses:asymmetric").metric is Metric.MAE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "pinball"}, "the metric pinball needs quantile in"),
        ({"floors": {"pinball": 1.0}}, "the metric pinball needs quantile in"),
        ({"metric": "pinball", "quantile": 1.0}, "less than 1"),
        ({"quantile": 0.5}, "quantile is for the metric pinball, which"),
        ({"metric": "own"}, "the metric own needs loss in"),
        ({"loss": "losses:asymmetric"}, "loss is for the metric own, which"),
        ({"metric": "losses:asymmetric", "loss": "losses:other"}, "one of them is enough"),
        ({"metric": "losses.py:asymmetric"}, "String should match pattern"),
        ({"metric": "../losses:asymmetric"}, "String should match pattern"),
    ],
)
def test_a_metric_without_what_defines_it_is_an_error_at_load(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        section(**changes)


def test_a_model_is_followed_by_what_labels_and_answers_are_enough_for() -> None:
    for task, metrics in METRICS_OF.items():
        for metric in metrics:
            assert followed_metric(metric, task) in metrics
    assert followed_metric(Metric.PR_AUC, Task.BINARY) is Metric.PR_AUC
    assert followed_metric(Metric.BALANCED_ACCURACY, Task.MULTICLASS) is Metric.LOG_LOSS
    assert followed_metric(Metric.OWN, Task.REGRESSION) is Metric.MAE


def test_a_challenger_may_owe_no_more_than_not_to_lose_by_any_metric() -> None:
    asked = policy(Metric.F1, 0.5).model_copy(update={"comparison": Comparison.NON_INFERIOR, "margin": 0.2})
    assert judge_rule("recent_champion", decided(0.7, 0.8), asked).outcome is Outcome.PASS
