"""How often is a bad canary caught, and a good one taken back for nothing?"""

from datetime import datetime, timedelta

import numpy as np
import pytest

from millrace.domain.kinds import Task
from millrace.domain.rollout.advance import Transition, advance
from millrace.domain.rollout.evidence import Evidence
from millrace.domain.rollout.measure import LoggedRows, measure_arms
from millrace.domain.rollout.policy import Policy
from millrace.domain.rollout.state import Phase, Rollout
from tests.domain.rollout.rolling import MINUTE, POLICY, START, started

ROLLOUTS = 60
REQUESTS_A_MINUTE = 12_000
USUAL_ERRORS = 0.001


class Traffic:
    """Requests of a live model, of which the challenger fails or is late as often as it is told to."""

    def __init__(self, seed: int, errors: float = USUAL_ERRORS, slower: float = 1.0) -> None:
        self._rng = np.random.default_rng(seed)
        self._errors, self._slower = errors, slower

    def of(self, minutes: float, rollout: Rollout) -> LoggedRows:
        n, rng = round(minutes * REQUESTS_A_MINUTE), self._rng
        is_shadow = rollout.phase is Phase.SHADOW
        by = rng.random(n) * 100 < rollout.weight
        failing = rng.random((2, n)) < np.array([[USUAL_ERRORS], [self._errors]])
        usual = rng.random(n)
        alike = np.array([usual, np.clip(usual + rng.normal(0.0, 0.01, n), 0.0, 1.0)])
        answers = np.where(failing, np.nan, alike)
        latency = rng.gamma(2.0, 300.0, n) * np.where(by, self._slower, 1.0)
        return LoggedRows(
            answered_by=by,
            failed=np.where(by, failing[1], failing[0]),
            answers=np.where(by, answers[1], answers[0]),
            latency_us=latency,
            scored_by=~by,
            is_scored=np.full(n, is_shadow),
            score_failed=np.where(by, failing[0], failing[1]),
            scores=np.where(by, answers[0], answers[1]),
            labels=np.full(n, np.nan),
        )


def live(traffic: Traffic, policy: Policy, rollout: Rollout) -> list[tuple[datetime, Transition]]:
    """Take a look each interval, for as long as the challenger is none of champion and gone."""
    taken: list[tuple[datetime, Transition]] = []
    for number in range(1, 41):
        if rollout.challenger is None:
            return taken
        now = START + number * policy.interval
        rows = traffic.of((now - (rollout.since or now)) / timedelta(minutes=1), rollout)
        compared = measure_arms(rows, Task.BINARY, policy.limits.max_latency_ratio)
        since = rollout.since or now
        seen = Evidence(str(rollout.control), str(rollout.challenger), since, now, 1, 1, compared)
        taken.append((now, advance(rollout, seen, policy, now)))
        rollout = taken[-1][1].after
    return taken


def test_equal_versions_are_never_taken_back() -> None:
    ends = [live(Traffic(seed), POLICY, started())[-1][1].after for seed in range(ROLLOUTS)]
    assert {one.phase for one in ends} == {Phase.PROBATION}


@pytest.mark.parametrize(("errors", "slower"), [(0.02, 1.0), (USUAL_ERRORS, 2.0)], ids=["errors", "latency"])
def test_a_bad_canary_is_gone_within_its_bound_and_one_interval(errors: float, slower: float) -> None:
    for seed in range(ROLLOUTS):
        quiet = live(Traffic(seed), POLICY, started())
        canary = next(move.after for _, move in quiet if move.after.phase is Phase.CANARY)
        taken = live(Traffic(seed, errors, slower), POLICY, canary)
        assert canary.since is not None
        enough = next(now for now, move in taken if not _is_too_little(move))
        assert taken[-1][1].after.phase is Phase.IDLE, taken[-1][1].reason
        assert taken[-1][0] - enough <= POLICY.bound + MINUTE, seed


def _is_too_little(move: Transition) -> bool:
    return any(verdict.rule == "evidence" for verdict in move.verdicts)
