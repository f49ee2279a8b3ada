"""Who still works, whatever the clock and the ledger do meanwhile?"""

import threading
from datetime import timedelta

import pytest

from millrace.adapters import clock
from millrace.domain.claim import Claim, ClaimHeldError
from millrace.domain.work import FlowName
from millrace.steps import claims
from millrace.steps.claims import LEASE, held, is_in_hand, list_dead_claims, take_claim
from millrace.steps.stores import ledger
from tests.conftest import Home


@pytest.mark.usefixtures("home")
def test_a_laptop_that_slept_has_not_ended_what_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    take_claim("retrain:fares:a", "a run")
    awake = clock.now() + 100 * LEASE
    monkeypatch.setattr(clock, "now", lambda: awake)
    assert is_in_hand("fares", FlowName.RETRAIN)
    assert list_dead_claims("fares") == []
    with pytest.raises(ClaimHeldError, match="is being done by run a run"):
        take_claim("retrain:fares:a", "another run")


def test_a_ledger_that_cannot_be_reached_for_a_while_ends_no_lease(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE", timedelta(seconds=0.2))
    claim, renewed = take_claim("retrain:fares:a", "a run"), threading.Event()
    hidden = home.path / "hidden"
    with held(claim):
        database = home.path / "var" / "ledger.sqlite"
        ledger().close()
        database.rename(hidden)
        database.mkdir()
        threading.Event().wait(0.3)
        ledger().close()
        database.rmdir()
        hidden.rename(database)
        until = lease_of("retrain:fares:a").lease_until
        for _ in range(100):
            if lease_of("retrain:fares:a").lease_until > until:
                renewed.set()
                break
            threading.Event().wait(0.05)
    assert renewed.is_set()


def lease_of(key: str) -> Claim:
    return next(claim for claim in ledger().list_claims() if claim.key == key)
