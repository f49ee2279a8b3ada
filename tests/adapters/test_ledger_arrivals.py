"""Is a batch accepted once for each model, whoever races?"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from millrace.adapters.ledger import AlreadyAcceptedError, Ledger
from millrace.domain.dataset import Part
from millrace.domain.facts import BatchAccepted, BatchQuarantined

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
ACCEPTED = BatchAccepted("b1", Part("a" * 64, "b.csv", 10, 512, None, None))


def test_a_batch_is_accepted_once(ledger: Ledger) -> None:
    ledger.append("fares", ACCEPTED, NOON, "ann")
    for again in (ACCEPTED, BatchQuarantined("b1", "b.csv", ())):
        with pytest.raises(AlreadyAcceptedError, match="fares: batch b1 was already accepted"):
            ledger.append("fares", again, NOON, "ann")
    assert ledger.arrival_state("fares", "b1") == "accepted"
    assert len(ledger.entries()) == 1


def test_the_same_batch_may_be_accepted_for_another_model(ledger: Ledger) -> None:
    ledger.append("fares", ACCEPTED, NOON, "ann")
    assert ledger.arrival_state("delays", "b1") is None
    ledger.append("delays", ACCEPTED, NOON, "ann")
    assert ledger.arrival_state("delays", "b1") == "accepted"


def test_a_quarantined_batch_can_be_released(ledger: Ledger) -> None:
    ledger.append("fares", BatchQuarantined("b1", "b.csv", ()), NOON, "ann")
    assert ledger.arrival_state("fares", "b1") == "quarantined"
    ledger.append("fares", ACCEPTED, NOON, "ann")
    assert ledger.arrival_state("fares", "b1") == "accepted"


def test_of_fifty_arrivals_of_one_batch_one_is_accepted(
    ledger: Ledger, fifty_at_once: Callable[[Callable[[int], Any]], list[Any]]
) -> None:
    outcomes = fifty_at_once(lambda _: ledger.append("fares", ACCEPTED, NOON, "ann"))
    assert sum(isinstance(outcome, AlreadyAcceptedError) for outcome in outcomes) == 49
    assert len(ledger.entries()) == 1
