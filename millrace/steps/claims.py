"""Doing a thing once: take the claim, keep its lease while working, finish or release it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from millrace.adapters import clock
from millrace.adapters.process import current_owner, is_dead
from millrace.domain.claim import Claim, ClaimLostError
from millrace.steps.stores import ledger

LEASE = timedelta(seconds=60)
"""How long a run on another machine may be silent before its work is taken over."""


def take_claim(key: str, run_id: str) -> Claim:
    """Take the right to do `key`, from a dead owner too.

    Leases are about processes, so they run on the wall clock even where a flow's `now`
    is simulated.

    Raises
    ------
    ClaimHeldError, ClaimDoneError
        If another run is doing it, or it was done.
    """
    return ledger().claim(key, current_owner(run_id), clock.now(), LEASE, is_dead)


def ensure_held(claim: Claim) -> None:
    """Refuse to go on under a claim that another run has taken over, before work outside the ledger.

    Raises
    ------
    ClaimLostError
        If another run has it.
    """
    ledger().renew(claim, clock.now(), LEASE)


@contextmanager
def held(claim: Claim) -> Iterator[Claim]:
    """Renew the lease of `claim` while the block runs; when the block fails, release it for the next try."""
    stop = threading.Event()
    beat = threading.Thread(target=_keep_alive, args=(claim, stop), daemon=True, name=f"lease {claim.key}")
    beat.start()
    try:
        yield claim
    except BaseException:
        ledger().release(claim)
        raise
    finally:
        stop.set()
        beat.join()


def _keep_alive(claim: Claim, stop: threading.Event) -> None:
    while not stop.wait(LEASE.total_seconds() / 4):
        try:
            ledger().renew(claim, clock.now(), LEASE)
        except ClaimLostError:
            return  # the next write under this claim is refused, and says so
