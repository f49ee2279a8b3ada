"""What does the gate say in cases with an obvious answer?"""

from dataclasses import replace

import numpy as np
import pytest

from millrace.domain.config import GateSection, Metric
from millrace.domain.gate import judge_challenger
from millrace.domain.gate.comparison import confidence_at_look
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, judged_set_id
from millrace.domain.gate.judge import judge_rule
from millrace.domain.gate.rules import RULES
from millrace.domain.verdict import Outcome
from tests.domain.judged import (
    AUC_POLICY,
    FEW_GOLDEN,
    FEW_RECENT,
    GOOD,
    NO_WORSE,
    POLICY,
    Floats,
    agreeing,
    blocks_of,
    evidence,
    first_ever,
    nan_on_golden,
    nan_on_recent,
    of_digest,
    off_by,
    on_recent,
    ranked,
    source_of,
)

BRIER_POLICY = POLICY.model_copy(update={"metric": Metric.BRIER})


def verdict_of(rule: str, found: GateEvidence, policy: GateSection = POLICY) -> tuple[Outcome, str]:
    verdict = judge_rule(rule, found, policy)
    return verdict.outcome, verdict.reason


def per_block(low: float, high: float, n_blocks: int = 20) -> Floats:
    return np.repeat(np.where(np.arange(n_blocks) % 2 == 0, low, high), 10)


@pytest.mark.parametrize(
    ("rule", "found", "policy", "outcome", "reason"),
    [
        (
            "recent_champion",
            evidence(recent=off_by(2.0)),
            POLICY,
            Outcome.FAIL,
            "MAE 2 against 2, gain 0 (97.5 % at most 0), needed more than 0",
        ),
        (
            "recent_champion",
            evidence(recent=off_by(per_block(1.0, 2.5))),
            POLICY,
            Outcome.INCONCLUSIVE,
            "MAE 1.75 against 2, gain 0.25 (97.5 % at least -0.125, at most 0.625), needed more than 0",
        ),
        (
            "recent_champion",
            evidence(recent=off_by(2.4, looks=3)),
            NO_WORSE,
            Outcome.PASS,
            "MAE 2.4 against 2, gain -0.4 (99.75 % at least -0.4), needed at least -0.5",
        ),
        (
            "recent_champion",
            evidence(recent=off_by(per_block(1.5, 3.0))),
            NO_WORSE,
            Outcome.INCONCLUSIVE,
            "MAE 2.25 against 2, gain -0.25 (97.5 % at least -0.625, at most 0.125), needed at least -0.5",
        ),
        (
            "recent_champion",
            evidence(recent=off_by(2.6)),
            NO_WORSE,
            Outcome.FAIL,
            "MAE 2.6 against 2, gain -0.6 (97.5 % at most -0.6), needed at least -0.5",
        ),
        ("recent_champion", FEW_RECENT, POLICY, Outcome.INCONCLUSIVE, "13 blocks, 14 needed"),
        (
            "golden_best",
            evidence(golden=off_by(2.3)),
            POLICY,
            Outcome.FAIL,
            "MAE 2.3 against 2, gain -0.3 (95 % at most -0.3), needed at least -0.25",
        ),
        ("golden_best", FEW_GOLDEN, POLICY, Outcome.INCONCLUSIVE, "13 blocks, 14 needed"),
        ("floors", on_recent(2.6)[0], POLICY, Outcome.FAIL, "MAE 2.6, needed at most 2.5"),
        (
            "constant",
            evidence(recent=off_by(200.0)),
            POLICY,
            Outcome.FAIL,
            "MAE 200 against 149.5, gain -50.5 (97.5 % at most -22.5), needed more than 0",
        ),
        (
            "linear_baseline",
            evidence(recent=off_by(4.0)),
            POLICY,
            Outcome.FAIL,
            "MAE 4 against 3, gain -1 (97.5 % at most -1), needed at least -0.5",
        ),
        (
            "linear_baseline",
            of_digest(FEW_RECENT, "e" * 64),
            POLICY,
            Outcome.PASS,
            "the challenger eeeeeeeeeeee is the baseline",
        ),
        (
            "agreement",
            agreeing(40_000, 401, 0.97),
            POLICY,
            Outcome.FAIL,
            "401 of 40000 rows (1.00%) differ from the fitted pipeline by more than 0.0001, largest 0.97, "
            "needed at most 1.00%",
        ),
        (
            "agreement",
            agreeing(0, 0, 0.0),
            POLICY,
            Outcome.INCONCLUSIVE,
            "0 of 0 rows differ, by 0 at most: the bundle was not held against its pipeline",
        ),
        (
            "finite",
            nan_on_recent("challenger")[0],
            POLICY,
            Outcome.FAIL,
            "1 of 400 answers of the challenger are NaN or infinite, none may be",
        ),
        (
            "finite",
            nan_on_golden("best")[0],
            POLICY,
            Outcome.INCONCLUSIVE,
            "1 of 1200 answers it is compared with are NaN or infinite",
        ),
        ("recent_blocks", FEW_RECENT, POLICY, Outcome.INCONCLUSIVE, "13 blocks, 14 needed"),
        (
            "golden_looks",
            evidence(golden=off_by(1.0, looks=50)),
            POLICY,
            Outcome.INCONCLUSIVE,
            "golden set looked at 50 of 50 times; renew it with millrace golden renew",
        ),
    ],
)
def test_a_rule_says_what_it_found_and_what_it_needed(
    rule: str, found: GateEvidence, policy: GateSection, outcome: Outcome, reason: str
) -> None:
    assert verdict_of(rule, found, policy) == (outcome, reason)


