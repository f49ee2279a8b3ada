"""A challenger answers only after it proved itself against the one that answers now."""

from datetime import timedelta

import pytest

from millrace.adapters.bundle import read_manifest
from millrace.adapters.channel import bundles_folder, read_pointer
from millrace.adapters.keys import verify
from millrace.adapters.ledger import StaleGenerationError
from millrace.domain.decision import Reason
from millrace.domain.facts import ChallengerJudged, ChampionPromoted
from millrace.domain.verdict import Outcome
from millrace.settings import load_settings
from millrace.steps.claims import held, take_claim
from millrace.steps.decide import decide_retraining
from millrace.steps.gate import judge_challenger
from millrace.steps.rollout import start_rollout
from millrace.steps.rows import load_rows
from millrace.steps.serve import roll_back
from millrace.steps.train import train_challenger
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

DAY = timedelta(days=1)


@pytest.fixture
def champion(fares: Home) -> str:
    """A champion that knows distance and tariff: it errs by 8, of the luggage it does not know."""
    take_in("fares", NOON)
    fares.learn_from("fares", "distance_km", "tariff")
    retrain("fares", NOON)
    digest = fares.serving("fares").champion
    assert digest is not None
    return digest


def challenge(home: Home, *columns: str, days: int = 1) -> ChallengerJudged:
    home.learn_from("fares", *columns)
    judged = retrain("fares", NOON + days * DAY).judged
    assert judged is not None
    return judged


def published(model: str) -> str | None:
    settings = load_settings()
    pointer = read_pointer(settings.channel, model, lambda *signed: verify(settings.keys, *signed))
    return pointer.arms[0].digest if pointer else None


def test_a_better_challenger_wins_and_is_published(fares: Home, champion: str) -> None:
    judged = challenge(fares, "distance_km", "tariff", "luggage")
    assert judged.outcome is Outcome.PASS
    assert judged.champion == champion
    assert fares.serving("fares").champion == judged.digest == published("fares")
    assert fares.serving("fares").previous == champion


@pytest.mark.parametrize("columns", [("distance_km",), ("noise",), ("noise", "luggage")])
def test_a_worse_challenger_never_wins_and_leaves_a_record(
    fares: Home, champion: str, columns: tuple[str, ...]
) -> None:
    judged = challenge(fares, *columns)
    assert judged.outcome is Outcome.FAIL
    assert judged.reason.startswith("recent_champion: MAE ")
    assert fares.serving("fares").champion == champion == published("fares")
    assert fares.facts("fares", ChallengerJudged)[-1] == judged


def test_an_equal_challenger_does_not_replace_the_champion(fares: Home, champion: str) -> None:
    judged = challenge(fares, "distance_km", "tariff", "noise")
    assert judged.outcome is not Outcome.PASS
    assert fares.serving("fares").champion == champion


def test_the_champion_is_scored_in_the_same_run_on_the_same_rows(fares: Home, champion: str) -> None:
    judged = challenge(fares, "distance_km")
    stored = fares.facts("fares", ChallengerJudged)[0]
    assert isinstance(stored, ChallengerJudged)
    assert judged.losses["recent"]["champion"] == pytest.approx(stored.losses["recent"]["challenger"])
    take_in("fares", NOON + 40 * DAY)
    fares.learn_from("fares", "noise")
    later = retrain("fares", NOON + 40 * DAY).judged
    assert later is not None
    assert later.recent_set != judged.recent_set
    assert later.losses["recent"]["champion"] != pytest.approx(judged.losses["recent"]["champion"], abs=1e-9)


def test_the_first_model_must_clear_the_floors(fares: Home) -> None:
    take_in("fares", NOON)
    fares.learn_from("fares", "luggage")
    judged = retrain("fares", NOON).judged
    assert judged is not None
    assert judged.outcome is Outcome.FAIL
    assert judged.reason.startswith("floors: MAE ")
    assert judged.reason.endswith("needed at most 12")
    assert fares.serving("fares").champion is None
    assert published("fares") is None


def test_the_first_model_must_beat_one_answer_for_all(fares: Home) -> None:
    take_in("fares", NOON)
    fares.rewrite("fares", "mae = 12.0", "mae = 100.0")
    fares.learn_from("fares", "noise")
    judged = retrain("fares", NOON).judged
    assert judged is not None
    assert judged.outcome is not Outcome.PASS
    assert judged.reason.startswith("constant: MAE ")


