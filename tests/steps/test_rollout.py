"""Does a challenger that the gate has passed go its way, and does the champion answer whatever becomes of it?

Nobody asks anything here: what live requests say is in tests/rollouts.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from millrace.adapters.channel import read_pointer
from millrace.adapters.keys import verify
from millrace.adapters.ledger import StaleGenerationError
from millrace.adapters.models import change_section
from millrace.domain.facts import (
    Action,
    ChallengerJudged,
    ChampionPromoted,
    ChampionRolledBack,
    RolloutAborted,
    RolloutAdvanced,
    RolloutPaused,
    RolloutStarted,
)
from millrace.domain.pointer import Arm, ArmRole
from millrace.domain.rollout.evidence import Compared, Evidence
from millrace.domain.rollout.policy import Strategy
from millrace.domain.rollout.state import Phase
from millrace.errors import MissingReasonError, ModelFileError
from millrace.settings import load_settings
from millrace.steps.alerts import send_alerts
from millrace.steps.audit import verify_everything
from millrace.steps.automation import pause_model, resume_model
from millrace.steps.claims import take_claim
from millrace.steps.offline_rollback import enter_offline_rollbacks, roll_back_offline
from millrace.steps.rollout import (
    Act,
    find_pending,
    last_look,
    look_at_rollout,
    rollout_status,
    say_to_rollout,
    start_rollout,
)
from millrace.steps.serve import publish_model_pointer, roll_back
from tests.conftest import NOON, ROLLOUT, Home
from tests.loop import retrain, take_in
from tests.webhook import Webhook

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
NOTHING_SEEN = Evidence("a", "b", NOON, NOON, 0, 0, Compared())


def train(home: Home, *columns: str, now: datetime = NOON) -> str:
    """Train on these columns and hand the bundle to a rollout; return its digest."""
    home.learn_from("fares", *columns)
    judged = retrain("fares", now, force=True).judged
    assert judged is not None
    return judged.digest


def arms() -> tuple[Arm, ...]:
    settings = load_settings()
    pointer = read_pointer(settings.channel, "fares", partial(verify, settings.keys))
    assert pointer is not None
    return pointer.arms


@pytest.fixture
def champion(fares: Home) -> str:
    """A first champion of a model whose challengers are to be rolled out."""
    change_section(fares.models, "fares", "rollout", ROLLOUT)
    take_in("fares", NOON)
    return train(fares, "distance_km")


@pytest.fixture
def challenger(fares: Home, champion: str) -> str:
    """A challenger whose rollout began a day after."""
    return train(fares, "distance_km", "tariff", now=NOON + DAY)


def answer_some(home: Home) -> None:
    """Carry the challenger over its first step, on a word of ours instead of evidence."""
    rollout = home.ledger.rollout("fares")
    assert rollout.policy is not None
    weight, generation = rollout.policy.steps[1].weight, rollout.generation + 1
    fact = RolloutAdvanced(str(rollout.challenger), 1, weight, generation, "by a test", (), NOTHING_SEEN)
    home.ledger.change_rollout(rollout, fact, NOON + DAY, "a test")
    publish_model_pointer("fares", NOON + DAY)


def test_the_first_champion_answers_at_once_and_the_next_one_shadows(
    fares: Home, champion: str, challenger: str
) -> None:
    [started] = fares.facts("fares", RolloutStarted)
    assert isinstance(started, RolloutStarted)
    assert (started.champion, started.challenger) == (champion, challenger)
    assert started.policy.strategy is Strategy.CANARY
    assert fares.serving("fares").champion == champion
    assert fares.serving("fares").challenger == challenger
    assert arms() == (Arm(champion, ArmRole.ANSWER, 100), Arm(challenger, ArmRole.SHADOW, 100))
    verify_everything()


def test_a_run_that_is_taken_up_again_begins_no_second_rollout_and_none_that_was_aborted(
    fares: Home, challenger: str
) -> None:
    judged = fares.ledger.last("fares", ChallengerJudged)
    assert judged is not None
    assert isinstance(judged.fact, ChallengerJudged)
    claim = take_claim("again", "a run")
    assert start_rollout("fares", judged.fact, claim, NOON + DAY).fact is None
    say_to_rollout("fares", Act.ABORT, "it smells", NOON + DAY, "ann")
    assert start_rollout("fares", judged.fact, claim, NOON + DAY).fact is None
    assert find_pending("fares") is None
    assert len(fares.facts("fares", RolloutStarted)) == 1


def test_a_newer_challenger_takes_the_place_of_one_that_answers_nothing_yet(
    fares: Home, champion: str, challenger: str
) -> None:
    newer = train(fares, "distance_km", "tariff", "luggage", now=NOON + 2 * DAY)
    _first, second = fares.facts("fares", RolloutStarted)
    assert isinstance(second, RolloutStarted)
    assert (second.challenger, second.superseded) == (newer, challenger)
    assert arms() == (Arm(champion, ArmRole.ANSWER, 100), Arm(newer, ArmRole.SHADOW, 100))


def test_one_that_passes_while_another_answers_waits_and_begins_when_that_is_over(
    fares: Home, champion: str, challenger: str
) -> None:
    answer_some(fares)
    assert arms() == (Arm(champion, ArmRole.ANSWER, 95), Arm(challenger, ArmRole.ANSWER, 5))
    fares.learn_from("fares", "distance_km", "tariff", "luggage")
    assert retrain("fares", NOON + 2 * DAY).decision.action is Action.SKIP
    waiting = train(fares, "distance_km", "tariff", "luggage", now=NOON + 2 * DAY)
    assert fares.serving("fares").challenger == challenger
    pending = find_pending("fares")
    assert pending is not None
    assert pending.digest == waiting
    assert rollout_status("fares").waiting == pending
    say_to_rollout("fares", Act.ABORT, "it smells", NOON + 2 * DAY)
    look_at_rollout("fares", NOON + 2 * DAY)
    assert fares.serving("fares").challenger == waiting
    assert find_pending("fares") is None


def test_one_that_waited_does_not_begin_against_a_champion_it_was_not_judged_against(
    fares: Home, challenger: str
) -> None:
    answer_some(fares)
    waiting = train(fares, "distance_km", "tariff", "luggage", now=NOON + 2 * DAY)
    rollout = fares.ledger.rollout("fares")
    promoted = ChampionPromoted(challenger, rollout.champion, rollout.generation + 1, "by a test")
    fares.ledger.change_rollout(rollout, promoted, NOON + 2 * DAY, "a test")
    assert find_pending("fares") is None
    look_at_rollout("fares", NOON + 2 * DAY)
    assert fares.serving("fares").champion == challenger != waiting
    assert fares.serving("fares").challenger is None


def test_one_that_answers_is_decided_on_first_also_when_the_section_is_gone(
    fares: Home, champion: str, challenger: str
) -> None:
    answer_some(fares)
    change_section(fares.models, "fares", "rollout", None)
    waiting = train(fares, "distance_km", "tariff", "luggage", now=NOON + 2 * DAY)
    assert (fares.serving("fares").champion, fares.serving("fares").challenger) == (champion, challenger)
    say_to_rollout("fares", Act.ABORT, "it smells", NOON + 2 * DAY)
    look_at_rollout("fares", NOON + 2 * DAY)
    assert fares.serving("fares").champion == waiting


def test_one_whose_run_is_not_over_is_that_runs_to_begin(fares: Home, champion: str, challenger: str) -> None:
    last = fares.ledger.last("fares", ChallengerJudged)
    assert last is not None
    assert isinstance(last.fact, ChallengerJudged)
    under_way = replace(last.fact, run_key="retrain:fares:another", digest="d" * 64)
    fares.ledger.append("fares", under_way, NOON + DAY, "a test")
    assert find_pending("fares") is None


def test_a_run_that_judges_again_after_its_challenger_was_aborted_does_not_bring_it_back(
    fares: Home, challenger: str
) -> None:
    last = fares.ledger.last("fares", ChallengerJudged)
    assert last is not None
    assert isinstance(last.fact, ChallengerJudged)
    say_to_rollout("fares", Act.ABORT, "it smells", NOON + DAY)
    fares.ledger.append("fares", replace(last.fact, generation=3), NOON + DAY, "a run taken up again")
    assert find_pending("fares") is None
    again = start_rollout("fares", replace(last.fact, generation=3), take_claim("again", "a run"), NOON + DAY)
    assert again.fact is None
    assert fares.serving("fares").challenger is None


def test_a_mistake_in_the_models_file_keeps_no_bad_version_answering(fares: Home, challenger: str) -> None:
    answer_some(fares)
    train(fares, "distance_km", "tariff", "luggage", now=NOON + DAY)
    fares.rewrite("fares", 'strategy = "canary"', 'strategy = "canry"')
    assert isinstance(look_at_rollout("fares", NOON + 2 * DAY).fact, RolloutAborted)
    with pytest.raises(ModelFileError):
        look_at_rollout("fares", NOON + 2 * DAY)
    fares.rewrite("fares", 'strategy = "canry"', 'strategy = "canary"')
    assert isinstance(look_at_rollout("fares", NOON + 2 * DAY).fact, RolloutStarted)


def test_the_time_of_a_step_begins_anew_when_all_automatic_work_does(fares: Home, challenger: str) -> None:
    pause_model("fares", "the fair is on", NOON + DAY)
    resume_model("fares", "it is over", NOON + 3 * DAY)
    assert look_at_rollout("fares", NOON + 3 * DAY + 119 * MINUTE).fact is None
    assert isinstance(look_at_rollout("fares", NOON + 3 * DAY + 121 * MINUTE).fact, RolloutAborted)


def test_nothing_asked_is_no_evidence_and_at_the_deadline_the_challenger_is_gone(
    fares: Home, champion: str, challenger: str, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = NOON + DAY
    waiting = look_at_rollout("fares", began + 119 * MINUTE)
    assert waiting.fact is None
    assert "0 requests of 500 needed" in waiting.reason
    look = last_look("fares")
    assert look is not None
    assert (look.digest, look.recorded) == (challenger, None)
    aborted = look_at_rollout("fares", began + 121 * MINUTE)
    assert isinstance(aborted.fact, RolloutAborted)
    assert "inconclusive at the deadline of 2:00:00" in aborted.fact.reason
    publish_model_pointer("fares", began + 121 * MINUTE)
    assert arms() == (Arm(champion, ArmRole.ANSWER, 100),)
    assert fares.serving("fares").challenger is None
    verify_everything()
    monkeypatch.setenv("MILLRACE_SITE", "http://status.example.org/")
    send_alerts("fares", "a run", began + 121 * MINUTE)
    [told] = webhook.received
    assert told["title"] == f"fares: rollout of {challenger[:12]} aborted"
    entry = fares.ledger.last("fares", RolloutAborted)
    assert entry is not None
    page = f"http://status.example.org/models/fares/rollout#entry-{entry.seq}"
    assert told["message"].splitlines()[-2:] == [
        "`millrace rollout status fares` shows the evidence.", page,
    ]  # fmt: skip


def test_an_evidence_that_cannot_be_read_passes_nothing_and_fails_nothing(
    fares: Home, challenger: str
) -> None:
    load_settings().predictions.parent.mkdir(exist_ok=True)
    load_settings().predictions.write_text("no folder")
    looked = look_at_rollout("fares", NOON + DAY + MINUTE)
    assert looked.fact is None
    assert looked.reason.startswith("cannot be measured: ")
    assert fares.serving("fares").challenger == challenger
    assert isinstance(look_at_rollout("fares", NOON + 2 * DAY).fact, RolloutAborted)


def test_a_look_that_cannot_be_kept_is_taken_all_the_same(fares: Home, challenger: str) -> None:
    (load_settings().var / "rollouts").write_text("no folder")
    assert isinstance(look_at_rollout("fares", NOON + 2 * DAY).fact, RolloutAborted)
    assert fares.serving("fares").challenger is None
    assert last_look("fares") is None


def test_a_rollback_ends_the_rollout_too(fares: Home, champion: str, challenger: str) -> None:
    say_to_rollout("fares", Act.ABORT, "not yet", NOON + DAY)
    change_section(fares.models, "fares", "rollout", None)
    second = train(fares, "distance_km", "tariff", "luggage", now=NOON + 2 * DAY)
    assert fares.serving("fares").champion == second
    change_section(fares.models, "fares", "rollout", ROLLOUT)
    fares.rewrite("fares", 'comparison = "superior"', 'comparison = "non_inferior"')
    fares.rewrite("fares", "margin = 0.0\n", "margin = 0.5\n")
    third = train(fares, "distance_km", "tariff", "luggage", "noise", now=NOON + 3 * DAY)
    assert fares.serving("fares").challenger == third
    roll_back("fares", "it overcharges", NOON + 3 * DAY)
    publish_model_pointer("fares", NOON + 3 * DAY)
    assert arms() == (Arm(champion, ArmRole.ANSWER, 100),)
    assert fares.ledger.rollout("fares").phase is Phase.IDLE
    verify_everything()


def test_going_back_offline_while_a_challenger_answers_more_than_the_champion_withdraws_the_champion(
    fares: Home, champion: str
) -> None:
    change_section(fares.models, "fares", "rollout", None)
    second = train(fares, "distance_km", "tariff", now=NOON + DAY)
    change_section(fares.models, "fares", "rollout", {**ROLLOUT, "weights": [80]})
    third = train(fares, "distance_km", "tariff", "luggage", now=NOON + 2 * DAY)
    answer_some(fares)
    assert arms()[1] == Arm(third, ArmRole.ANSWER, 80)
    made = roll_back_offline("fares", "both are wrong", NOON + 2 * DAY)
    assert (made.digest, made.withdrawn) == (champion, second)
    enter_offline_rollbacks("fares", NOON + 2 * DAY)
    [adopted] = fares.facts("fares", ChampionRolledBack)
    assert isinstance(adopted, ChampionRolledBack)
    assert adopted.withdrawn == second
    assert fares.ledger.rollout("fares").phase is Phase.IDLE
    assert fares.serving("fares").champion == champion
    verify_everything()


def test_who_pauses_the_model_gets_no_new_champion_meanwhile(fares: Home, challenger: str) -> None:
    answer_some(fares)
    train(fares, "distance_km", "tariff", "luggage", now=NOON + DAY)
    pause_model("fares", "the fair is on", NOON + DAY)
    assert look_at_rollout("fares", NOON + 2 * DAY).fact is None
    assert fares.serving("fares").challenger == challenger
    say_to_rollout("fares", Act.ABORT, "it smells", NOON + 2 * DAY)
    assert look_at_rollout("fares", NOON + 2 * DAY).fact is None
    assert find_pending("fares") is not None
    assert fares.serving("fares").challenger is None


def test_what_a_person_says_is_recorded_with_who_and_why_and_needs_a_reason(
    fares: Home, challenger: str
) -> None:
    with pytest.raises(MissingReasonError):
        say_to_rollout("fares", Act.PAUSE, "  ", NOON + DAY)
    with pytest.raises(StaleGenerationError):
        say_to_rollout("fares", Act.ABORT, "it smells", NOON + DAY, "bob", seen=1)
    assert say_to_rollout("fares", Act.APPROVE, "go", NOON + DAY).fact is None
    assert say_to_rollout("fares", Act.RESUME, "go", NOON + DAY).fact is None
    say_to_rollout("fares", Act.PAUSE, "the fair is on", NOON + DAY, "bob")
    entry = fares.ledger.last("fares", RolloutPaused)
    assert entry is not None
    assert (entry.actor, entry.fact) == ("bob", RolloutPaused(challenger, "the fair is on"))
    assert rollout_status("fares").rollout.paused == "the fair is on"
    say_to_rollout("fares", Act.RESUME, "it is over", NOON + 2 * DAY)
    assert rollout_status("fares").ends_at == NOON + 2 * DAY + 120 * MINUTE