def test_a_policy_without_floors_says_that_none_is_asked_for() -> None:
    policy = POLICY.model_copy(update={"floors": {}})
    assert verdict_of("floors", GOOD, policy) == (Outcome.PASS, "no floor is asked for in [gate.floors]")


def test_the_worst_of_several_floors_decides_and_all_are_named() -> None:
    policy = POLICY.model_copy(update={"floors": {Metric.MAE: 2.5, Metric.RMSE: 0.9}})
    expected = (Outcome.FAIL, "MAE 1, needed at most 2.5; RMSE 1, needed at most 0.9")
    assert verdict_of("floors", GOOD, policy) == expected


def test_a_minimal_gain_is_asked_of_a_superior_challenger() -> None:
    policy = POLICY.model_copy(update={"margin": 1.0})
    assert verdict_of("recent_champion", evidence(recent=off_by(1.0)), policy)[0] is Outcome.FAIL
    assert verdict_of("recent_champion", evidence(recent=off_by(0.9)), policy)[0] is Outcome.PASS


def test_a_champion_that_was_not_scored_is_no_pass() -> None:
    unscored = evidence(recent=replace(off_by(1.0), champion=None), golden=replace(off_by(1.0), best=None))
    recent, golden = (verdict_of(rule, unscored) for rule in ("recent_champion", "golden_best"))
    assert (recent[0], golden[0]) == (Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE)
    why = "its task or its classes are not the challenger's"
    assert recent[1].startswith(f"the champion {'c' * 12} was not scored on the recent set: {why}")
    assert golden[1].startswith(f"the best champion {'b' * 12} was not scored on the golden set: {why}")
    assert judge_challenger(unscored, POLICY).outcome is Outcome.INCONCLUSIVE


def test_a_rule_that_cannot_be_computed_is_inconclusive_with_the_error() -> None:
    impossible = replace(GOOD.recent, challenger=GOOD.recent.challenger + 1.0)
    outcome, reason = verdict_of("recent_champion", evidence(recent=impossible), BRIER_POLICY)
    assert outcome is Outcome.INCONCLUSIVE
    assert reason == (
        "UnpairedLossesError: losses cannot be compared: found answer 2, needed a probability from 0 to 1. "
        "Score every bundle on the same labelled rows"
    )


def test_the_first_model_ever_is_asked_everything_but_the_champion_rules() -> None:
    judgement = judge_challenger(first_ever(GOOD), POLICY)
    assert judgement.outcome is Outcome.PASS
    assert [verdict.rule for verdict in judgement.verdicts] == [
        name for name, rule in RULES.items() if not rule.needs_champion
    ]


def test_the_first_model_ever_must_clear_the_floors_and_baselines() -> None:
    judgement = judge_challenger(first_ever(evidence(recent=off_by(2.6))), POLICY)
    assert (judgement.outcome, judgement.reason) == (Outcome.FAIL, "floors: MAE 2.6, needed at most 2.5")


def test_a_worse_challenger_fails_and_the_rule_that_decided_is_named() -> None:
    judgement = judge_challenger(evidence(recent=off_by(2.2)), POLICY)
    assert judgement.outcome is Outcome.FAIL
    assert judgement.reason.startswith("recent_champion: MAE 2.2 against 2, gain -0.2 (")
    assert [verdict.rule for verdict in judgement.verdicts] == list(RULES)