@pytest.mark.parametrize("model", ["progression", "fares"])
def test_the_first_champion_answers_from_the_very_bundle_that_was_judged(fares: Home, model: str) -> None:
    take_in(model, NOON)
    result = retrain(model, NOON)
    assert result.trained is not None
    assert result.judged is not None
    assert result.judged.outcome is Outcome.PASS
    [promoted] = fares.facts(model, ChampionPromoted)
    assert isinstance(promoted, ChampionPromoted)
    digests = {result.trained.digest, result.judged.digest, promoted.digest, published(model)}
    assert len(digests) == 1


def test_a_challenger_that_was_judged_against_a_champion_that_is_gone_changes_nothing(
    fares: Home, champion: str
) -> None:
    best = challenge(fares, "distance_km", "tariff", "luggage")
    fares.learn_from("fares", "distance_km", "tariff", "luggage", "noise")
    fares.rewrite("fares", 'comparison = "superior"', 'comparison = "non_inferior"')
    fares.rewrite("fares", "margin = 0.0\n", "margin = 0.5\n")
    with pytest.raises(StaleGenerationError, match="decided from generation 2, but generation 3 serves now"):
        retrain_while_someone_rolls_back(fares)
    assert fares.serving("fares").champion == champion
    assert len(fares.facts("fares", ChampionPromoted)) == 2
    taken_up = retrain("fares", NOON + 2 * DAY)
    assert taken_up.judged is not None
    assert taken_up.judged.champion == champion
    assert taken_up.judged.generation == 3
    assert fares.serving("fares").champion == taken_up.judged.digest != best.digest


def retrain_while_someone_rolls_back(home: Home) -> None:
    """Retrain; between judgement and promotion a person rolls back."""
    now = NOON + 2 * DAY
    decided = decide_retraining("fares", Reason.BY_HAND, False, now, "a run")
    assert decided.claim is not None
    with held(decided.claim) as claim:
        rows = load_rows("fares", decided.decision.inputs.dataset, now)
        trained = train_challenger("fares", rows, decided.decision, claim, now, lambda *_: None)
        judged = judge_challenger("fares", rows, trained, claim, now)
        assert judged.outcome is Outcome.PASS
        roll_back("fares", "it answers nonsense", now)
        start_rollout("fares", judged, claim, now)


def test_only_a_pass_can_be_promoted(fares: Home, champion: str) -> None:
    judged = challenge(fares, "noise")
    with pytest.raises(ValueError, match="only a pass begins a rollout, not fail"):
        start_rollout("fares", judged, take_claim("by hand", "a run"), NOON)
    assert fares.serving("fares").champion == champion


def test_a_second_look_at_a_recent_set_asks_for_more_confidence(fares: Home, champion: str) -> None:
    first = challenge(fares, "distance_km", "tariff", "noise")
    second = challenge(fares, "distance_km", "luggage", days=2)
    assert first.recent_set == second.recent_set
    confidences = [judged.reason.split("(")[1].split(" %")[0] for judged in (first, second)]
    assert confidences == ["99.17", "99.58"]


def test_at_max_looks_the_gate_asks_for_a_new_golden_set(fares: Home, champion: str) -> None:
    fares.rewrite("fares", "max_looks = 50", "max_looks = 1")
    judged = challenge(fares, "distance_km", "tariff", "luggage")
    assert judged.outcome is Outcome.INCONCLUSIVE
    assert judged.reason == (
        "golden_looks: golden set looked at 1 of 1 times; renew it with millrace golden renew"
    )
    assert fares.serving("fares").champion == champion


def test_same_inputs_give_the_same_manifest_in_another_installation(
    fares: Home, champion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(bundles_folder(load_settings().channel) / champion)
    monkeypatch.setenv("MILLRACE_HOME", str(fares.path.with_name("other-home")))
    take_in("fares", NOON)
    retrain("fares", NOON)
    again = fares.serving("fares").champion
    assert again == champion
    assert read_manifest(bundles_folder(load_settings().channel) / champion) == manifest
