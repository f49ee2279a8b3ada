"""How is an answer sent in one piece? uvicorn itself would send its head and its body apart."""

from collections.abc import Iterable

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from millrace.serving.http import CLOSE, JSON, ClientGoneError, Header, RefusedError, Send


async def send_json(
    send: Send, status: int, body: bytes, request_id: str, headers: tuple[Header, ...] = ()
) -> None:
    """Send a whole answer by one write, which is one packet and one turn of the client.

    Raises
    ------
    ClientGoneError
        If nobody is there any more, or another answer has begun.
    """
    # what uvicorn gives an application to send by is a method of the request's cycle
    cycle: RequestResponseCycle = send.__self__  # type: ignore[attr-defined]
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if cycle.disconnected or cycle.response_started:
        raise ClientGoneError
    told = (
        *cycle.default_headers,
        (b"content-type", JSON),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        *headers,
    )
    cycle.keep_alive = cycle.keep_alive and CLOSE not in headers
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    try:
        sent = b"" if cycle.scope["method"] == "HEAD" else body
        cycle.transport.write(whole_answer(status, told, sent, is_last=not cycle.keep_alive))
    except (RuntimeError, OSError) as error:
        raise ClientGoneError from error
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


async def send_refusal(send: Send, error: RefusedError, request_id: str, path: str) -> None:
    """Send why there is no answer, in the form of the protocol that the path is of."""
    body = protocol_refusal(error, request_id) if path.startswith("/v2") else refusal_body(error, request_id)
    await send_json(send, error.status, body, request_id, error.headers)


def refusal_body(error: RefusedError, request_id: str) -> bytes:
    """Write a refusal as JSON."""
    body: dict[str, object] = {"kind": error.kind, "message": str(error)}
    if error.problems:
        body["problems"] = error.problems
    return msgspec.json.encode({"error": body, "request_id": request_id})


def protocol_refusal(error: RefusedError, request_id: str) -> bytes:
    """Write a refusal as clients of the Open Inference Protocol read it: `error` is a text."""
    body: dict[str, object] = {"error": str(error), "kind": error.kind, "request_id": request_id}
    if error.problems:
        body["problems"] = error.problems
    return msgspec.json.encode(body)


def whole_answer(status: int, headers: Iterable[Header], body: bytes, *, is_last: bool) -> bytes:
    """Write an answer as it goes over the wire; after the last one the connection is closed."""
    parts = [STATUS_LINE[status]]
    for name, value in headers:
        if name != b"connection":
            parts += name, b": ", value, b"\r\n"
    parts += (b"connection: close\r\n\r\n" if is_last else b"\r\n"), body
    return b"".join(parts)
