"""Is another golden set an act that is recorded, with a history that stays comparable?"""

from datetime import date, timedelta

import pytest

from millrace.adapters.bundle import read_manifest
from millrace.adapters.channel import bundles_folder
from millrace.domain.blocks import hashed_share
from millrace.domain.facts import Action, ChallengerJudged, GoldenPolicy, GoldenRenewed
from millrace.domain.narration import tell
from millrace.domain.verdict import Outcome
from millrace.errors import MissingReasonError
from millrace.settings import load_settings
from millrace.steps.claims import take_claim
from millrace.steps.dataset import current_dataset
from millrace.steps.golden import (
    GoldenInUseError,
    NewGoldenTooSmallError,
    SpentGoldenError,
    renew_golden,
    show_golden,
)
from millrace.steps.rows import load_rows
from millrace.steps.stores import ledger, model_config
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

DAY = timedelta(days=1)
FIRST, SECOND = GoldenPolicy(0.4, "2013-03-01"), GoldenPolicy(0.4, "2013-04-01", 1)


@pytest.fixture
def champion(fares: Home) -> str:
    take_in("fares", NOON)
    fares.learn_from("fares", "distance_km", "tariff")
    retrain("fares", NOON)
    digest = fares.serving("fares").champion
    assert digest is not None
    return digest


def challenge(home: Home, *columns: str, days: int) -> ChallengerJudged:
    home.learn_from("fares", *columns)
    judged = retrain("fares", NOON + days * DAY).judged
    assert judged is not None
    return judged


def renew(reason: str = "worn out", until: date | None = date(2013, 4, 1)) -> GoldenRenewed:
    return renew_golden("fares", reason, None, until, NOON + DAY)


def learned_blocks(digest: str) -> frozenset[str]:
    return frozenset(read_manifest(bundles_folder(load_settings().channel) / digest).training_blocks)


def test_a_renewal_judges_the_champion_on_both_sets_and_writes_the_new_one(
    fares: Home, champion: str
) -> None:
    before = model_text()
    fact = renew()
    assert (fact.old, fact.new, fact.looks) == (FIRST, SECOND, 1)
    assert (fact.champion, fact.best, fact.metric) == (champion, champion, "mae")
    # the fact has what the gate said then of the same bundle on the same rows
    judged = next(e.fact for e in ledger().entries("fares") if isinstance(e.fact, ChallengerJudged))
    assert fact.old_set == judged.golden_set != fact.new_set
    assert fact.losses["old"]["champion"] == judged.losses["golden"]["challenger"]
    assert fact.losses["new"] == pytest.approx(fact.losses["old"], rel=0.3)
    assert fact.losses["new"] != fact.losses["old"]
    assert model_config("fares").golden.generation == 1
    assert model_text() == before.replace("until = 2013-03-01", "until = 2013-04-01").replace(
        "2013-04-01\n", "2013-04-01\ngeneration = 1\n"
    )
    assert tell(fact) == (
        "golden set renewed after 1 look, share 0.4 of the blocks before 2013-04-01, generation 1: worn out"
    )


def model_text() -> str:
    return (load_settings().models / "fares" / "model.toml").read_text("utf-8")


def test_what_a_champion_learned_from_does_not_judge_it_on_the_new_set(fares: Home, champion: str) -> None:
    fact = renew()
    rows = load_rows("fares", current_dataset("fares").version, NOON + DAY)
    golden = rows.golden.block_names
    learned = golden & learned_blocks(champion)
    assert learned
    assert fact.new_blocks == len(golden - learned)
    assert all(hashed_share("golden:fares:1", block) < 0.4 for block in golden)
    # the next training keeps off all of it
    judged = challenge(fares, "distance_km", "tariff", "luggage", days=2)
    assert not learned_blocks(judged.digest) & golden


def test_looks_are_counted_from_the_renewal_on_and_the_best_is_found_on_the_new_set(
    fares: Home, champion: str
) -> None:
    fares.rewrite("fares", "max_looks = 50", "max_looks = 2")
    challenge(fares, "distance_km", "tariff", "noise", days=1)
    worn = challenge(fares, "distance_km", "tariff", "luggage", days=2)
    assert worn.reason.startswith("golden_looks: golden set looked at 2 of 2 times; renew it with")
    assert show_golden("fares").looks == 3
    fact = renew()
    assert fact.looks == 3
    assert show_golden("fares").looks == 0
    better = challenge(fares, "distance_km", "tariff", "luggage", days=3)
    told = {verdict.rule: verdict for verdict in better.verdicts}
    assert told["golden_looks"].reason == "golden set looked at 0 of 2 times"
    # the champion's loss in the verdict is that of the renewal: the same rows, the same bundle
    assert better.golden_set == fact.new_set
    assert better.losses["golden"]["best"] == fact.losses["new"]["champion"]
    assert better.outcome is Outcome.PASS
    assert show_golden("fares").looks == 1


def test_every_judgement_since_a_renewal_is_a_look_whichever_blocks_judged(
    fares: Home, champion: str
) -> None:
    renew()
    first = challenge(fares, "distance_km", "tariff", "luggage", days=2)
    second = challenge(fares, "distance_km", "tariff", "luggage", "noise", days=3)
    # the new champion has kept off the new golden rows, so more of them judge
    assert first.golden_set != second.golden_set
    assert {v.rule: v.reason for v in second.verdicts}["golden_looks"].startswith("golden set looked at 1 of")


