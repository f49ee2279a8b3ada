"""Does the controller look when it should, wait as long as it should, and say each trouble once?"""

import logging
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from flows.controller import chores, pace
from flows.controller.chores import Chore
from flows.controller.pace import AGAIN_SECONDS, BUSY_SHARE, IDLE_SHARE, LOOK_SECONDS, Pace, Patience
from flows.controller.telling import Teller
from millrace.errors import MillraceError, UnavailableError

MODEL = "fares"


@dataclass
class Time:
    """Stands still until a test moves it."""

    now: float = 1000.0

    def __post_init__(self) -> None:
        self.namespace = SimpleNamespace(monotonic=lambda: self.now)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    at = Time()
    monkeypatch.setattr(pace, "time", at.namespace)
    monkeypatch.setattr(chores, "time", at.namespace)
    return at


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "millrace.controller")
    return caplog


def test_everything_is_looked_at_at_once_then_every_so_often_and_when_something_is_heard(time: Time) -> None:
    looks = Pace()
    assert looks.is_time(time.now)
    assert not looks.is_time(time.now + LOOK_SECONDS - 1)
    assert looks.is_time(time.now + LOOK_SECONDS)
    looks.heard.set()
    assert looks.is_time(time.now + LOOK_SECONDS + 1)
    assert not looks.is_time(time.now + LOOK_SECONDS + 2)


def test_a_look_that_takes_long_is_taken_less_often_whatever_is_heard(time: Time) -> None:
    looks = Pace()
    assert looks.is_time(time.now)
    looks.keep_to_share(2.0)
    looks.heard.set()
    assert not looks.is_time(time.now + 2.0 / BUSY_SHARE - 1)
    assert looks.is_time(time.now + 2.0 / BUSY_SHARE)
    looks.keep_to_share(2.0)
    assert not looks.is_time(time.now + 2.0 / IDLE_SHARE - 1)
    assert looks.is_time(time.now + 2.0 / IDLE_SHARE)


def test_what_is_new_has_to_stand_for_a_while_and_is_looked_at_again_by_then(time: Time) -> None:
    looks = Pace()
    assert looks.is_time(time.now)
    patience = Patience(looks)
    assert not patience.has_stood(MODEL, "a file", 5.0)
    assert not looks.is_time(time.now + 4)
    assert looks.is_time(time.now + 5)
    time.now += 5
    assert patience.has_stood(MODEL, "a file", 5.0)
    assert not patience.has_stood("trips", "a file", 5.0)
    patience.forget(MODEL, "a file")
    assert not patience.has_stood(MODEL, "a file", 5.0)


def test_what_no_longer_waits_at_a_model_is_forgotten_there_only(time: Time) -> None:
    patience = Patience(Pace())
    for model, key in ((MODEL, "gone"), (MODEL, "waiting"), ("trips", "gone")):
        assert not patience.has_stood(model, key, 5.0)
    time.now += 5
    patience.forget_all_but(MODEL, {"waiting"})
    assert not patience.has_stood(MODEL, "gone", 5.0)
    assert patience.has_stood(MODEL, "waiting", 5.0)
    assert patience.has_stood("trips", "gone", 5.0)


def test_what_was_taken_up_is_left_alone_for_a_while(time: Time) -> None:
    patience = Patience(Pace())
    assert patience.is_ripe("a repair")
    patience.leave_alone("a repair")
    assert not patience.is_ripe("a repair")
    assert patience.is_ripe("another")
    time.now += AGAIN_SECONDS
    assert patience.is_ripe("a repair")


def test_a_trouble_is_told_once_until_it_is_over_or_another(said: pytest.LogCaptureFixture) -> None:
    teller = Teller()

    def come_to(trouble: str) -> None:
        with teller.telling(MODEL):
            if trouble:
                raise MillraceError(trouble)

    for trouble in ("no disk", "no disk", "no power", "", "no power"):
        come_to(trouble)
    assert said.messages == ["fares: no disk", "fares: no power", "fares: no power"]


def test_a_mistake_of_ours_is_told_with_where_it_was_and_stops_nothing(
    said: pytest.LogCaptureFixture,
) -> None:
    teller = Teller()
    for _ in range(2):
        with teller.telling(MODEL):
            raise ZeroDivisionError
    mistake, where = said.records
    assert "a mistake in Millrace, please report it: ZeroDivisionError()" in mistake.getMessage()
    assert where.exc_info is not None


@pytest.mark.parametrize(
    ("trouble", "answers"), [(UnavailableError("down"), False), (MillraceError("x"), True)]
)
def test_only_what_cannot_be_reached_means_that_prefect_is_away(
    trouble: MillraceError, answers: bool
) -> None:
    teller = Teller()
    teller.prefect_answers = True
    with teller.telling(MODEL):
        raise trouble
    assert teller.prefect_answers is answers


def test_a_chore_is_done_every_so_often_also_when_it_failed(
    time: Time, said: pytest.LogCaptureFixture
) -> None:
    done_at: list[float] = []

    def fail() -> None:
        done_at.append(time.now)
        raise MillraceError("no disk")

    start, chore = time.now, Chore("the log", 10.0, fail)
    for _ in range(25):
        chore.do_if_due(Teller())
        time.now += 1
    assert done_at == [start + 10, start + 20]
    assert said.messages == ["the log: no disk"] * 2
