"""Which versions are fit for another installation, and what is it told of them?"""

from dataclasses import replace

import pytest

from millrace.domain.facts import (
    Agreement,
    ChallengerJudged,
    ChallengerReceived,
    ChallengerTrained,
    ChampionPromoted,
    ChampionRolledBack,
    Fact,
    Inputs,
    Milestone,
    OfflineRollbackOvertaken,
    RolloutAborted,
    RolloutStarted,
    VersionOffered,
)
from millrace.domain.ledger import Entry, next_entry
from millrace.domain.narration import tell
from millrace.domain.offer import (
    NotOfferableError,
    Offer,
    digests_offered,
    ensure_offerable,
    find_mismatch,
    find_past,
    list_versions,
    offer_name,
    received,
    tell_course,
)
from millrace.domain.verdict import Outcome
from tests.conftest import NOON
from tests.domain.rollout.rolling import POLICY

A, B = "a" * 64, "b" * 64
TRAINED = ChallengerTrained(
    "run", A, "onnx", B, 0.5, Inputs("d", "m", "l"), 100, Agreement(1, 0.0, 0), {}, (), 1.0, "c0ffee"
)
JUDGED = ChallengerJudged("run", A, None, Outcome.PASS, "better", (), "r", "g", {}, 0)
PROMOTED = ChampionPromoted(A, B, 2, "better")
ROLLED_BACK = ChampionRolledBack(B, A, 3, "it overcharges")
OVERTAKEN = OfflineRollbackOvertaken(B, None, A, 3, 2, "it overcharges", "late")
ABORTED = RolloutAborted(A, 3, "5 % errors")
STARTED = RolloutStarted(A, B, POLICY, 2)
RECEIVED = ChallengerReceived(A, "s", JUDGED, TRAINED, (), "f" * 64, "good", "ann", NOON)
OFFER = Offer("fares", A, JUDGED, TRAINED, (), "f" * 64, "it is good", "ann", NOON)


def entries(*facts: Fact) -> list[Entry]:
    made: list[Entry] = []
    for fact in facts:
        made.append(next_entry(made[-1] if made else None, NOON, "ann", "fares", fact))
    return made


@pytest.mark.parametrize(
    "facts",
    [
        (TRAINED, JUDGED),
        (TRAINED, JUDGED, PROMOTED),
        (TRAINED, JUDGED, PROMOTED, ROLLED_BACK, JUDGED, PROMOTED),
        (TRAINED, replace(JUDGED, outcome=Outcome.FAIL), JUDGED),
        (TRAINED, JUDGED, replace(ABORTED, challenger=B)),
        (received(OFFER, "staging"),),
    ],
)
def test_a_version_that_passed_last_and_was_not_taken_back_is_offered(facts: tuple[Fact, ...]) -> None:
    assert ensure_offerable("fares", A, facts) == (JUDGED, TRAINED)


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ((), "was never judged here"),
        ((TRAINED,), "was never judged here"),
        ((TRAINED, JUDGED, replace(JUDGED, outcome=Outcome.FAIL)), "was judged fail"),
        ((TRAINED, replace(JUDGED, outcome=Outcome.INCONCLUSIVE)), "was judged inconclusive"),
        ((TRAINED, JUDGED, PROMOTED, ROLLED_BACK), r"was withdrawn \(it overcharges\)"),
        ((TRAINED, JUDGED, PROMOTED, ROLLED_BACK, JUDGED), r"was withdrawn \(it overcharges\)"),
        ((TRAINED, JUDGED, PROMOTED, OVERTAKEN), r"was withdrawn \(it overcharges\)"),
        ((TRAINED, JUDGED, ABORTED), r"did not come through its rollout \(5 % errors\)"),
        ((received(OFFER, "staging"), ABORTED), "did not come through its rollout"),
    ],
)
def test_a_version_that_did_not_pass_or_was_taken_back_is_not(facts: tuple[Fact, ...], found: str) -> None:
    with pytest.raises(NotOfferableError, match=f"{A[:12]} {found}"):
        ensure_offerable("fares", A, facts)


