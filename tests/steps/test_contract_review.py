"""What changes a contract so that it lets more in keeps batches out until a person has accepted it."""

import re
from pathlib import Path

import pytest

from millrace.adapters.models import load_source
from millrace.domain.decision import Reason
from millrace.domain.facts import Action, BatchAccepted, ContractChanged
from millrace.domain.narration import tell
from millrace.domain.work import FlowName
from millrace.errors import MissingReasonError
from millrace.steps.batch import BatchOutcome, IngestResult
from millrace.steps.claims import held
from millrace.steps.contract.review import UnreviewedContractError, accept_contract
from millrace.steps.decide import decide_retraining
from millrace.steps.inbox import InboxWatch
from millrace.steps.release import release_batch
from millrace.steps.rows import load_rows
from millrace.steps.train import train_challenger
from millrace.steps.work import find_work
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in


def deliver(home: Home, month: str, longest: float | None = None) -> Path:
    """Put a month into a file of its own; `longest` is the distance of its first ride."""
    rows = load_source(home.models, "fares").read_batch(month)
    if longest is not None:
        rows.loc[rows.index[0], "distance_km"] = longest
    path = home.inbox("fares", f"{month}.parquet")
    rows.to_parquet(path, index=False)
    return path


def changes(home: Home) -> list[ContractChanged]:
    facts = [entry.fact for entry in home.ledger.entries("fares", (ContractChanged,))]
    return [fact for fact in facts if isinstance(fact, ContractChanged)]


def one(results: list[IngestResult]) -> IngestResult:
    [result] = results
    return result


def test_the_first_contract_is_recorded_by_the_first_accepted_batch(fares: Home) -> None:
    take_in("fares", NOON, [deliver(fares, "2013-01")])
    take_in("fares", NOON, [deliver(fares, "2013-02")])
    [first] = changes(fares)
    assert (first.old, first.differences, first.reason) == (None, (), "the first contract")
    kinds = [type(entry.fact) for entry in fares.ledger.entries("fares")]
    assert kinds == [ContractChanged, BatchAccepted, BatchAccepted]


def test_a_contract_no_batch_has_passed_may_still_change(fares: Home) -> None:
    path = deliver(fares, "2013-01", longest=55.0)
    assert one(take_in("fares", NOON, [path])).outcome is BatchOutcome.QUARANTINED
    assert changes(fares) == []
    fares.rewrite("fares", "max = 40 }", "max = 60 }")
    assert one(take_in("fares", NOON, [path])).outcome is BatchOutcome.ACCEPTED


def test_a_looser_contract_lets_nothing_in_until_it_is_accepted(fares: Home) -> None:
    take_in("fares", NOON, [deliver(fares, "2013-01")])
    fares.rewrite("fares", "max = 40 }", "max = 60 }")
    path = deliver(fares, "2013-02", longest=55.0)
    refused = one(take_in("fares", NOON, [path]))
    assert refused.outcome is BatchOutcome.QUARANTINED
    assert refused.violations[0].message == (
        "the contract was changed and nobody accepted it: distance_km.max: 40 -> 60 (looser). "
        "`millrace contract accept fares --reason ...`, then ingest again"
    )
    accept_contract("fares", "the airport is part of it now", NOON)
    assert one(take_in("fares", NOON, [path])).outcome is BatchOutcome.ACCEPTED
    first, second = changes(fares)
    assert (second.old, second.differences) == (first.digest, ("distance_km.max: 40 -> 60 (looser)",))
    assert tell(second).endswith("changed, distance_km.max: 40 -> 60 (looser): the airport is part of it now")


def test_nobody_is_told_twice_of_a_batch_that_waits_for_the_same_change(fares: Home) -> None:
    take_in("fares", NOON, [deliver(fares, "2013-01")])
    fares.rewrite("fares", "max = 40 }", "max = 60 }")
    path = deliver(fares, "2013-02")
    take_in("fares", NOON, [path])
    before = fares.ledger.head()
    take_in("fares", NOON, [path])
    assert fares.ledger.head() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max = 40 }", "max = 41 }"),
        (", max = 40 }", " }"),
        ("min_rows = 500", "min_rows = 400"),
        ('noise = { type = "float" }\n', ""),
        ('noise = { type = "float" }', 'noise = { type = "float", max_null_share = 0.5 }'),
        ('categories = ["day", "night"]', 'categories = ["day", "night", "dusk"]'),
        ('tariff = { type = "string", categories = ["day", "night"] }', 'tariff = { type = "string" }'),
    ],
)
def test_whatever_lets_more_in_asks_for_a_person(fares: Home, old: str, new: str) -> None:
    take_in("fares", NOON, [deliver(fares, "2013-01")])
    fares.rewrite("fares", old, new)
    result = one(take_in("fares", NOON, [deliver(fares, "2013-02")]))
    assert "contract" in {violation.clause for violation in result.violations}


