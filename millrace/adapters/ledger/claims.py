"""Who holds which claim?"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from millrace.adapters.ledger.tables import claims
from millrace.domain.canonical import canonical_json
from millrace.domain.claim import Claim, ClaimDoneError, ClaimHeldError, ClaimLostError, Owner

HELD = "held"
DONE = "done"
RELEASED = "released"


def take_claim(
    connection: Connection,
    key: str,
    owner: Owner,
    lease_until: datetime,
    is_over: Callable[[Claim], bool],
) -> Claim:
    """Take the claim for `owner`; the caller's transaction must keep all other takers out.

    `is_over` says of the claim of another run whether that run is gone.
    """
    row = connection.execute(select(claims).where(claims.c.key == key)).one_or_none()
    claim = Claim(key, row.token + 1 if row else 1, owner, lease_until.astimezone(UTC))
    if row is None:
        connection.execute(insert(claims).values(key=key, **_held_by(claim)))
        return claim
    if row.state == DONE:
        raise ClaimDoneError(key, row.result)
    standing = _read_claim(row)
    if row.state == HELD and standing.owner.run_id != owner.run_id and not is_over(standing):
        raise ClaimHeldError(standing)
    connection.execute(update(claims).where(claims.c.key == key).values(_held_by(claim)))
    return claim


def ensure_held(connection: Connection, claim: Claim) -> None:
    """Refuse a stale claim, and keep a valid one from being taken over before this transaction ends."""
    query = select(claims.c.key).where(_still_held(claim)).with_for_update(read=True)
    if connection.execute(query).one_or_none() is None:
        raise ClaimLostError(claim)


def change_held(connection: Connection, claim: Claim, **values: str) -> bool:
    """Change the claim if it is still held; tell whether it was."""
    return connection.execute(update(claims).where(_still_held(claim)).values(values)).rowcount == 1


def list_claims(connection: Connection, state: str) -> list[Claim]:
    query = select(claims).where(claims.c.state == state).order_by(claims.c.key)
    return [_read_claim(row) for row in connection.execute(query)]


def is_done(connection: Connection, key: str) -> bool:
    query = select(claims.c.key).where((claims.c.key == key) & (claims.c.state == DONE))
    return connection.execute(query).one_or_none() is not None


def _still_held(claim: Claim) -> ColumnElement[bool]:
    return (claims.c.key == claim.key) & (claims.c.token == claim.token) & (claims.c.state == HELD)


def _held_by(claim: Claim) -> dict[str, object]:
    return {
        "token": claim.token,
        "owner": canonical_json(claim.owner),
        "lease_until": claim.lease_until.isoformat(),
        "state": HELD,
    }


def _read_claim(row: Row[Any]) -> Claim:
    owner = msgspec.json.decode(row.owner, type=Owner)
    return Claim(row.key, row.token, owner, datetime.fromisoformat(row.lease_until))
