"""Who sends a form, and what is in it?"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from millrace.steps.operators import find_operator

MAX_FIELD_BYTES = 8192
MAX_FORM_BYTES = 16_384
"""A character can come as nine bytes: a reason of a thousand has room, in whatever script."""
MAX_PARTS = 16
_MAX_BUFFER = 1 << 20
"""More than a server hands over at once: only headers without an end could pile up so."""

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


def refuse(status: HTTPStatus, message: str) -> HTTPException:
    """Return the refusal of a request that is no form of ours."""
    return HTTPException(status, message)


async def read_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form without a file."""
    kind, _ = parse_options_header(request.headers.get("content-type"))
    if kind != FORM:
        raise refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{kind or 'no content type'} came, {FORM} is needed")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_FORM_BYTES:
            raise refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a form is {MAX_FORM_BYTES:,} bytes at most")
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_PARTS))
    except ValueError as error:
        raise refuse(HTTPStatus.BAD_REQUEST, f"the form cannot be read: {error}") from error
    for name, value in fields.items():
        _ensure_short(name, value.encode("utf-8", "replace"))
    return fields


async def admit(request: Request, fields: dict[str, str]) -> str:
    """Return the operator's name by the token in the header or, without one, in the form.

    Raises
    ------
    UnknownTokenError, NotAnOperatorError
        If there is none that opens a form.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token if scheme.lower() == "bearer" else fields.get("token", "")
    return await run_in_threadpool(find_operator, given)


@dataclass
class FileForm:
    """A form with one file, read as it comes: first the fields, then the pieces of the file."""

    request: Request
    fields: dict[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        kind, options = parse_options_header(self.request.headers.get("content-type"))
        if kind != MULTIPART or not options.get("boundary"):
            found = kind or "no content type"
            raise refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{found} came, {MULTIPART} is needed")
        boundary = options["boundary"].encode("latin-1", "replace")
        self._decoder = MultipartDecoder(boundary, _MAX_BUFFER, max_parts=MAX_PARTS)
        self._pieces = self.request.stream()
        self._events = self._read()

    async def find_file(self) -> bool:
        """Read the fields before the file; say whether one follows, whose name is known then."""
        current, value = "", b""
        async for event in self._events:
            match event:
                case File():
                    self.name = event.filename
                    return True
                case Field():
                    current, value = event.name, b""
                case Data():
                    value += event.data
                    self._keep(current, value)
                case _:
                    pass
        return False

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the file's content; what comes after it is passed over."""
        is_within = True
        async for event in self._events:
            if is_within and isinstance(event, Data):
                yield event.data
                is_within = event.more_data

    async def pass_over(self, most: int) -> None:
        """Hear the rest, up to so many bytes: a browser shows no answer that comes while it is sending."""
        async for piece in self._pieces:
            most -= len(piece)
            if most < 0:
                return

    def _keep(self, name: str, value: bytes) -> None:
        _ensure_short(name, value)
        self.fields[name] = value.decode("utf-8", "replace")

    async def _read(self) -> AsyncIterator[Event]:
        async for piece in self._pieces:
            with _reading():
                self._decoder.receive_data(piece or None)
            while not isinstance(event := self._next(), NeedData | Epilogue):
                yield event

    def _next(self) -> Event:
        with _reading():
            return self._decoder.next_event()


def _ensure_short(name: str, value: bytes) -> None:
    if len(value) > MAX_FIELD_BYTES:
        raise refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"field {name[:40]!r} is too long")


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (ValueError, RequestEntityTooLarge) as error:
        raise refuse(HTTPStatus.BAD_REQUEST, f"the form cannot be read: {error}") from error