def test_the_other_installation_is_told_what_became_of_this_version_alone_and_why() -> None:
    course = tell_course(A, entries(TRAINED, JUDGED, PROMOTED, ROLLED_BACK, replace(PROMOTED, digest=B)))
    assert [milestone.told for milestone in course] == [
        f"{A[:12]} promoted to generation 2: better",
        f"{A[:12]} withdrawn, {B[:12]} answers again: it overcharges",
    ]


def test_a_third_installation_is_told_what_the_second_was_told() -> None:
    first = Milestone(NOON, "ann", "promoted")
    told = tell_course(A, entries(received(replace(OFFER, course=(first,)), "staging"), PROMOTED))
    assert [milestone.told for milestone in told] == [
        "promoted",
        f"challenger {A[:12]} received, offered by ann of staging: it is good",
        f"{A[:12]} promoted to generation 2: better",
    ]


@pytest.mark.parametrize(
    ("offer", "found"),
    [
        (OFFER, None),
        (replace(OFFER, model="trips"), "it offers a version of trips"),
        (replace(OFFER, digest=B), f"it speaks of {B[:12]}, judged {A[:12]}"),
        (replace(OFFER, judged=replace(JUDGED, digest=B)), f"it speaks of {A[:12]}, judged {B[:12]}"),
        (replace(OFFER, trained=replace(TRAINED, digest=B)), f"it speaks of {A[:12]}, judged {A[:12]}"),
        (replace(OFFER, judged=replace(JUDGED, outcome=Outcome.FAIL)), "its gate said fail: better"),
    ],
)
def test_an_offer_must_be_one_of_the_version_it_lies_there_for(offer: Offer, found: str | None) -> None:
    assert find_mismatch(offer, "fares", A) == found


def test_a_file_of_another_name_is_no_offer() -> None:
    names = [offer_name("fares", digest).rpartition("/")[2] for digest in (B, A)]
    others = [f".{A}.json.tmp", f"{A}.txt", f"{A[:-1]}.json", f"{A.upper()}.json", "notes.json", ".json"]
    assert digests_offered([*names, *others]) == [A, B]


def test_versions_that_were_judged_here_or_received_have_names() -> None:
    other = replace(OFFER, digest=B, judged=replace(JUDGED, digest=B))
    assert list_versions([TRAINED, JUDGED, JUDGED, received(other, "staging"), PROMOTED]) == {A, B}
    assert list_versions([TRAINED, PROMOTED]) == set()


def test_both_ledgers_tell_it_in_one_line() -> None:
    offered = VersionOffered(A, "s3://prod/channel", "it is good")
    fact = received(OFFER, "staging")
    assert isinstance(fact, ChallengerReceived)
    assert tell(offered) == f"{A[:12]} offered to s3://prod/channel: it is good"
    assert tell(fact) == f"challenger {A[:12]} received, offered by ann of staging: it is good"


@pytest.mark.parametrize(
    ("facts", "past"),
    [
        ((), None),
        ((TRAINED, JUDGED), None),
        ((replace(PROMOTED, digest=B, previous=None), replace(STARTED, challenger=B, champion=A)), None),
        ((PROMOTED,), "was champion here already, as generation 2"),
        ((STARTED,), "is or was in a rollout here already"),
        ((STARTED, ABORTED), "did not come through its rollout here: 5 % errors"),
        ((PROMOTED, ROLLED_BACK), "was withdrawn here: it overcharges"),
        ((PROMOTED, ChampionRolledBack(A, B, 4, "B is slow")), "was champion here already, as generation 4"),
        ((OVERTAKEN,), "was withdrawn here: it overcharges"),
        ((RECEIVED, STARTED, PROMOTED), None),
    ],
)
def test_what_was_tried_here_and_never_received_has_a_past(facts: tuple[Fact, ...], past: str | None) -> None:
    assert find_past(A, facts) == past