def test_a_golden_set_that_was_changed_by_hand_is_undecided_until_it_is_recorded(
    fares: Home, champion: str
) -> None:
    fares.rewrite("fares", "until = 2013-03-01", "until = 2013-04-01\ngeneration = 6")
    judged = challenge(fares, "distance_km", "tariff", "luggage", days=1)
    assert judged.outcome is Outcome.INCONCLUSIVE
    told = {verdict.rule: verdict for verdict in judged.verdicts}["golden_looks"]
    assert told.outcome is Outcome.INCONCLUSIVE
    assert told.reason == (
        "[golden] of model.toml is share 0.4 of the blocks before 2013-04-01, generation 6; recorded is "
        "share 0.4 of the blocks before 2013-03-01, generation 0: record it with millrace golden renew"
    )
    assert show_golden("fares").unrecorded
    fact = renew_golden("fares", "by hand", None, None, NOON + DAY)
    assert (fact.old, fact.new) == (FIRST, GoldenPolicy(0.4, "2013-04-01", 7))
    assert not show_golden("fares").unrecorded
    # nothing else has changed, and the training is another one all the same: it is judged on the new rows
    result = retrain("fares", NOON + 2 * DAY, force=True)
    assert result.decision.action is Action.TRAIN, result.decision.reason
    again = result.judged
    assert again is not None
    assert (again.run_key, again.golden_set) != (judged.run_key, judged.golden_set)
    assert again.outcome is Outcome.PASS


def test_a_renewal_of_a_set_changed_by_hand_that_died_before_it_wrote_is_only_written(
    fares: Home, champion: str
) -> None:
    fares.rewrite("fares", "until = 2013-03-01", "until = 2013-04-01\ngeneration = 7")
    before = model_text()
    fact = renew_golden("fares", "by hand", 0.41, None, NOON + DAY)
    (load_settings().models / "fares" / "model.toml").write_text(before, "utf-8")
    assert renew_golden("fares", "again", None, None, NOON + DAY) == fact
    assert show_golden("fares").policy == fact.new == GoldenPolicy(0.41, "2013-04-01", 8)


def test_looks_are_not_forgotten_by_another_share_of_the_same_blocks(fares: Home, champion: str) -> None:
    fares.rewrite("fares", "share = 0.4", "share = 0.41")
    challenge(fares, "distance_km", "tariff", "noise", days=1)
    assert show_golden("fares").looks == 2
    # of these days all that no champion has learned from is what judged before
    with pytest.raises(SpentGoldenError, match="no block that the old one did not judge on too"):
        renew_golden("fares", "worn out", 0.99, date(2013, 2, 15), NOON + DAY)
    assert show_golden("fares").looks == 2
    fact = renew()
    assert fact.new == GoldenPolicy(0.41, "2013-04-01", 1)
    assert fact.old_set != fact.new_set
    assert show_golden("fares").looks == 0


def test_a_renewal_that_died_before_it_wrote_is_only_written(fares: Home, champion: str) -> None:
    before = model_text()
    fact = renew()
    (load_settings().models / "fares" / "model.toml").write_text(before, "utf-8")
    assert renew_golden("fares", "again", None, None, NOON + DAY) == fact
    assert model_config("fares").golden.generation == 1
    assert show_golden("fares").renewals == (fact,)


def test_a_set_that_was_golden_before_is_not_taken_again(fares: Home, champion: str) -> None:
    renew()
    renew("again", None)
    fares.rewrite("fares", "generation = 2", "generation = 1")
    renewed = show_golden("fares").renewals
    assert [one.new.generation for one in renewed] == [1, 2]
    # what is in model.toml is what the last renewal came from: it is taken for a write that was lost
    assert renew_golden("fares", "back", None, None, NOON + DAY) == renewed[-1]
    fares.rewrite("fares", "generation = 2", "generation = 0")
    assert renew_golden("fares", "back", None, None, NOON + DAY).new == GoldenPolicy(0.4, "2013-04-01", 3)


def test_a_new_set_that_the_champion_has_mostly_learned_from_is_refused_and_nothing_changes(
    fares: Home, champion: str
) -> None:
    fares.rewrite("fares", "min_blocks = 14", "min_blocks = 40")
    before = model_text()
    with pytest.raises(NewGoldenTooSmallError, match=r"blocks that neither .* needed are 40. Give a later"):
        renew(until=None)
    assert model_text() == before
    assert show_golden("fares").renewals == ()


def test_a_renewal_needs_a_reason_and_waits_for_a_training(fares: Home, champion: str) -> None:
    with pytest.raises(MissingReasonError, match="a renewal of the golden set needs a reason"):
        renew(" ")
    take_claim("retrain:fares:key", "a run")
    with pytest.raises(GoldenInUseError, match="a training of fares is under way"):
        renew()


def test_a_model_without_a_champion_has_nothing_to_judge_and_still_a_record(fares: Home) -> None:
    take_in("fares", NOON)
    fact = renew()
    assert (fact.champion, fact.losses, fact.new) == (None, {}, SECOND)
    assert show_golden("fares").renewals == (fact,)
