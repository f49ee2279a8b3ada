"""Is an entry told in one line that says what changed?"""

import pytest

from millrace.domain.facts import (
    ApprovalAsked,
    ChampionPromoted,
    OfflineRollbackOvertaken,
    ProbationEnded,
    RolloutAborted,
    RolloutAdvanced,
    RolloutFact,
    RolloutPaused,
    RolloutResumed,
    RolloutStarted,
    ServingConfigured,
    StepApproved,
    StepFailed,
)
from millrace.domain.narration import tell, tell_threshold
from millrace.domain.pointer import Durability, ServingSettings
from millrace.domain.verdict import Outcome, Verdict
from tests.domain.rollout.rolling import GOOD, POLICY, START, evidence_for, started


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (ServingSettings(), "durable log; kept for ever"),
        (
            ServingSettings("ride", Durability.FAST, ("name", "card"), ("address",), 90 * 86_400.0),
            "fast log; sticky by ride; name, card hashed; address left out; kept for 90 days",
        ),
    ],
)
def test_a_change_of_what_services_do_names_every_setting(settings: ServingSettings, told: str) -> None:
    assert tell(ServingConfigured(settings)) == f"services configured: {told}"


def test_an_offline_rollback_that_was_not_adopted_says_what_stood_against_it() -> None:
    finding = "d had taken its place in the ledger"
    overtaken = OfflineRollbackOvertaken("d" * 64, "c" * 64, "c" * 64, 5, 4, "it overcharges", finding)
    assert tell(overtaken) == f"rollback of {'c' * 12} not adopted, {finding}: it overcharges"


EVIDENCE = evidence_for(started(), GOOD, START)
D, C = "d" * 64, "c" * 64


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (RolloutStarted(D, C, POLICY, 2), "rollout of dddddddddddd began, canary"),
        (
            RolloutStarted(D, C, POLICY, 2, superseded="b" * 64),
            "rollout of dddddddddddd began, canary; bbbbbbbbbbbb made room",
        ),
        (
            RolloutStarted(D, C, POLICY, 2, unproven=C),
            "rollout of dddddddddddd began, canary; cccccccccccc made room, unproven",
        ),
        (StepFailed(D, 1, "failed (1)", (), EVIDENCE), "look at dddddddddddd failed (1)"),
        (ApprovalAsked(D, 1, (), EVIDENCE), "dddddddddddd passed step 2 and waits for approval"),
        (StepApproved(D, 1, "fine"), "step 2 of dddddddddddd approved: fine"),
        (
            RolloutAdvanced(D, 1, 5, 3, "", (), EVIDENCE),
            "dddddddddddd answers 5 % of requests, step 2",
        ),
        (RolloutPaused(D, "a fair"), "rollout of dddddddddddd paused: a fair"),
        (RolloutResumed(D, "it is over"), "rollout of dddddddddddd resumed: it is over"),
        (RolloutAborted(D, 4, "errors"), "rollout of dddddddddddd aborted: errors"),
        (ChampionPromoted(D, C, 4, "", True), "dddddddddddd promoted to generation 4, on probation"),
        (ProbationEnded(D, 5, Outcome.PASS, "ok"), "dddddddddddd is proven, its probation is over: ok"),
        (
            ProbationEnded(D, 5, Outcome.PASS, "ok; ok", (Verdict("loss", Outcome.PASS, "loss -0.1"),)),
            "dddddddddddd is proven, its probation is over: loss -0.1",
        ),
        (
            ProbationEnded(D, 5, Outcome.INCONCLUSIVE, "few"),
            "dddddddddddd is unproven, its probation is over: few",
        ),
    ],
)
def test_each_turn_of_a_rollout_names_the_version_and_why(fact: RolloutFact, told: str) -> None:
    assert tell(fact) == told


@pytest.mark.parametrize(
    ("threshold", "told"),
    [
        (0.3, "the positive class from a probability of 0.3 on"),
        (1.0, "the positive class from a probability of 1 on"),
        (1.001, "never the positive class: no probability reaches the threshold 1.001"),
        (1.0 + 1e-6, "never the positive class: no probability reaches the threshold 1.000001"),
        (0.0, "always the positive class: the threshold is 0"),
    ],
)
def test_a_threshold_that_no_probability_reaches_is_told_as_that(threshold: float, told: str) -> None:
    assert tell_threshold(threshold) == told