def test_a_tighter_contract_is_recorded_by_itself(fares: Home) -> None:
    take_in("fares", NOON, [deliver(fares, "2013-01")])
    fares.rewrite("fares", "min_rows = 500", "min_rows = 501")
    assert one(take_in("fares", NOON, [deliver(fares, "2013-02")])).outcome is BatchOutcome.ACCEPTED
    assert [fact.differences for fact in changes(fares)] == [(), ("min_rows: 500 -> 501 (tighter)",)]
    fares.rewrite("fares", "min_rows = 501", "min_rows = 500")
    assert one(take_in("fares", NOON, [deliver(fares, "2013-03")])).outcome is BatchOutcome.QUARANTINED


def test_a_released_batch_accepts_no_contract(fares: Home) -> None:
    take_in("fares", NOON, [deliver(fares, "2013-01")])
    fares.rewrite("fares", "max = 40 }", "max = 60 }")
    refused = one(take_in("fares", NOON, [deliver(fares, "2013-02", longest=55.0)]))
    release_batch("fares", refused.digest, "a real ride", "by hand", NOON)
    assert len(changes(fares)) == 1
    assert one(take_in("fares", NOON, [deliver(fares, "2013-03")])).outcome is BatchOutcome.QUARANTINED


def test_comments_and_order_are_no_change(fares: Home) -> None:
    take_in("fares", NOON, [deliver(fares, "2013-01")])
    fares.rewrite("fares", '["day", "night"]', '["night", "day"]')
    assert one(take_in("fares", NOON, [deliver(fares, "2013-02")])).outcome is BatchOutcome.ACCEPTED
    assert len(changes(fares)) == 1


def test_accepting_twice_is_accepting_once_and_needs_a_reason(fares: Home) -> None:
    with pytest.raises(MissingReasonError):
        accept_contract("fares", " ", NOON)
    accept_contract("fares", "as agreed", NOON)
    accept_contract("fares", "as agreed", NOON)
    assert [fact.reason for fact in changes(fares)] == ["as agreed"]


def test_nothing_is_trained_under_a_looser_contract_until_it_is_accepted(fares: Home) -> None:
    take_in("fares", NOON)
    fares.rewrite("fares", "max = 40 }", "max = 60 }")
    decision = retrain("fares", NOON, force=True).decision
    assert decision.action is Action.BLOCK
    assert re.search(r"max: 40 -> 60 .*contract accept fares", decision.reason)
    accept_contract("fares", "the airport is part of it now", NOON)
    assert retrain("fares", NOON).trained is not None


def test_training_by_itself_waits_for_the_person_and_begins_after(fares: Home) -> None:
    take_in("fares", NOON)
    fares.rewrite("fares", "max = 40 }", "max = 60 }")
    assert find_work("fares", InboxWatch(), NOON) == []
    retrain("fares", NOON)
    assert find_work("fares", InboxWatch(), NOON) == []
    accept_contract("fares", "the airport is part of it now", NOON)
    [work] = find_work("fares", InboxWatch(), NOON)
    assert work.flow is FlowName.RETRAIN
    assert retrain("fares", NOON).trained is not None


def test_a_contract_that_changes_between_decision_and_training_is_refused(fares: Home) -> None:
    take_in("fares", NOON)
    decided = decide_retraining("fares", Reason.BY_HAND, False, NOON, "a test")
    rows = load_rows("fares", decided.decision.inputs.dataset, NOON)
    fares.rewrite("fares", "max = 40 }", "max = 60 }")
    assert decided.claim is not None
    with (
        held(decided.claim) as claim,
        pytest.raises(UnreviewedContractError, match=r"max: 40 -> 60 .*contract accept fares"),
    ):
        train_challenger("fares", rows, decided.decision, claim, NOON, lambda _done, _total: None)
