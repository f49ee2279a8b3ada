"""Which rows of a query are above a watermark?"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millrace.adapters.sql_source.database import SqlDatabase, UnusableQueryError, stream
from millrace.adapters.sql_source.rows import write_rows
from millrace.domain.watermark import Watermark, WatermarkRange, kind_of, read_watermark
from millrace.errors import MillraceError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection


_BY_CODES = {"postgresql": "C", "sqlite": "BINARY"}


class WatermarkChangedError(MillraceError):
    """The watermark column holds another kind of values than when it was read last."""

    def __init__(self, column: str, before: Watermark, now: Watermark) -> None:
        self.column, self.before, self.now = column, before, now
        super().__init__(
            f"watermark {column!r} was read up to {before} ({kind_of(before)}), now it holds {now!r} "
            f"({kind_of(now)}): what is new cannot be told. Cast it back in the query, or give the column "
            "another name there to begin anew"
        )


class UnorderedTextError(MillraceError):
    """A watermark of texts in a database whose order of texts is not known."""

    def __init__(self, column: str, dialect: str) -> None:
        self.column, self.dialect = column, dialect
        super().__init__(
            f"watermark {column!r} holds texts, and {dialect} may take A for a when it compares them: rows "
            "would be lost. Cast it in the query to a time, a date or a whole number; texts are read from "
            "postgresql and sqlite"
        )


class SqlSource:
    """The rows of a query, by the watermark that each has."""

    def __init__(self, database: SqlDatabase, watermark: str) -> None:
        self._database, self._watermark = database, watermark

    def count_new(self, after: Watermark | None) -> Iterator[tuple[Watermark, int]]:
        """Yield each watermark above `after` with the number of its rows, in rising order.

        Raises
        ------
        DatabaseUnavailableError, QueryRefusedError, UnusableQueryError, UnusableColumnError
            If the database does not answer, or not to this query, or the query has no such column.
        WatermarkChangedError
            If what it holds cannot be compared with `after`.
        """
        from sqlalchemy import func, select

        with self._database.connected() as connection:
            self._find_names(connection)
            sample = self._sample(connection)
            if sample is None:
                return
            if after is not None and kind_of(after) != kind_of(sample):
                raise WatermarkChangedError(self._watermark, after, sample)
            column = self._column(connection, sample)
            wanted = select(column, func.count()).select_from(self._database.asked)
            wanted = wanted.where(column.is_not(None) if after is None else column > after)
            for chunk in stream(connection, wanted.group_by(column).order_by(column)):
                for value, rows in chunk:
                    yield read_watermark(self._watermark, value), rows

    def count_within(self, wanted: WatermarkRange) -> int:
        """Count the rows that a range has by now."""
        from sqlalchemy import func, select

        with self._database.connected() as connection:
            self._find_names(connection)
            mark = self._column(connection, wanted.upto)
            rows = select(func.count()).select_from(self._database.asked).where(mark <= wanted.upto)
            found = connection.execute(rows if wanted.after is None else rows.where(mark > wanted.after))
            return int(found.scalar_one())

    def count_unmarked(self) -> int:
        """Count the rows that have no watermark: they are never new."""
        from sqlalchemy import column, func, select

        unmarked = select(func.count()).select_from(self._database.asked)
        with self._database.connected() as connection:
            self._find_names(connection)
            found = connection.execute(unmarked.where(column(self._watermark).is_(None)))
            return int(found.scalar_one())

    def write(self, wanted: WatermarkRange, path: Path) -> int:
        """Write the rows of a range as parquet: the same rows give the same bytes. Return how many."""
        from sqlalchemy import column, select

        with self._database.connected() as connection:
            names = self._find_names(connection)
            mark = self._column(connection, wanted.upto)
            others: list[ColumnElement[Any]] = [column(name) for name in names if name != self._watermark]
            rows = select(*map(column, names)).select_from(self._database.asked).where(mark <= wanted.upto)
            if wanted.after is not None:
                rows = rows.where(mark > wanted.after)
            chunks = stream(connection, rows.order_by(mark, *others))
            return write_rows(chunks, names, path, wanted.batch)

    def _find_names(self, connection: "Connection") -> list[str]:
        names = self._database.column_names(connection)
        if self._watermark not in names:
            needed = f"{self._watermark!r}, the watermark: add it, or name one of them in [data.sql]"
            raise UnusableQueryError(names, needed)
        return names

    def _sample(self, connection: "Connection") -> Watermark | None:
        from sqlalchemy import column, select

        mark: ColumnElement[Any] = column(self._watermark)
        some = select(mark).select_from(self._database.asked).where(mark.is_not(None)).limit(1)
        value = connection.execute(some).scalar()
        return None if value is None else read_watermark(self._watermark, value)

    def _column(self, connection: "Connection", like: Watermark) -> "ColumnElement[Any]":
        from sqlalchemy import collate, column

        mark: ColumnElement[Any] = column(self._watermark)
        if not isinstance(like, str):
            return mark
        return collate(mark, collation_for(connection.dialect.name, self._watermark))


def collation_for(dialect: str, column: str) -> str:
    """Return the collation under which texts have the order of their letters' codes, as in Python.

    Under one that takes `a` for `A` different texts are one watermark, and a row in between would be lost.

    Raises
    ------
    UnorderedTextError
        For a database of which it is not known.
    """
    found = _BY_CODES.get(dialect)
    if found is None:
        raise UnorderedTextError(column, dialect)
    return found
