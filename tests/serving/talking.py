"""A client that keeps its connection, and knows a whole answer from half of one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec


class HalfAnswerError(Exception):
    """A connection ended within an answer."""


@dataclass(frozen=True)
class Reply:
    """A whole answer; `closes` when it is the last on its connection."""

    status: int
    body: bytes
    closes: bool

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass(frozen=True)
class Connection:
    """One connection, on which one request after the other is asked."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes) -> Reply | None:
        """Send a request and return the answer, None when the connection ended before its first byte."""
        try:
            self.writer.write(request)
            await self.writer.drain()
        except OSError:
            return None
        return await self.answer()

    async def answer(self) -> Reply | None:
        """Wait for an answer, whole or none."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except OSError:
            return None
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise HalfAnswerError(error.partial) from error
            return None
        status, *lines = head.lower().split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in lines if line)
        try:
            body = await self.reader.readexactly(int(fields[b"content-length"]))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise HalfAnswerError(head) from error
        return Reply(int(status.split()[1]), body, fields.get(b"connection") == b"close")


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield connection
    finally:
        connection.writer.transport.abort()
