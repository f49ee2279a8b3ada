"""What does the ledger promise about order and proof?"""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import msgspec
import pytest

from millrace.adapters.ledger import Ledger, StaleGenerationError
from millrace.domain.change import Change
from millrace.domain.contract import Violation
from millrace.domain.dataset import Part
from millrace.domain.facts import (
    Action,
    Agreement,
    AlertSent,
    AnswerTenth,
    ApprovalAsked,
    AttentionAsked,
    AutomationPaused,
    AutomationResumed,
    BatchAccepted,
    BatchQuarantined,
    ChallengerJudged,
    ChallengerReceived,
    ChallengerTrained,
    ChampionPromoted,
    ChampionRolledBack,
    ContractChanged,
    DatasetAdopted,
    DatasetCheckedOut,
    Decay,
    DecisionMade,
    Drift,
    Fact,
    GoldenPolicy,
    GoldenRenewed,
    Inputs,
    Level,
    MirrorRepaired,
    MonitoringDue,
    OfflineRollbackOvertaken,
    ProbationEnded,
    ReportKept,
    Reproduction,
    RolloutAborted,
    RolloutAdvanced,
    RolloutPaused,
    RolloutResumed,
    RolloutStarted,
    RowsScored,
    RuleFinding,
    RunParked,
    RunRequested,
    ServingConfigured,
    ServingFact,
    SilenceNoticed,
    SliceLevel,
    SourceAsked,
    StepApproved,
    StepFailed,
    Subject,
    VersionOffered,
    VersionRegistered,
    VersionReproduced,
    WindowMonitored,
)
from millrace.domain.facts.offers import Milestone
from millrace.domain.ledger import BrokenChainError, hash_entry, verify_chain
from millrace.domain.pointer import Durability, ServingSettings
from millrace.domain.poisoning.profile import BatchProfile, Disagreement, Opinion
from millrace.domain.rollout.evidence import ArmEvidence, Compared, Evidence
from millrace.domain.rollout.policy import Strategy
from millrace.domain.rollout.state import Phase
from millrace.domain.rollout.sums import Sums
from millrace.domain.serving import Serving
from millrace.domain.verdict import Outcome, Verdict
from tests.domain.rollout.rolling import POLICY

