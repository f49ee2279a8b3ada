"""Doing a thing once: take the claim, keep its lease while working, finish or release it."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from millrace.adapters import clock
from millrace.adapters.process import current_owner, is_dead, is_living_here
from millrace.domain.claim import Claim, ClaimDoneError, ClaimHeldError, ClaimLostError
from millrace.domain.facts import Fact
from millrace.domain.work import FlowName
from millrace.errors import UnavailableError
from millrace.steps.actor import current_actor
from millrace.steps.stores import ledger

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""How long a run on another machine may be silent before its work is taken over."""
_POLL_SECONDS = 0.1


def take_claim(key: str, run_id: str) -> Claim:
    """Take the right to do `key`, from a dead owner too.

    Leases are about processes, so they run on the wall clock even where a flow's `now`
    is simulated.

    Raises
    ------
    ClaimHeldError, ClaimDoneError
        If another run is doing it, or it was done.
    """
    return ledger().claim(key, current_owner(run_id), clock.wall_now(), LEASE, is_dead, is_living_here)


def ensure_held(claim: Claim) -> None:
    """Refuse to go on under a claim that another run has taken over, before work outside the ledger.

    Raises
    ------
    ClaimLostError
        If another run has it.
    """
    ledger().renew(claim, clock.wall_now(), LEASE)


def record_once(key: str, model: str, fact: Fact, run_id: str, now: datetime) -> bool:
    """Write `fact` if nobody has done so under `key`; False while another is at it."""
    try:
        claim = take_claim(key, run_id)
    except ClaimDoneError:
        return True
    except ClaimHeldError:
        return False
    ledger().append(model, fact, now, current_actor(), claim)
    ledger().finish(claim, "recorded")
    return True


def list_dead_claims(model: str, flow: FlowName | None = None) -> list[Claim]:
    """List the claims on the model's work whose owner is gone, or silent for longer than its lease."""
    return [claim for claim in _list_held(model, flow) if not _is_living(claim)]


def release_dead_trainings(model: str) -> None:
    """Give up the claims of trainings that died: which one is due now is a matter of today's inputs."""
    for claim in list_dead_claims(model, FlowName.RETRAIN):
        ledger().release(claim)


def is_in_hand(model: str, flow: FlowName | None = None) -> bool:
    """Say whether a living run holds a claim on the model's work."""
    return any(_is_living(claim) for claim in _list_held(model, flow))


def list_living_runs() -> frozenset[str]:
    """Name the runs that hold a claim on anything, and live."""
    return frozenset(claim.owner.run_id for claim in ledger().list_claims() if _is_living(claim))


def _list_held(model: str, flow: FlowName | None) -> list[Claim]:
    prefixes = tuple(f"{name}:{model}:" for name in FlowName if flow in {None, name})
    return [claim for claim in ledger().list_claims() if claim.key.startswith(prefixes)]


def _is_living(claim: Claim) -> bool:
    owner = claim.owner
    return is_living_here(owner) or (clock.wall_now() < claim.lease_until and not is_dead(owner))


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


@contextmanager
def taking_turns(key: str, run_id: str) -> Iterator[Claim]:
    """Let one run at a time into the block; the others wait until it is through, or dead."""
    with held(_await_claim(key, run_id)) as claim:
        yield claim
        ledger().release(claim)


def _await_claim(key: str, run_id: str) -> Claim:
    while True:
        try:
            return take_claim(key, run_id)
        except ClaimHeldError:
            time.sleep(_POLL_SECONDS)


def _keep_alive(claim: Claim, stop: threading.Event) -> None:
    while not stop.wait(LEASE.total_seconds() / 4):
        try:
            ledger().renew(claim, clock.wall_now(), LEASE)
        except ClaimLostError:
            return  # the next write under this claim is refused, and says so
        except UnavailableError as error:
            log.warning("the lease of %s could not be renewed, it is tried again: %s", claim.key, error)
