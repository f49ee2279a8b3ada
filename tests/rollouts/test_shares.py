"""Does each version get its share of requests, and each key its version?"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from millrace.adapters import clock
from millrace.adapters.models import change_section
from millrace.domain.rollout.policy import Approval, Strategy, steps_of
from millrace.settings import load_settings
from millrace.steps.rollout import Act, say_to_rollout
from tests.rollouts.rig import QUICK, Asked, Live, Load, live_installation
from tests.rollouts.versions import good
from tests.serving.under_load import MODEL

REQUESTS, KEYS = 20_000, 4001
POINT = 0.01

BY_HAND = replace(QUICK, steps=steps_of(Strategy.CANARY, (5, 25, 50)), approval=Approval.MANUAL)


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    with live_installation(tmp_path, monkeypatch) as installation:
        # no answer waits for the disk: tens of thousands are asked for
        settings = {"durability": "fast", "sticky_key": "carrier"}
        change_section(load_settings().models, MODEL, "serving", settings)
        yield installation


def go_on(live: Live) -> tuple[int, float]:
    """Approve the step that waits; return the weight that requests are shared by, and from when on."""
    live.look_until(lambda rollout: rollout.is_asking)
    say_to_rollout(MODEL, Act.APPROVE, "by a test", clock.now())
    step = live.rollout.step
    rollout = live.look_until(lambda rollout: rollout.step > step)
    live.service_has(rollout.generation)
    return rollout.weight, time.time()


def sent_since(load: Load, since: float) -> list[Asked]:
    """Leave out what was on its way when the weight changed."""
    return [asked for asked in load.answered if asked.sent >= since]


def test_shares_are_what_the_pointer_says_to_a_point(live: Live) -> None:
    with live.load() as load:
        digest = live.begin(good(1), BY_HAND)
        for _ in range(3):
            weight, since = go_on(live)
            live.wait_for_answers(load, REQUESTS)
            heard = Counter(asked.digest for asked in sent_since(load, since))
            assert abs(heard[digest] / heard.total() - weight / 100) < POINT, (weight, heard)


def test_a_key_keeps_its_version_and_leaves_it_only_for_the_one_that_grows(live: Live) -> None:
    with live.load(key_of=lambda at: at % KEYS) as load:
        digest = live.begin(good(1), BY_HAND)
        earlier: set[int] = set()
        for _ in range(3):
            weight, since = go_on(live)
            live.wait_for_answers(load, REQUESTS)
            mine = _keys_of(sent_since(load, since), digest)
            assert mine.isdisjoint(_keys_of(sent_since(load, since), live.champion))
            assert earlier <= mine
            assert abs(len(mine) / KEYS - weight / 100) < 3 * POINT
            earlier = mine


def _keys_of(heard: list[Asked], digest: str) -> set[int]:
    return {asked.number for asked in heard if asked.digest == digest}
