"""What serves changes in the ledger first, and goes back through its history."""

from datetime import timedelta

import pytest

from millrace.adapters.bundle import CorruptBundleError
from millrace.adapters.channel import bundles_folder, read_pointer
from millrace.adapters.keys import verify
from millrace.domain.facts import ChampionRolledBack, ServingConfigured
from millrace.domain.pointer import ArmRole, Durability, Pointer, ServingSettings
from millrace.domain.serving import NothingToRollBackToError
from millrace.settings import load_settings
from millrace.steps.reconcile import find_trouble, reconcile_model
from millrace.steps.serve import find_pointer_trouble, publish_model_pointer, roll_back
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
    publish_model_pointer("fares", NOON)
    settings = load_settings()
    pointer = read_pointer(settings.channel, "fares", lambda *signed: verify(settings.keys, *signed))
    entry = fares.ledger.last("fares", ChampionRolledBack)
    assert pointer is not None
    assert entry is not None
    assert [(arm.digest, arm.role, arm.weight) for arm in pointer.arms] == [(b, ArmRole.ANSWER, 100)]
    assert (pointer.generation, pointer.ledger_head) == (4, entry.hash)
    assert (pointer.revision, pointer.settings) == (entry.seq, ServingSettings())


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


# [serving] of model.toml

SERVING = """
[serving]
durability = "fast"
sticky_key = "ride"
retention = "30d"
"""


def told(home: Home) -> Pointer:
    settings = load_settings()
    pointer = read_pointer(settings.channel, "fares", lambda *signed: verify(settings.keys, *signed))
    assert pointer is not None
    return pointer


@pytest.fixture
def published(fares: Home) -> Home:
    take_in("fares", NOON)
    crown(fares, 0, *ABC[0])
    return fares


def configure(home: Home, section: str) -> None:
    with (home.models / "fares" / "model.toml").open("a") as file:
        file.write(section)


def test_without_a_section_nothing_is_recorded_and_services_get_the_defaults(published: Home) -> None:
    assert published.facts("fares", ServingConfigured) == []
    assert told(published).settings == ServingSettings()


def test_a_changed_section_is_recorded_once_and_told_at_the_same_generation(published: Home) -> None:
    before = told(published)
    configure(published, SERVING)
    assert find_pointer_trouble("fares") == "[serving] of model.toml was changed"
    for _ in range(2):
        publish_model_pointer("fares", NOON)
    wanted = ServingSettings("ride", Durability.FAST, retention_seconds=30 * 86_400.0)
    entry = published.ledger.last("fares", ServingConfigured)
    assert entry is not None
    assert published.facts("fares", ServingConfigured) == [ServingConfigured(wanted)]
    after = told(published)
    assert (after.settings, after.revision, after.ledger_head) == (wanted, entry.seq, entry.hash)
    assert after.generation == before.generation
    assert after.order > before.order
    assert find_pointer_trouble("fares") is None


def test_taking_the_section_out_again_is_a_change_too(published: Home) -> None:
    path = published.models / "fares" / "model.toml"
    without = path.read_text("utf-8")
    configure(published, SERVING)
    publish_model_pointer("fares", NOON)
    path.write_text(without, "utf-8")
    publish_model_pointer("fares", NOON)
    assert told(published).settings == ServingSettings()
    assert len(published.facts("fares", ServingConfigured)) == 2


def test_a_section_that_was_told_stays_over_promotions_and_rollbacks(published: Home) -> None:
    configure(published, SERVING)
    publish_model_pointer("fares", NOON)
    configured = told(published)
    crown(published, 1, *ABC[1])
    roll_back("fares", "by hand", NOON)
    publish_model_pointer("fares", NOON)
    entry = published.ledger.last("fares", ChampionRolledBack)
    assert entry is not None
    assert told(published).settings == configured.settings
    assert told(published).revision == entry.seq
    assert len(published.facts("fares", ServingConfigured)) == 1


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_model_file_that_cannot_be_read_keeps_no_rollback_from_the_services(
    published: Home, harm: str
) -> None:
    configure(published, SERVING)
    publish_model_pointer("fares", NOON)
    before = told(published)
    crown(published, 1, *ABC[1])
    path = published.models / "fares" / "model.toml"
    if harm == "cut":
        path.write_text("[model", "utf-8")
    else:
        path.unlink()
    roll_back("fares", "by hand", NOON)
    publish_model_pointer("fares", NOON)
    assert (told(published).arms, told(published).settings) == (before.arms, before.settings)
    assert find_pointer_trouble("fares") is None


def test_a_section_of_a_model_without_a_champion_waits_for_its_first(fares: Home) -> None:
    configure(fares, SERVING)
    publish_model_pointer("fares", NOON)
    assert fares.kinds("fares") == []
    take_in("fares", NOON)
    crown(fares, 0, *ABC[0])
    assert fares.kinds("fares")[-2:] == ["ChampionPromoted", "ServingConfigured"]
    assert told(fares).settings.sticky_key == "ride"


def test_reconcile_tells_services_of_a_changed_section(published: Home) -> None:
    configure(published, SERVING)
    assert find_trouble("fares") == "[serving] of model.toml was changed"
    configured = reconcile_model("fares", "by hand", NOON).repaired
    assert [repaired.mirror for repaired in configured if repaired.mirror != "alias"] == ["pointer"]
    assert told(published).settings.durability is Durability.FAST
    assert find_trouble("fares") is None
