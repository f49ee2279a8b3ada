"""What is written in the ledger, in which order?"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
from sqlalchemy import Connection, Row, Select, func, insert, select

from millrace.adapters.ledger.tables import entries
from millrace.domain.canonical import canonical_json
from millrace.domain.facts import Fact
from millrace.domain.ledger import BrokenChainError, Entry, next_entry

_KINDS: dict[str, type[Fact]] = {kind.__name__: kind for kind in get_args(Fact)}


def append_entry(connection: Connection, model: str, fact: Fact, at: datetime, actor: str) -> Entry:
    """Write the entry that follows the head; the caller's transaction must keep all others out."""
    # as it will be read back, so that a fact that cannot be is refused before it is written
    readable = _decode_fact(type(fact).__name__, canonical_json(fact))
    entry = next_entry(head_entry(connection), at.astimezone(UTC), actor, model, readable)
    connection.execute(
        insert(entries).values(
            seq=entry.seq,
            at=entry.at.isoformat(),
            actor=entry.actor,
            kind=entry.kind,
            model=entry.model,
            body=entry.body,
            prev_hash=entry.prev_hash,
            hash=entry.hash,
        )
    )
    return entry


def head_entry(connection: Connection) -> Entry | None:
    return _first(connection, select(entries).order_by(entries.c.seq.desc()))


def last_entry(connection: Connection, model: str, kinds: Sequence[type]) -> Entry | None:
    return _first(connection, _matching(model, kinds).order_by(entries.c.seq.desc()))


def newest_by_model(connection: Connection) -> dict[str, int]:
    query = select(entries.c.model, func.max(entries.c.seq)).group_by(entries.c.model)
    return dict(connection.execute(query).tuples().all())


def list_entries(
    connection: Connection, model: str | None, kinds: Sequence[type], after_seq: int
) -> list[Entry]:
    query = _matching(model, kinds).where(entries.c.seq > after_seq).order_by(entries.c.seq)
    return [_read_entry(row) for row in connection.execute(query)]


def list_newest(
    connection: Connection, model: str, kinds: Sequence[type], before_seq: int | None, limit: int
) -> list[Entry]:
    query = _matching(model, kinds).order_by(entries.c.seq.desc()).limit(limit)
    if before_seq is not None:
        query = query.where(entries.c.seq < before_seq)
    return [_read_entry(row) for row in connection.execute(query)]


def _matching(model: str | None, kinds: Sequence[type]) -> Select[Any]:
    query = select(entries)
    if model is not None:
        query = query.where(entries.c.model == model)
    if kinds:
        query = query.where(entries.c.kind.in_([kind.__name__ for kind in kinds]))
    return query


def _first(connection: Connection, query: Select[Any]) -> Entry | None:
    row = connection.execute(query.limit(1)).one_or_none()
    return _read_entry(row) if row else None


def _read_entry(row: Row[Any]) -> Entry:
    try:
        fact, at = _decode_fact(row.kind, row.body), datetime.fromisoformat(row.at)
    except (msgspec.MsgspecError, KeyError, ValueError) as error:
        found = f"{row.kind} at {row.at} with {row.body[:80]}"
        raise BrokenChainError(row.seq, found, f"a fact that can be read ({error})") from error
    return Entry(row.seq, at, row.actor, row.model, fact, row.body, row.prev_hash, row.hash)


def _decode_fact(kind: str, body: str) -> Fact:
    return msgspec.json.decode(body, type=_KINDS[kind])