def test_a_better_challenger_passes() -> None:
    judgement = judge_challenger(GOOD, POLICY)
    assert judgement.outcome is Outcome.PASS
    assert (
        judgement.reason == "recent_champion: MAE 1 against 2, gain 1 (97.5 % at least 1), needed more than 0"
    )


def test_an_auc_is_judged_in_the_figures_people_read() -> None:
    judged, _ = ranked(1.5)
    outcome, reason = verdict_of("recent_champion", evidence(judged, judged), AUC_POLICY)
    expected = "AUC 0.877 against 0.6619, gain 0.215 (97.5 % at least 0.195), needed more than 0"
    assert (outcome, reason) == (Outcome.PASS, expected)
    assert verdict_of("floors", evidence(judged, judged), AUC_POLICY)[1] == "AUC 0.877, needed more than 0.65"


def test_a_constant_has_an_auc_of_one_half() -> None:
    judged, _ = ranked(1.5)
    reason = verdict_of("constant", evidence(judged, judged), AUC_POLICY)[1]
    assert reason.startswith("AUC 0.877 against 0.5, gain 0.377 (")


def test_a_floor_of_an_auc_must_be_exceeded() -> None:
    judged, _ = ranked(1.5)
    judged = replace(judged, challenger=np.zeros(judged.labels.size))
    policy = AUC_POLICY.model_copy(update={"floors": {Metric.AUC: 0.5}})
    expected = (Outcome.FAIL, "AUC 0.5, needed more than 0.5")
    assert verdict_of("floors", evidence(judged, judged), policy) == expected


def test_an_auc_over_labels_of_one_class_is_inconclusive() -> None:
    judged, _ = ranked(1.5)
    judged = replace(judged, labels=np.zeros(judged.labels.size))
    found = evidence(judged, judged)
    outcome, reason = verdict_of("floors", found, AUC_POLICY)
    assert (outcome, reason) == (Outcome.INCONCLUSIVE, "AUC nan: labels of one class only")
    outcome, reason = verdict_of("recent_champion", found, AUC_POLICY)
    assert (outcome, reason) == (
        Outcome.INCONCLUSIVE,
        "AUC nan against nan, undefined on too many draws",
    )


def test_several_classes_are_held_against_the_shares_of_those_that_were_learned() -> None:
    blocks = blocks_of(20)
    labels = np.tile([0.0, 1.0, 2.0, 2.0], 50)
    sure = np.eye(3)[labels.astype(int)] * 0.7 + 0.1
    judged = JudgedSet(source_of(judged_set_id(blocks)), labels, blocks, sure, sure, sure, sure, 0)
    policy = POLICY.model_copy(update={"metric": Metric.LOG_LOSS})
    found = replace(evidence(judged, judged), constant=(0.25, 0.25, 0.5))
    outcome, reason = verdict_of("constant", found, policy)
    assert outcome is Outcome.PASS
    assert reason.startswith("log loss 0.2231 against 1.04, gain 0.817 (")
    # two were learned, the third is half of what is judged: its share is as near to 0 as a bundle can say
    outcome, reason = verdict_of("constant", replace(found, constant=(0.5, 0.5)), policy)
    assert outcome is Outcome.PASS
    assert reason.startswith("log loss 0.2231 against 8.318, gain ")
    assert (
        "200 judged rows have a class that no training row has"
        in verdict_of("finite", replace(found, constant=(0.5, 0.5)), policy)[1]
    )


def test_the_error_allowed_over_all_looks_sums_to_the_policys() -> None:
    spent = sum(1.0 - confidence_at_look(0.95, looks) for looks in range(10_000))
    assert 0.04999 < spent < 0.05


def test_a_look_is_never_said_to_be_certain() -> None:
    judged = replace(off_by(1.0), looks=9_999)
    reason = verdict_of("recent_champion", evidence(recent=judged))[1]
    assert "(99.99999995 % at least 1)" in reason


def test_more_looks_need_more_evidence() -> None:
    reasons = [
        verdict_of("recent_champion", evidence(recent=off_by(per_block(1.0, 2.2), looks=looks)))
        for looks in (0, 60)
    ]
    assert [outcome for outcome, _ in reasons] == [Outcome.PASS, Outcome.INCONCLUSIVE]


def test_a_judged_set_is_known_by_its_blocks_and_not_by_its_rows() -> None:
    once, shuffled = blocks_of(20, 1), np.random.default_rng(0).permutation(blocks_of(20, 3))
    assert judged_set_id(once) == judged_set_id(shuffled)
    assert judged_set_id(once) != judged_set_id(blocks_of(19, 1))
    assert len(judged_set_id(once)) == 64
