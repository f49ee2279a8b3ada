"""How does what was answered get into the prediction log, and when does the answer know?"""

import asyncio
import errno
import logging
from functools import partial
from typing import TYPE_CHECKING

from millrace.adapters.prediction_log.segment import encode
from millrace.domain.prediction import Answered, AnsweredRow, Record

if TYPE_CHECKING:
    from millrace.adapters.prediction_log.writer import SegmentWriter
    from millrace.serving.served import AnsweringArm


_Futures = list[asyncio.Future[None]] | None

log = logging.getLogger(__name__)


class LogUnavailableError(Exception):
    """The disk does not take the log record of a durable answer."""


class Journal:
    """Writes what was answered in one turn of the event loop as one record per arm."""

    def __init__(self, writer: "SegmentWriter", loop: asyncio.AbstractEventLoop) -> None:
        self._writer, self._loop = writer, loop
        self._rows: dict[AnsweringArm, list[AnsweredRow]] = {}
        self._waiting: dict[AnsweringArm, list[asyncio.Future[None]]] = {}

    def answered(self, arm: "AnsweringArm", row: AnsweredRow) -> None:
        """Log a row, at the end of this turn of the loop."""
        if not self._rows:
            self._loop.call_soon(self._flush)
        if (rows := self._rows.get(arm)) is None:
            rows = self._rows[arm] = []
        rows.append(row)

    def failed(self, arm: "AnsweringArm", rows: list[AnsweredRow], error: Exception) -> None:
        """Log rows that an arm could not score: they are evidence about it, and nobody waits for them."""
        # what the error says can be a value of a private column
        self._log_if_possible(arm, rows, None, type(error).__name__)

    def disk_has(self, arm: "AnsweringArm") -> "asyncio.Future[None]":
        """Return when the disk has what was logged of a durable arm; it may raise `LogUnavailableError`."""
        future = self._loop.create_future()
        self._waiting.setdefault(arm, []).append(future)
        return future

    def write(self, record: Record) -> None:
        """Log a record nobody waits for."""
        self._writer.append(encode(record))

    def write_durable(self, record: Record) -> "asyncio.Future[None]":
        """Log a record; the future is done when the disk has it."""
        future = self._loop.create_future()
        self._append(record, [future])
        return future

    def _flush(self) -> None:
        rows, self._rows = self._rows, {}
        waiting, self._waiting = self._waiting, {}
        for arm, answered in rows.items():
            self._log_if_possible(arm, answered, waiting.get(arm), None)

    def _log_if_possible(
        self, arm: "AnsweringArm", answered: list[AnsweredRow], futures: _Futures, failure: str | None
    ) -> None:
        try:
            self._log(arm, answered, futures, failure)
        except Exception as error:  # noqa: BLE001 - the rows of the other arms are not to go with these
            # what it says can be a value of a private column
            name = type(error).__name__
            log.warning("%s: %d rows cannot be logged: %s", arm.model, len(answered), name)
            if futures is None:
                self._writer.count_lost()
            else:
                _tell(futures, OSError(errno.EINVAL, name))

    def _log(
        self, arm: "AnsweringArm", answered: list[AnsweredRow], futures: _Futures, failure: str | None
    ) -> None:
        rows = arm.privately(answered)
        record = Answered(arm.model, arm.digest, arm.generation, arm.role, arm.logged_columns, rows, failure)
        if futures is None:
            self.write(record)
        else:
            self._append(record, futures)

    def _append(self, record: Record, futures: "list[asyncio.Future[None]]") -> None:
        self._writer.append_durable(encode(record), partial(self._tell_from_thread, futures))

    def _tell_from_thread(self, futures: "list[asyncio.Future[None]]", error: OSError | None) -> None:
        self._loop.call_soon_threadsafe(_tell, futures, error)


def _tell(futures: "list[asyncio.Future[None]]", error: OSError | None) -> None:
    for future in futures:
        # a client that has hung up has cancelled its own
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(LogUnavailableError(str(error)))
