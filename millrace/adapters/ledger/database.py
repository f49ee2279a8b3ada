"""Where is the ledger kept, and how is it opened and locked?"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError

from millrace.adapters.ledger.tables import entries, metadata
from millrace.errors import UnavailableError

_BUSY_TIMEOUT_SECONDS = 30
_LAYOUT_LOCK = 5_764_801_001
"""Any number will do that nobody else uses for an advisory lock in the same Postgres database."""


class LedgerUnavailableError(UnavailableError):
    """The database of the ledger cannot be opened, read or written now."""

    def __init__(self, place: str, reason: str) -> None:
        self.place, self.reason = place, reason
        super().__init__(
            f"the ledger at {place} cannot be used: {reason}. MILLRACE_LEDGER_URL must name a file "
            "(sqlite:////absolute/path) or a Postgres (postgresql://user@host/name) that can be written; "
            "`millrace doctor` says what is wrong"
        )


class Database:
    """The ledger's tables, created where they are missing, and transactions on them."""

    def __init__(self, url: str) -> None:
        address = _read_address(url)
        self._place = address.render_as_string(hide_password=True)
        self._writes_lock_file = address.get_backend_name() == "sqlite"
        with self._explained():
            self._engine = _open_sqlite(address) if self._writes_lock_file else _open_postgres(address)
            self._lay_out()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._explained(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, table: Table) -> Iterator[Connection]:
        """Begin a transaction during which nobody else writes to `table`; it is kept whole or not at all."""
        with self._explained(), self._engine.connect() as connection:
            connection.execution_options(writes=True)
            with connection.begin():
                if not self._writes_lock_file:
                    connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))
                yield connection

    def close(self) -> None:
        self._engine.dispose()

    def _lay_out(self) -> None:
        # all tables appear in one transaction: where one is, all are
        if inspect(self._engine).has_table(entries.name):
            return
        with self._engine.connect() as connection:
            connection.execution_options(writes=True)
            with connection.begin():
                if not self._writes_lock_file:
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LAYOUT_LOCK})"))
                metadata.create_all(connection)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise LedgerUnavailableError(self._place, str(error.orig).strip()) from error


def _read_address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        # the text is not repeated: it may hold a password
        raise LedgerUnavailableError("MILLRACE_LEDGER_URL", "this is not a database address") from error
    backend = address.get_backend_name()
    if backend not in {"sqlite", "postgresql"} or address.database in {None, "", ":memory:"}:
        raise LedgerUnavailableError(address.render_as_string(), f"{backend} keeps no ledger there")
    return address


def _open_postgres(address: URL) -> Engine:
    return create_engine(address.set(drivername="postgresql+psycopg"), pool_pre_ping=True)


def _open_sqlite(address: URL) -> Engine:
    _create_file(Path(address.database or ""))
    engine = create_engine(address, connect_args={"timeout": _BUSY_TIMEOUT_SECONDS})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_file(path: Path) -> None:
    """Make the file appear in WAL mode at once: two processes that switch one file to WAL collide."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    except (OSError, sqlite3.Error) as error:
        raise LedgerUnavailableError(str(path), str(error)) from error


def _configure_sqlite(connection: Any, _record: object) -> None:
    # the driver would begin a transaction only at the first write, after the reads it must cover
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
