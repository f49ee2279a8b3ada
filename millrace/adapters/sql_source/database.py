"""What does a database answer to a query, in bounded memory, and how does it say that it does not?"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millrace.adapters.sql_source.address import SqlAddress
from millrace.adapters.sql_source.rows import UnusableColumnError, write_rows
from millrace.errors import MillraceError, UnavailableError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Executable, TextClause

CHUNK_ROWS = 16_384
"""Rows that are held as Python objects at once: about 60 MB of 20 columns."""

_UNSTORABLE = frozenset({"json", "jsonb", "bytea", "xml"})
_NOT_ALLOWED = "28"
"""The class of SQLSTATE that says so of a user or a password: time does not cure it."""


class DatabaseUnavailableError(UnavailableError):
    """The database of a source does not answer."""

    def __init__(self, place: str, reason: str) -> None:
        self.place, self.reason = place, reason
        super().__init__(
            f"the database at {place} cannot be reached: {reason}. Start it, or correct [data.sql] url; "
            "the same command asks again"
        )


class QueryRefusedError(MillraceError):
    """The database does not do what it is asked: its own words say why."""

    def __init__(self, place: str, reason: str) -> None:
        self.place, self.reason = place, reason
        super().__init__(f"the database at {place} refuses: {reason}. Correct url or query in [data.sql]")


class UnusableQueryError(MillraceError):
    """A query whose columns are not those that are needed."""

    def __init__(self, found: Sequence[str], needed: str) -> None:
        self.found, self.needed = tuple(found), needed
        super().__init__(f"the query gives the columns {', '.join(found)}; needed is {needed}")


class SqlDatabase:
    """A database that one query is asked of, again and again; nothing is ever written to it."""

    def __init__(self, address: SqlAddress, query: str) -> None:
        self.address, self._query = address, query.strip().rstrip(";").rstrip()

    def ping(self) -> None:
        """Connect, and run the query for its columns alone.

        Raises
        ------
        DatabaseUnavailableError, QueryRefusedError, MissingDriverError, MissingFileError, UnusableQueryError
        """
        with self.connected() as connection:
            self.column_names(connection)

    def write_all(self, path: Path) -> int:
        """Write all rows of the query as parquet, in the order the database gives them."""
        from sqlalchemy import text

        with self.connected() as connection:
            names = self.column_names(connection)
            return write_rows(stream(connection, text(_literally(self._query))), names, path)

    @property
    def asked(self) -> "TextClause":
        """The query as a table to select from."""
        from sqlalchemy import text

        return text(f"({_literally(self._query)}\n) asked")

    def column_names(self, connection: "Connection") -> list[str]:
        """Name the columns of the query; those that cannot be stored are refused."""
        from sqlalchemy import select, text

        result = connection.execute(select(text("*")).select_from(self.asked).limit(1))
        names = list(result.keys())
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise UnusableQueryError(
                names, f"each once, and {', '.join(repeated)} comes more often: rename it"
            )
        for each in result.cursor.description if result.cursor is not None else ():
            kind = str(getattr(each, "type_display", ""))
            if kind in _UNSTORABLE:
                raise UnusableColumnError(str(each[0]), kind)
        result.close()
        return names

    @contextmanager
    def connected(self) -> "Iterator[Connection]":
        """Give the block a connection; its errors are told in our words, without secrets."""
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        engine = self.address.open()
        try:
            with engine.connect() as connection:
                if engine.dialect.name == "postgresql":
                    connection.execution_options(postgresql_readonly=True)
                yield connection
        except DBAPIError as error:
            raise self._explain(error) from None  # its own text may hold the address
        except SQLAlchemyError as error:
            raise QueryRefusedError(self.address.place, self._told(error)) from None

    def _explain(self, error: Any) -> MillraceError:
        from sqlalchemy.exc import InterfaceError, OperationalError

        reason, state = self._told(error.orig), str(getattr(error.orig, "sqlstate", None) or "")
        lost = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
        is_sqlite = self.address.url.get_backend_name() == "sqlite"
        is_refused = state.startswith(_NOT_ALLOWED) or "authentication failed" in reason
        if lost and not is_refused and not (is_sqlite and "locked" not in reason):
            return DatabaseUnavailableError(self.address.place, reason)
        return QueryRefusedError(self.address.place, reason)

    def _told(self, error: object) -> str:
        return self.address.scrub(" ".join(str(error).split())).rstrip(".")


def stream(
    connection: "Connection", statement: "Executable", rows: int = CHUNK_ROWS
) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield the rows of a statement in chunks of `rows`; the database keeps what was not read yet."""
    result = connection.execution_options(stream_results=True, max_row_buffer=rows).execute(statement)
    yield from result.partitions(rows)


def _literally(query: str) -> str:
    """Keep SQLAlchemy from taking `:name` in a query for a parameter of ours."""
    return query.replace(":", "\\:")