NOON = datetime(2013, 4, 1, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
PART = Part("a" * 64, "flüge.parquet", 27_004, 512, NOON, None)
PROFILE = BatchProfile(
    10, 9, {"0": 5, "1": 4}, 0.1, 1 / 3, (Disagreement(Opinion.BATCH, "origin", "JFK", 5, 1),)
)
INPUTS = Inputs("d1", "m1", "l1")
VERDICTS = (Verdict("errors", Outcome.FAIL, "9 of 20"),)
SEEN = Compared(ArmEvidence(40, p95=1 / 3, answers=Sums(40, 1 / 3, 0.1)), ArmEvidence(20, 9, 1, 2))
EVIDENCE = Evidence("c2", "d1", NOON, NOON + timedelta(minutes=1), 2, 1, SEEN, {"origin=JFK": SEEN}, 3)

TRAINED = ChallengerTrained(
    run_key="k",
    digest="c1",
    engine="onnx",
    baseline="c0",
    constant=1 / 3,
    inputs=INPUTS,
    rows=10,
    agreement=Agreement(10, 1e-7, 0),
    parameters={"max_iter": 100, "rate": 0.1, "l2": None, "names": ["x", "y"]},
    trials=({"number": 0, "loss": 0.25},),
    seconds=1.5,
    git_commit=None,
)
JUDGED = ChallengerJudged(
    run_key="k",
    digest="c1",
    champion=None,
    outcome=Outcome.INCONCLUSIVE,
    reason="13 blocks, 14 needed",
    verdicts=(Verdict("floor", Outcome.PASS, "auc 0.71 > 0.65"),),
    recent_set="r",
    golden_set="g",
    losses={"recent": {"challenger": 0.29}},
    generation=0,
    level=Level(
        metric="auc",
        rows=900,
        blocks=14,
        loss=0.29,
        lower=0.27,
        upper=None,
        row_loss_doubt=0.01,
        tenths=(AnswerTenth(0.5, 450, 0.25, 0.2, 0.1), AnswerTenth(None, 450, 0.75, 0.8, 0.1)),
        slices=(SliceLevel("origin=JFK", 300, 0.3, 0.25, None),),
    ),
)
ONE_OF_EACH: tuple[Fact, ...] = (
    BatchAccepted("b1", PART, "the scale was wrong, 'fixed'", 9, PROFILE, ("volume: 3 of 8 batches",)),
    BatchQuarantined(
        "b2", "b.csv", (Violation("nulls", "wind", 3, "3 nulls", ("7: None",), waivable=False),)
    ),
    DatasetAdopted((PART, PART)),
    DatasetCheckedOut("v1", (PART,)),
    DecisionMade("k", Action.TRAIN, "new rows", (RuleFinding("rows", "9 of 5", Action.TRAIN),), INPUTS),
    TRAINED,
    JUDGED,
    VersionRegistered("k", "c1", 3, "run"),
    VersionReproduced(
        "c1", "c2", Reproduction.DIFFERS, "seed", "5a1e", (Change("seed", "7", "8"), Change("x", None, 1))
    ),
    ChampionPromoted("c1", None, 1, "passed"),
    ChampionRolledBack("c0", "c1", 2, "by hand"),
    ChampionRolledBack("c0", "c1", 4, "by hand", 3),
    OfflineRollbackOvertaken("c2", "c0", "c1", 5, 3, "by hand", "c2 had taken its place"),
    VersionOffered("c2", "s3://production/channel", "two weeks without a complaint"),
    ChallengerReceived(
        "d0",
        "staging",
        JUDGED,
        TRAINED,
        (Milestone(NOON, "bob", "d0 promoted"),),
        "h" * 64,
        "it is good",
        "bob",
        NOON,
    ),
    RolloutStarted("d1", "c2", POLICY, 6, "d0", None),
    StepFailed("d1", 1, "errors 9 of 20", VERDICTS, EVIDENCE),
    RolloutPaused("d1", "the fair is on"),
    RolloutResumed("d1", "the fair is over"),
    ApprovalAsked("d1", 0, VERDICTS, EVIDENCE),
    StepApproved("d1", 0, "go on"),
    RolloutAdvanced("d1", 1, 5, 7, "all well", VERDICTS, EVIDENCE),
    RolloutAborted("d1", 8, "errors 9 of 20", VERDICTS, EVIDENCE),
    ProbationEnded("c2", 9, Outcome.INCONCLUSIVE, "no labels", VERDICTS, None),
    ServingConfigured(ServingSettings("ride", Durability.FAST, ("name",), ("address",), 86_400.5)),
    ServingConfigured(ServingSettings()),
    MirrorRepaired("alias", "c1"),
    SourceAsked(2, 30, 4),
    RowsScored("c1", "june.parquet", "d1", "d2", 12, 1),
    RunRequested("ingest:fares:inbox:1", "ingest", "arrived, flüge.parquet", 2),
    RunParked("ingest:fares:inbox:1", "ingest", 4, "arrived, flüge.parquet: still undone"),
    GoldenRenewed(
        "50 looks",
        GoldenPolicy(0.1, "2013-05-01"),
        GoldenPolicy(0.1, "2013-08-01", 1),
        50,
        "d1",
        "mae",
        "c1",
        None,
        "s1",
        "s2",
        20,
        30,
        {"old": {"champion": 1.5}, "new": {"champion": 1.25}},
    ),
    AutomationPaused("the agency resends May"),
    AutomationResumed("May is in"),
    SilenceNoticed(Subject.DATA, NOON, 604_800.0),
    SilenceNoticed(Subject.MONITORING, NOON, 7_200.0),
    WindowMonitored(
        "c1",
        NOON,
        LATER,
        NOON,
        900,
        0,
        LATER,
        NOON,
        (Verdict("data drift", Outcome.FAIL, "2 of 3"),),
        ("data drift",),
        "f1",
        share=0.67,
        excess_loss=0.1,
        drift=Drift(NOON, 2, 0.67, ("km", "temperature °C")),
        decay=Decay(NOON, 1, "mae", 1.1, 1.0),
    ),
    ReportKept(LATER, "run"),
    MonitoringDue(NOON, 5_000),
    AttentionAsked(NOON, "the challenger that learned of this drift was refused"),
    AlertSent(9),
    ContractChanged("c9", "{}", "c8", ("area.max: 40 -> 50 (looser)",), "bigger flats now"),
)


def write(ledger: Ledger, fact: Fact, model: str = "fares") -> None:
    match fact:
        case _ if isinstance(fact, ServingFact):
            seen = ledger.serving(model).generation
            ledger.change_serving(model, fact, NOON, "ann", seen)
        case _:
            ledger.append(model, fact, NOON, "ann")


def test_facts_of_every_kind_are_read_back_as_they_were_written(ledger: Ledger) -> None:
    assert {type(fact) for fact in ONE_OF_EACH} == set(get_args(Fact))
    for fact in ONE_OF_EACH:
        write(ledger, fact)
    assert tuple(entry.fact for entry in ledger.entries()) == ONE_OF_EACH


def test_what_append_returns_is_what_is_read_later(ledger: Ledger) -> None:
    loosely_typed = dataclasses.replace(ONE_OF_EACH[5], constant=1, parameters={"names": ("x", "y")})
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
    written = ledger.append("fares", loosely_typed, there, "ann")
    assert ledger.entries() == [written] == [ledger.head()]
    assert written.at.isoformat() == "2013-04-01T12:00:00.123456+00:00"


def test_a_fact_that_could_not_be_read_back_is_never_written(ledger: Ledger) -> None:
    with pytest.raises(msgspec.ValidationError, match="Expected `int`"):
        ledger.append("fares", AlertSent("nine"), NOON, "ann")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not JSON compliant"):
        ledger.append("fares", dataclasses.replace(ONE_OF_EACH[5], constant=float("nan")), NOON, "ann")
    assert ledger.entries() == []


def test_an_untouched_ledger_verifies(ledger: Ledger) -> None:
    for number in range(60):
        ledger.append(f"model-{number % 3}", AlertSent(number), NOON + timedelta(seconds=number), "ann")
    entries = ledger.entries()
    assert [entry.seq for entry in entries] == list(range(1, 61))
    assert verify_chain(entries) == ledger.head()


def test_entries_are_found_by_model_kind_and_place(ledger: Ledger) -> None:
    for model in ("fares", "delays"):
        ledger.append(model, AlertSent(1), NOON, "ann")
        ledger.append(model, MirrorRepaired("alias", "a"), NOON, "ann")
        ledger.append(model, AlertSent(2), NOON, "ann")

    assert [entry.seq for entry in ledger.entries("delays")] == [4, 5, 6]
    assert [entry.seq for entry in ledger.entries(kinds=(AlertSent,))] == [1, 3, 4, 6]
    assert [entry.seq for entry in ledger.entries("fares", (AlertSent,), after_seq=1)] == [3]
    last = ledger.last("fares", AlertSent)
    assert last is not None
    assert (last.seq, last.fact) == (3, AlertSent(2))


def test_the_newest_entry_of_every_model_is_known(ledger: Ledger) -> None:
    assert ledger.newest_by_model() == {}
    for number, model in enumerate(("fares", "delays", "fares")):
        ledger.append(model, AlertSent(number), NOON, "ann")
    assert ledger.newest_by_model() == {"delays": 2, "fares": 3}


def test_entries_are_read_from_the_newest_on_however_many_there_are(ledger: Ledger) -> None:
    for number in range(70):
        ledger.append("a", AlertSent(number), NOON, "ann")
        ledger.append("b", AlertSent(number), NOON, "ann")
    read = [entry.seq for entry in ledger.newest_first("a", AlertSent)]
    assert read == list(range(139, 0, -2))
    assert next(ledger.newest_first("a", AlertSent)).seq == 139
    assert list(ledger.newest_first("c", AlertSent)) == []


def test_an_empty_ledger_has_no_head_and_serves_nothing(ledger: Ledger) -> None:
    assert (ledger.head(), ledger.last("fares", AlertSent), ledger.entries()) == (None, None, [])
    assert ledger.serving("fares") == Serving("fares", 0, None, None)
    assert ledger.list_serving() == []
    assert ledger.entry_at_generation("fares", 1) is None


@pytest.mark.parametrize(
    ("change", "broken_at"),
    [
        ("UPDATE entries SET body = '{\"cause_seq\":7}' WHERE seq = 3", 3),
        ('UPDATE entries SET body = \'{"cause_seq":2,"more":1}\' WHERE seq = 3', 3),
        ("UPDATE entries SET actor = 'bob' WHERE seq = 3", 3),
        ("UPDATE entries SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 3", 3),
        ("UPDATE entries SET model = 'delays' WHERE seq = 3", 3),
        ("UPDATE entries SET hash = 'f' WHERE seq = 3", 3),
        ("DELETE FROM entries WHERE seq = 3", 3),
        ("DELETE FROM entries WHERE seq = 1", 1),
        ("UPDATE entries SET seq = seq + 100 WHERE seq = 3", 3),
        ("UPDATE entries SET body = 'nonsense' WHERE seq = 3", 3),
        ("UPDATE entries SET kind = 'Nothing' WHERE seq = 3", 3),
        ("UPDATE entries SET at = 'yesterday' WHERE seq = 3", 3),
    ],
)
def test_a_change_by_hand_is_found_where_it_was_made(
    ledger: Ledger, by_hand: Callable[[str], None], change: str, broken_at: int
) -> None:
    for number in range(5):
        ledger.append("fares", AlertSent(number), NOON, "ann")
    by_hand(change)
    with pytest.raises(BrokenChainError, match=f"ledger entry {broken_at}: found .* wanted"):
        verify_chain(ledger.entries())


def test_two_swapped_entries_are_found(ledger: Ledger, by_hand: Callable[[str], None]) -> None:
    for number in range(5):
        ledger.append("fares", AlertSent(number), NOON, "ann")
    for found, new in ((2, 99), (3, 2), (99, 3)):
        by_hand(f"UPDATE entries SET seq = {new} WHERE seq = {found}")  # noqa: S608
    with pytest.raises(BrokenChainError, match="ledger entry 2"):
        verify_chain(ledger.entries())


def test_a_cut_tail_still_verifies_but_no_longer_reaches_the_published_head(
    ledger: Ledger, by_hand: Callable[[str], None]
) -> None:
    for number in range(5):
        ledger.append("fares", AlertSent(number), NOON, "ann")
    published = ledger.head()
    by_hand("DELETE FROM entries WHERE seq > 3")

    verify_chain(ledger.entries())
    ledger.append("fares", AlertSent(3), NOON + timedelta(seconds=1), "ann")
    ledger.append("fares", AlertSent(4), NOON, "ann")
    assert published is not None
    assert published.hash not in {entry.hash for entry in ledger.entries()}


def test_an_entry_from_before_its_kind_gained_a_field_still_verifies_and_reads(
    ledger: Ledger, by_hand: Callable[[str], None]
) -> None:
    now = ledger.append("fares", BatchAccepted("b1", PART), NOON, "ann")
    older = dataclasses.replace(now, body=now.body.replace(',"release_reason":null', ""))
    assert older.body != now.body
    by_hand(f"UPDATE entries SET body = '{older.body}', hash = '{hash_entry(older)}'")  # noqa: S608

    assert verify_chain(ledger.entries()) == ledger.head()
    assert ledger.entries()[0].fact == now.fact


def test_fifty_threads_write_one_gapless_chain(
    ledger: Ledger, fifty_at_once: Callable[[Callable[[int], Any]], list[Any]]
) -> None:
    fifty_at_once(lambda number: ledger.append("fares", AlertSent(number), NOON, "ann"))
    entries = ledger.entries()
    assert [entry.seq for entry in entries] == list(range(1, 51))
    assert {entry.fact for entry in entries} == {AlertSent(number) for number in range(50)}
    assert verify_chain(entries) == ledger.head()


def test_processes_that_open_a_new_ledger_together_write_one_gapless_chain(
    ledger_url: str, processes_at_once: Callable[[int, str, str], list[str]]
) -> None:
    processes_at_once(
        8,
        """
from datetime import UTC, datetime
from millrace.domain.facts import AlertSent
ledger = Ledger(url)
for step in range(5):
    ledger.append("fares", AlertSent(number * 5 + step), datetime(2013, 4, 1, tzinfo=UTC), "ann")
""",
        ledger_url,
    )
    ledger = Ledger(ledger_url)
    entries = ledger.entries()
    ledger.close()
    assert {entry.fact for entry in entries} == {AlertSent(number) for number in range(40)}
    assert [entry.seq for entry in entries] == list(range(1, 41))
    verify_chain(entries)


def test_a_rollout_is_read_from_where_it_began(ledger: Ledger) -> None:
    assert ledger.rollout("fares").phase is Phase.IDLE
    for fact in (
        ChampionPromoted("c1", None, 1, "passed"),
        RolloutStarted("d1", "c1", POLICY, 2),
        RolloutAborted("d1", 3, "worse"),
        RolloutStarted("d2", "c1", POLICY, 4),
        StepFailed("d2", 1, "errors", VERDICTS, EVIDENCE),
        RolloutAdvanced("d2", 1, 5, 5, "better", VERDICTS, EVIDENCE),
    ):
        ledger.change_rollout(ledger.rollout("fares"), fact, NOON, "ann")
    rollout, serving = ledger.rollout("fares"), ledger.serving("fares")
    assert (rollout.champion, rollout.challenger, rollout.weight, rollout.failures) == ("c1", "d2", 5, 0)
    assert rollout.policy == POLICY
    assert serving == Serving("fares", 5, "c1", None, "d2", Strategy.CANARY, 1, 5)
    ended = ChampionPromoted("d2", "c1", 6, "better", True, VERDICTS, EVIDENCE)
    ledger.change_rollout(rollout, ended, NOON, "ann")
    assert ledger.rollout("fares").reference_p95 == 1 / 3
    assert ledger.serving("fares") == Serving("fares", 6, "d2", "c1")


def test_nothing_is_recorded_of_a_rollout_that_has_changed_since_it_was_looked_at(ledger: Ledger) -> None:
    ledger.change_rollout(ledger.rollout("fares"), ChampionPromoted("c1", None, 1, "passed"), NOON, "ann")
    ledger.change_rollout(ledger.rollout("fares"), RolloutStarted("d1", "c1", POLICY, 2), NOON, "ann")
    seen = ledger.rollout("fares")
    failed = StepFailed("d1", 1, "errors", VERDICTS, EVIDENCE)
    ledger.change_rollout(seen, failed, NOON, "ann")
    for late in (failed, RolloutAborted("d1", 3, "worse")):
        with pytest.raises(StaleGenerationError):
            ledger.change_rollout(seen, late, NOON, "bob")
    assert ledger.rollout("fares").failures == 1
    assert ledger.serving("fares").generation == 2
    with pytest.raises(TypeError, match="RolloutAborted changes what serves"):
        ledger.append("fares", RolloutAborted("d1", 3, "worse"), NOON, "ann")
