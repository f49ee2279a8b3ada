"""How is a request read on the plain ASGI level?"""

import itertools
import os
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

import msgspec

from millrace.serving.requests import Problem

if TYPE_CHECKING:
    from millrace.serving.receiving import Receiving

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON = b"application/json"
RETRY_AFTER = ((b"retry-after", b"1"),)
CLOSE = (b"connection", b"close")
"""For a body that is not read to its end: nothing after it could be."""
_JSON_TYPE = re.compile(rb"application/json\s*(;\s*charset=\"?utf-?8\"?\s*)?", re.IGNORECASE)
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

_prefix, _counter = os.urandom(8).hex(), itertools.count(1)


class RefusedError(Exception):
    """A request that gets no answer but a reason. `kind` is a word for metrics and for programs."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        problems: Iterable[Problem] = (),
        headers: tuple[Header, ...] = (),
    ) -> None:
        self.status, self.kind, self.problems, self.headers = status, kind, tuple(problems), headers
        super().__init__(message)


class ClientGoneError(Exception):
    """The client hung up before its request was whole, or before its answer was."""


class Head(msgspec.Struct, gc=False):
    """What the headers of a request say, as far as anybody here asks."""

    host: bytes = b""
    authorization: bytes = b""
    content_type: bytes = b""
    content_length: bytes = b""
    content_encoding: bytes = b""
    request_id: bytes = b""
    hosts: int = 0


def read_head(scope: Scope) -> Head:
    """Read the headers once."""
    head = Head()
    for name, value in scope["headers"]:
        if name == b"host":
            head.host = value
            head.hosts += 1
        elif name == b"content-type":
            head.content_type = value
        elif name == b"content-length":
            head.content_length = value
        elif name == b"authorization":
            head.authorization = value
        elif name == b"x-request-id":
            head.request_id = value
        elif name == b"content-encoding":
            head.content_encoding = value
    return head


def name_request(head: Head) -> str:
    """Return the client's name for its request, or a new one.

    Raises
    ------
    RefusedError
        If the client's name could not stand in a header, a log line or a path.
    """
    if not head.request_id:
        return new_request_id()
    if REQUEST_ID.fullmatch(head.request_id) is None:
        raise RefusedError(
            400, "bad_request_id", "x-request-id: allowed are 1 to 128 letters, digits and any of . _ : -"
        )
    return head.request_id.decode()


def new_request_id() -> str:
    """Return a name no other request has."""
    return f"{_prefix}{next(_counter):08x}"


def ensure_json(head: Head) -> None:
    """Refuse a body that says it is not JSON."""
    if head.content_type != JSON and _JSON_TYPE.fullmatch(head.content_type.strip()) is None:
        found = head.content_type.decode("latin-1") or "none"
        raise RefusedError(415, "content_type", f"content-type: found {found[:100]}, needed application/json")
    if head.content_encoding not in {b"", b"identity"}:
        found = head.content_encoding.decode("latin-1")
        raise RefusedError(415, "content_encoding", f"content-encoding: found {found[:100]}, needed none")


async def read_body(receive: Receive, head: Head, receiving: "Receiving") -> bytes:
    """Return the whole body.

    Raises
    ------
    RefusedError
        As soon as it is known to be larger than it may be, or too much is being received by all together.
    ClientGoneError
        If the client hangs up.
    """
    max_bytes = receiving.limits.max_body_bytes
    if head.content_length.isdigit() and int(head.content_length) > max_bytes:
        raise _too_large(int(head.content_length), max_bytes)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    body: bytes = message.get("body", b"")
    # what has come may be too much already, and no more of it need come
    if len(body) > max_bytes:
        raise _too_large(len(body), max_bytes)
    if message.get("more_body", False):
        return await _read_rest(receive, body, receiving)
    return body


async def _read_rest(receive: Receive, begun: bytes, receiving: "Receiving") -> bytes:
    body, is_whole = bytearray(begun), False
    receiving.held_bytes += len(body)
    try:
        while not is_whole:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk = message.get("body", b"")
            body += chunk
            receiving.held_bytes += len(chunk)
            if len(body) > receiving.limits.max_body_bytes:
                raise _too_large(len(body), receiving.limits.max_body_bytes)
            if receiving.held_bytes > receiving.limits.max_held_bytes:
                raise RefusedError(
                    503, "busy", "too many large bodies are being received. Try again",
                    headers=(*RETRY_AFTER, CLOSE),
                )  # fmt: skip
            is_whole = not message.get("more_body", False)
    finally:
        receiving.held_bytes -= len(body)
    return bytes(body)


def _too_large(size: int, max_bytes: int) -> RefusedError:
    return RefusedError(
        413,
        "too_large",
        f"the body: found {size:,} bytes or more, allowed are {max_bytes:,}. Send fewer rows at once",
        headers=(CLOSE,),
    )
