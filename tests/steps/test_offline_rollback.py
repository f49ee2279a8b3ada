"""A rollback in the channel alone is followed at once, and the ledger learns of it whatever happens."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from flows.controller import mirrors
from flows.controller.pace import Pace
from flows.controller.telling import Teller
from millrace.adapters.bundle import CorruptBundleError
from millrace.adapters.channel import bundles_folder, publish_pointer, read_pointer
from millrace.adapters.keys import ensure_keys, sign, verify
from millrace.adapters.ledger import StaleGenerationError
from millrace.domain.facts import (
    CHAMPION_KINDS,
    ChallengerJudged,
    ChampionRolledBack,
    OfflineRollbackOvertaken,
)
from millrace.domain.offline_rollback import NoEarlierChampionNamedError
from millrace.domain.pointer import Pointer
from millrace.domain.serving import plan_promotion, standing_champions
from millrace.domain.verdict import Outcome
from millrace.errors import MissingReasonError
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.alerts import list_due_alerts
from millrace.steps.audit import verify_everything
from millrace.steps.claims import take_claim
from millrace.steps.doctor import Health, examine
from millrace.steps.offline_rollback import NeverPublishedError, roll_back_offline
from millrace.steps.reconcile import find_trouble, reconcile_model
from millrace.steps.rollout import start_rollout
from millrace.steps.serve import publish_model_pointer, roll_back
from millrace.steps.status import list_status
from millrace.steps.stores import ledger
from tests.conftest import NOON
from tests.faults.pauses import paused_at, wait_for
from tests.serving.crowning import enter_installation, promote
from tests.serving.service import ServiceHome
from tests.serving.under_load import MODEL, edition

CHANGE_SERVING = "millrace.adapters.ledger.ledger:Ledger.change_serving"
PUBLISH = "millrace.steps.serve:publish_pointer"
DIE_AT = """
from tests.faults.points import Point, When
from tests.conftest import NOON
from millrace.steps.reconcile import reconcile_model
Point("here", {function!r}, When.{when}).arm()
reconcile_model({model!r}, "one that dies", NOON)
"""


@dataclass
class Three:
    """An installation in which a, b and then c were promoted; services were told of all three."""

    flights: ServiceHome
    a: str
    b: str
    c: str


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue_template: Path) -> Three:
    flights = enter_installation(tmp_path, monkeypatch)
    monkeypatch.setenv("MILLRACE_ACTOR", "ada")
    shutil.copyfile(catalogue_template, flights.path / "var" / "catalogue.sqlite")
    digests = [flights.add(MODEL, edition(number)) for number in (1, 2, 3)]
    for digest in digests:
        promote(digest)
    return Three(flights, *digests)


def told() -> Pointer:
    settings = load_settings()
    pointer = read_pointer(settings.channel, MODEL, partial(verify, settings.keys))
    assert pointer is not None
    return pointer


def tell(pointer: Pointer, keys: Path | None = None) -> None:
    settings = load_settings()
    publish_pointer(settings.channel, pointer, partial(sign, keys or settings.keys))


def crown_unpublished(digest: str) -> None:
    """Promote in the ledger, as a run that is killed before it publishes does."""
    fact = plan_promotion(ledger().serving(MODEL), digest, "passed")
    ledger().change_serving(MODEL, fact, NOON, "a run", fact.generation - 1)


def reconcile() -> list[str]:
    return [repaired.found for repaired in reconcile_model(MODEL, "by hand", NOON).repaired]


def standing() -> tuple[str, ...]:
    return standing_champions(entry.fact for entry in ledger().entries(MODEL, CHAMPION_KINDS))


def entries_of(kind: type) -> list[str]:
    """Name who made each entry of a kind."""
    return [entry.actor for entry in ledger().entries(MODEL, (kind,))]


def test_the_pointer_goes_back_and_the_ledger_stays_as_it_was(three: Three) -> None:
    before, head = told(), ledger().head()
    made = roll_back_offline(MODEL, "C overcharges", NOON)
    assert (made.digest, made.withdrawn, made.actor) == (three.b, three.c, "ada")
    assert (told().champion, told().previous, told().offline) == (three.b, (three.a,), (made,))
    assert told().order > before.order
    assert ledger().head() == head


def test_reconcile_adopts_it_with_who_and_why_and_has_nothing_to_say_afterwards(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    roll_back_offline(MODEL, "C overcharges", NOON)
    offline = told()
    monkeypatch.setenv("MILLRACE_ACTOR", "the controller")
    assert reconcile() == [f"an offline rollback by ada to {three.b[:12]}, now adopted"]
    [entry] = ledger().entries(MODEL, (ChampionRolledBack,))
    reason = "offline at 2013-04-01 12:00 UTC: C overcharges"
    assert entry.actor == "ada"
    assert entry.fact == ChampionRolledBack(three.b, three.c, 5, reason, 4)
    assert (told().generation, told().ledger_head, told().offline) == (5, entry.hash, ())
    assert told().order > offline.order
    assert [alert.title for _, alert in list_due_alerts(MODEL)] == [f"{MODEL}: rolled back to {three.b[:12]}"]
    assert reconcile() == []
    verify_everything()


def test_the_next_rollback_goes_on_from_it_and_what_was_withdrawn_never_returns(three: Three) -> None:
    roll_back_offline(MODEL, "C overcharges", NOON)
    reconcile()
    assert roll_back(MODEL, "B too", NOON).digest == three.a
    assert standing() == (three.a,)


def test_a_rollback_before_anybody_reconciled_enters_the_offline_one_first(three: Three) -> None:
    roll_back_offline(MODEL, "C overcharges", NOON)
    assert roll_back(MODEL, "B too", NOON).digest == three.a
    publish_model_pointer(MODEL, NOON)
    assert (told().champion, told().offline) == (three.a, ())
    assert entries_of(ChampionRolledBack) == ["ada", "ada"]


def test_two_in_a_row_are_two_entries(three: Three) -> None:
    for reason in ("C overcharges", "B too"):
        roll_back_offline(MODEL, reason, NOON)
    assert told().champion == three.a
    reconcile()
    facts = [entry.fact for entry in ledger().entries(MODEL, (ChampionRolledBack,))]
    assert [(fact.withdrawn, fact.generation) for fact in facts if isinstance(fact, ChampionRolledBack)] == [
        (three.c, 6),
        (three.b, 7),
    ]
    assert (standing(), told().champion) == ((three.a,), three.a)
    assert reconcile() == []


def test_a_third_in_a_row_has_nothing_to_go_back_to(three: Three) -> None:
    for _ in range(2):
        roll_back_offline(MODEL, "by hand", NOON)
    before = told()
    with pytest.raises(NoEarlierChampionNamedError, match=f"before {three.a[:12]}"):
        roll_back_offline(MODEL, "by hand", NOON)
    assert told() == before


def test_bytes_that_have_rotted_are_refused_before_anything_is_written(three: Three) -> None:
    profile = bundles_folder(load_settings().channel) / three.b / "profile.json"
    profile.chmod(0o644)
    profile.write_bytes(profile.read_bytes() + b" ")
    with pytest.raises(CorruptBundleError, match=r"profile\.json"):
        roll_back_offline(MODEL, "by hand", NOON)
    assert told().champion == three.c


def test_without_a_reason_or_a_pointer_nothing_happens(three: Three) -> None:
    with pytest.raises(MissingReasonError, match="a rollback needs a reason"):
        roll_back_offline(MODEL, "  ", NOON)
    with pytest.raises(NeverPublishedError, match=f"no pointer of 'fligths'.* Published are: {MODEL}"):
        roll_back_offline("fligths", "by hand", NOON)
    assert told().champion == three.c


def test_until_it_is_entered_doctor_and_status_say_so_and_the_audit_finds_nothing_wrong(three: Three) -> None:
    roll_back_offline(MODEL, "C overcharges", NOON)
    waits = f"an offline rollback by ada to {three.b[:12]} waits to be entered"
    assert find_trouble(MODEL) == waits
    [status] = list_status(MODEL)
    assert status.offline == waits
    [pointers] = [finding for finding in examine() if finding.subject == "pointers"]
    assert (pointers.health, pointers.finding) == (
        Health.WRONG,
        f"{MODEL}: {waits}. Run `millrace reconcile`",
    )
    verify_everything()
    reconcile()
    assert find_trouble(MODEL) is None
    assert list_status(MODEL)[0].offline is None


def test_a_champion_that_was_promoted_meanwhile_stays_and_people_are_told(three: Three) -> None:
    d = three.flights.add(MODEL, edition(4))
    crown_unpublished(d)
    roll_back_offline(MODEL, "C overcharges", NOON)
    offline = told()
    finding = f"{d[:12]} had taken its place in the ledger"
    assert reconcile() == [f"an offline rollback by ada to {three.b[:12]}, not adopted: {finding}"]
    assert entries_of(OfflineRollbackOvertaken) == ["ada"]
    assert entries_of(ChampionRolledBack) == []
    assert (told().champion, told().generation) == (d, 5)
    assert told().order > offline.order
    [(_, alert)] = list_due_alerts(MODEL)
    assert alert.title == f"{MODEL}: an offline rollback was not adopted"
    assert finding in alert.body
    assert reconcile() == []
    verify_everything()
    assert roll_back(MODEL, "D too", NOON).digest == three.b
    assert standing() == (three.a, three.b)


def test_a_challenger_judged_against_the_withdrawn_champion_is_not_promoted_over_it(three: Three) -> None:
    d = three.flights.add(MODEL, edition(4))
    judged = ChallengerJudged("run", d, three.c, Outcome.PASS, "better", (), "r", "g", {}, generation=3)
    roll_back_offline(MODEL, "C overcharges", NOON)
    with pytest.raises(StaleGenerationError, match="decided from generation 3, but generation 5 serves"):
        start_rollout(MODEL, judged, take_claim("run", "a run"), NOON)
    assert ledger().serving(MODEL).champion == three.b


def test_the_controller_enters_it(three: Three, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "TROUBLE_SECONDS", 0.0)
    roll_back_offline(MODEL, "C overcharges", NOON)
    mirrors.Mirrors(Teller(), Pace()).keep_pointer(MODEL)
    assert entries_of(ChampionRolledBack) == ["ada"]
    assert (told().champion, told().generation, told().offline) == (three.b, 5, ())


@pytest.mark.parametrize(
    ("function", "when"),
    [
        (CHANGE_SERVING, "ENTERED"),
        (CHANGE_SERVING, "LEFT"),
        (PUBLISH, "ENTERED"),
        (PUBLISH, "LEFT"),
    ],
)
def test_killed_anywhere_it_is_entered_once_and_published_by_the_next(
    three: Three, function: str, when: str
) -> None:
    for reason in ("C overcharges", "B too"):
        roll_back_offline(MODEL, reason, NOON)
    code = DIE_AT.format(function=function, when=when, model=MODEL)
    died = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()
    reconcile()
    assert len(entries_of(ChampionRolledBack)) == 2
    assert entries_of(OfflineRollbackOvertaken) == []
    assert (told().champion, told().offline, standing()) == (three.a, (), (three.a,))
    assert reconcile() == []


def test_two_at_once_enter_it_once(three: Three, tmp_path: Path) -> None:
    roll_back_offline(MODEL, "C overcharges", NOON)
    with ThreadPoolExecutor() as pool:
        late = pool.submit(paused_at, CHANGE_SERVING, tmp_path, publish_model_pointer, MODEL, NOON)
        wait_for(tmp_path / "paused")
        publish_model_pointer(MODEL, NOON)
        (tmp_path / "go").touch()
        late.result()
    assert entries_of(ChampionRolledBack) == ["ada"]
    assert entries_of(OfflineRollbackOvertaken) == []
    assert told().champion == three.b
    assert find_trouble(MODEL) is None


def test_one_that_comes_between_entering_and_publishing_is_not_overwritten(
    three: Three, tmp_path: Path
) -> None:
    roll_back_offline(MODEL, "C overcharges", NOON)
    with ThreadPoolExecutor() as pool:
        writing = "millrace.steps.serve:_write_pointer"
        publishing = pool.submit(paused_at, writing, tmp_path, publish_model_pointer, MODEL, NOON)
        wait_for(tmp_path / "paused")
        roll_back_offline(MODEL, "B too", NOON)
        (tmp_path / "go").touch()
        publishing.result()
    assert entries_of(ChampionRolledBack) == ["ada", "ada"]
    assert (told().champion, told().offline, standing()) == (three.a, (), (three.a,))


def test_one_that_comes_while_the_pointer_is_written_follows_from_that_pointer(
    three: Three, tmp_path: Path
) -> None:
    crown_unpublished(three.flights.add(MODEL, edition(4)))
    with ThreadPoolExecutor() as pool:
        publishing = pool.submit(paused_at, PUBLISH, tmp_path, publish_model_pointer, MODEL, NOON)
        wait_for(tmp_path / "paused")
        going_back = pool.submit(roll_back_offline, MODEL, "D overcharges", NOON)
        wait([going_back], timeout=0.5)  # it has to wait; were it not to, it would be through by then
        (tmp_path / "go").touch()
        publishing.result()
        going_back.result()
    assert (told().champion, told().generation) == (three.c, 5)
    reconcile()
    assert standing() == (three.a, three.b, three.c)


# pointers that are not to be adopted


def test_one_that_a_stranger_signed_is_overwritten(three: Three, tmp_path: Path) -> None:
    before = told()
    roll_back_offline(MODEL, "by a stranger", NOON)
    ensure_keys(tmp_path / "stranger")
    tell(told(), tmp_path / "stranger")
    [found] = reconcile()
    assert "its signature is wrong" in found
    assert told() == before
    assert entries_of(ChampionRolledBack) == []


def test_an_unmarked_pointer_that_the_ledger_does_not_know_is_overwritten(three: Three) -> None:
    before = told()
    tell(replace(before, generation=9, arms=(replace(before.arms[0], digest=three.a),)))
    assert reconcile() == ["pointer at generation 9"]
    assert told() == before
    assert entries_of(ChampionRolledBack) == []


def test_one_that_was_entered_and_is_put_back_is_overwritten(three: Three) -> None:
    roll_back_offline(MODEL, "C overcharges", NOON)
    old = told()
    reconcile()
    promote(three.flights.add(MODEL, edition(4)))
    after = told()
    tell(old)
    reconcile()
    assert told() == after
    assert entries_of(ChampionRolledBack) == ["ada"]
    assert entries_of(OfflineRollbackOvertaken) == []


def test_a_pointer_from_before_they_named_earlier_champions_stands_until_the_next_change(
    three: Three,
) -> None:
    tell(replace(told(), previous=()))
    assert reconcile() == []
    with pytest.raises(NoEarlierChampionNamedError, match="once the ledger is up"):
        roll_back_offline(MODEL, "by hand", NOON)
    roll_back(MODEL, "C overcharges", NOON)
    publish_model_pointer(MODEL, NOON)
    assert told().previous == (three.a,)
