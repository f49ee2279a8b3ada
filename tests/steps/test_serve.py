"""What serves changes in the ledger first, and goes back through its history."""

from datetime import timedelta

import pytest

from millrace.adapters.bundle import CorruptBundleError
from millrace.adapters.channel import bundles_folder, read_pointer
from millrace.adapters.keys import verify
from millrace.domain.facts import ChampionRolledBack
from millrace.domain.pointer import ArmRole
from millrace.domain.serving import NothingToRollBackToError
from millrace.settings import load_settings
from millrace.steps.serve import publish_model_pointer, roll_back
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

ABC = (("distance_km",), ("distance_km", "tariff"), ("distance_km", "tariff", "luggage"))
"""Each of them is better than the one before."""


@pytest.fixture
def three_champions(fares: Home) -> tuple[str, str, str]:
    take_in("fares", NOON)
    a, b, c = (crown(fares, number, *columns) for number, columns in enumerate(ABC))
    return a, b, c


def crown(home: Home, day: int, *columns: str) -> str:
    home.learn_from("fares", *columns)
    judged = retrain("fares", NOON + timedelta(days=day)).judged
    assert judged is not None
    assert home.serving("fares").champion == judged.digest
    return judged.digest


def test_two_rollbacks_go_back_two_champions(fares: Home, three_champions: tuple[str, str, str]) -> None:
    a, b, c = three_champions
    first, second = roll_back("fares", "C overcharges", NOON), roll_back("fares", "B too", NOON)
    assert (first.digest, first.withdrawn) == (b, c)
    assert (second.digest, second.withdrawn) == (a, b)
    assert fares.serving("fares").champion == a
    assert fares.serving("fares").generation == 5


def test_a_rollback_before_the_first_champion_says_so_and_changes_nothing(
    fares: Home, three_champions: tuple[str, str, str]
) -> None:
    for _ in range(2):
        roll_back("fares", "by hand", NOON)
    before = fares.kinds("fares"), fares.serving("fares")
    with pytest.raises(NothingToRollBackToError, match=r"is its first\. `millrace history fares`"):
        roll_back("fares", "by hand", NOON)
    assert (fares.kinds("fares"), fares.serving("fares")) == before


def test_without_a_champion_there_is_nothing_to_roll_back_to(fares: Home) -> None:
    with pytest.raises(NothingToRollBackToError, match="it has no champion"):
        roll_back("fares", "by hand", NOON)


def test_what_was_withdrawn_never_answers_again_by_a_rollback(
    fares: Home, three_champions: tuple[str, str, str]
) -> None:
    a, b, c = three_champions
    roll_back("fares", "C overcharges", NOON)
    fares.rewrite("fares", "seed = 7", "seed = 8")
    again = crown(fares, 9, *ABC[2])
    assert again not in three_champions
    digests = [roll_back("fares", "by hand", NOON).digest for _ in range(2)]
    assert digests == [b, a]
    assert c not in digests


def test_the_reason_of_a_rollback_is_in_the_ledger(
    fares: Home, three_champions: tuple[str, str, str]
) -> None:
    roll_back("fares", "answers 1.0 for every ride", NOON)
    [fact] = fares.facts("fares", ChampionRolledBack)
    assert isinstance(fact, ChampionRolledBack)
    assert fact.reason == "answers 1.0 for every ride"


def test_a_rollback_to_bytes_that_have_rotted_is_refused(
    fares: Home, three_champions: tuple[str, str, str]
) -> None:
    _, b, c = three_champions
    profile = bundles_folder(load_settings().channel) / b / "profile.json"
    profile.chmod(0o644)
    profile.write_bytes(profile.read_bytes() + b" ")
    with pytest.raises(CorruptBundleError, match=r"profile\.json"):
        roll_back("fares", "by hand", NOON)
    assert fares.serving("fares").champion == c
    assert fares.facts("fares", ChampionRolledBack) == []


def test_the_pointer_says_what_answers_since_which_ledger_entry(
    fares: Home, three_champions: tuple[str, str, str]
) -> None:
    _, b, _ = three_champions
    roll_back("fares", "by hand", NOON)
    publish_model_pointer("fares")
    settings = load_settings()
    pointer = read_pointer(settings.channel, "fares", lambda *signed: verify(settings.keys, *signed))
    entry = fares.ledger.last("fares", ChampionRolledBack)
    assert pointer is not None
    assert entry is not None
    assert [(arm.digest, arm.role, arm.weight) for arm in pointer.arms] == [(b, ArmRole.ANSWER, 100)]
    assert (pointer.generation, pointer.ledger_head) == (4, entry.hash)


def test_golden_is_held_against_the_best_champion_that_still_stands(
    fares: Home, three_champions: tuple[str, str, str]
) -> None:
    """A champion that was withdrawn is no bar: it may have been withdrawn for being too good to be true."""
    roll_back("fares", "it knew the answer", NOON)
    fares.learn_from("fares", "distance_km", "tariff", "noise")
    judged = retrain("fares", NOON + timedelta(days=9)).judged
    assert judged is not None
    golden = next(verdict for verdict in judged.verdicts if verdict.rule == "golden_best")
    assert judged.losses["golden"]["best"] == pytest.approx(judged.losses["golden"]["champion"])
    assert golden.outcome == "pass"
