"""How often is a bad version caught, and a good one taken for bad? On live requests, many times over."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from millrace.domain.facts import ChampionPromoted, ProbationEnded, RolloutAborted, StepFailed
from millrace.domain.rollout.state import Phase
from millrace.domain.verdict import Outcome
from tests.rollouts.rig import AT_ONCE, Live, live_installation
from tests.rollouts.versions import failing, good, slow
from tests.serving.service import Packed

pytestmark = pytest.mark.slow

TIMES = 60


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    with live_installation(tmp_path, monkeypatch) as installation:
        yield installation


@pytest.mark.parametrize("make", [failing, slow])
def test_each_bad_canary_is_gone_within_the_bound_and_one_interval(
    live: Live, make: Callable[[int], Packed]
) -> None:
    with live.load():
        for number in range(1, TIMES // 2 + 1):
            digest = live.begin(make(number), AT_ONCE)
            live.turns.clear()
            looks = live.look_and_count(lambda rollout: rollout.challenger is None, AT_ONCE.interval)
            assert live.rollout.champion == live.champion, number
            [*failed, aborted] = live.turns
            assert isinstance(aborted, RolloutAborted)
            assert all(isinstance(turn, StepFailed) for turn in failed)
            assert aborted.challenger == digest
            assert looks.with_enough <= AT_ONCE.failure_limit + 1, number


@pytest.mark.parametrize("installation", range(TIMES // 10))
def test_no_version_that_is_as_good_is_ever_taken_back(
    live: Live, installation: int, record_property: Callable[[str, object], None]
) -> None:
    # ten of each log: a look reads what is not compacted yet, and here nothing ever is
    failed = 0
    with live.load(is_labelled=True):
        for number in range(10 * installation + 1, 10 * installation + 11):
            digest = live.begin(good(number))
            live.turns.clear()
            live.look_until(lambda rollout: rollout.phase is Phase.IDLE)
            assert live.rollout.champion == digest, live.turns
            *_, promoted, ended = [turn for turn in live.turns if not isinstance(turn, StepFailed)]
            assert isinstance(promoted, ChampionPromoted)
            assert isinstance(ended, ProbationEnded)
            assert ended.outcome is Outcome.PASS
            failed += sum(isinstance(turn, StepFailed) for turn in live.turns)
    record_property("looks_that_failed", failed)
