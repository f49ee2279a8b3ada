"""What happens to a request for answers, from its bytes to its answer's?"""

import asyncio
import time
from asyncio import to_thread
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from millrace.domain.prediction import Answer, AnsweredRow
from millrace.serving.http import (
    RETRY_AFTER,
    Head,
    Receive,
    RefusedError,
    Scope,
    Send,
    ensure_json,
    read_body,
    send_json,
)
from millrace.serving.journal import LogUnavailableError
from millrace.serving.requests import (
    MAX_PROBLEMS,
    InvalidRowsError,
    MalformedRequestError,
    Problem,
    Row,
    is_array,
)

if TYPE_CHECKING:
    from millrace.serving.served import AnsweringArm, Served
    from millrace.serving.service import Service

Given = list[tuple["AnsweringArm", Answer]]
"""The answer of each row, and the arm it came from."""
Found = tuple["AnsweringArm", Answer | None]


LARGE_BODY_BYTES = 64 << 10
"""A larger body is decoded, and its answer written, in a thread: the event loop has other clients."""


async def predict(  # noqa: PLR0913, PLR0917 - what ASGI gives, and what was found out about it already
    service: "Service", model: str, scope: Scope, head: Head, receive: Receive, send: Send, request_id: str
) -> int:
    """Answer one row or many, and return the status.

    Raises
    ------
    RefusedError
        With every reason why no row was answered.
    """
    if scope["method"] != "POST":
        raise RefusedError(
            405, "method", f"found {scope['method']}, needed POST", headers=((b"allow", b"POST"),)
        )
    service.find(model)
    ensure_json(head)
    body = await read_body(receive, head, service.receiving)
    # what answers may have changed while the body came
    served, started, is_large = service.find(model), time.perf_counter(), len(body) > LARGE_BODY_BYTES
    try:
        rows = await to_thread(served.schema.decode, body) if is_large else served.schema.decode(body)
    except (InvalidRowsError, MalformedRequestError) as error:
        raise refused_rows(service, served.model, error) from error
    given = await answer_rows(service, served, request_id, rows, started)
    service.seconds(model, "predict").observe(time.perf_counter() - started)
    write = partial(_write, served, request_id, given, is_many=is_array(body))
    await send_json(send, 200, await to_thread(write) if is_large else write(), request_id)
    return 200


async def answer_rows(
    service: "Service", served: "Served", request_id: str, rows: Sequence[Row], started: float
) -> Given:
    """Score rows by their arms, log them, and show them to the shadows; all rows are answered, or none."""
    if len(rows) > service.limits.max_rows:
        raise RefusedError(
            413,
            "too_many_rows",
            f"found {len(rows):,} rows, allowed are {service.limits.max_rows:,} in one request",
        )
    with service.turns:
        if (only := served.only_arm) is not None:
            given: list[Found] = [(only, answer) for answer in await only.batcher.answer(rows)]
        else:
            given = await _answer_by_arms(served, request_id, rows)
        micros = int((time.perf_counter() - started) * 1e6)
        _refuse_non_finite(service, request_id, rows, given, micros)
        waits = _log(service, request_id, rows, given, micros)
        if waits:
            await until_logged(waits)
    for shadow in served.shadows:
        for at, row in enumerate(rows):
            shadow.offer(request_id, at, row, served.key_of(request_id, row))
    return given  # type: ignore[return-value] # a row without an answer was refused above


def refused_rows(
    service: "Service", model: str, error: InvalidRowsError | MalformedRequestError
) -> RefusedError:
    """Turn what the schema found into a refusal, and count it by field."""
    if isinstance(error, MalformedRequestError):
        return RefusedError(400, "malformed", str(error))
    for problem in error.problems:
        service.count_violation(model, problem.field)
    return RefusedError(422, "invalid_rows", str(error), error.problems)


def _refuse_non_finite(
    service: "Service", request_id: str, rows: Sequence[Row], given: list[Found], micros: int
) -> None:
    """Refuse rows that the model has no number for; they are logged, as evidence about the model."""
    lost = [at for at, (_, answer) in enumerate(given) if answer is None]
    if not lost:
        return
    now = time.time()
    for at in lost:
        arm = given[at][0]
        service.journal.answered(arm, AnsweredRow(request_id, at, now, rows[at], None, micros))
    problems = [
        Problem(at, None, "a row", "one the model gives a finite answer to") for at in lost[:MAX_PROBLEMS]
    ]
    raise RefusedError(
        422,
        "non_finite_answer",
        f"the model gives no finite answer to row {lost[0]}. No row was answered",
        problems,
    )


async def _answer_by_arms(served: "Served", request_id: str, rows: Sequence[Row]) -> list[Found]:
    parts = [
        (arm, positions, arm.batcher.answer([rows[at] for at in positions]))
        for arm, positions in served.route(request_id, rows).items()
    ]
    found: dict[int, Found] = {}
    for arm, positions, answers in parts:
        for at, answer in zip(positions, await answers, strict=True):
            found[at] = (arm, answer)
    return [found[at] for at in range(len(rows))]


def _log(
    service: "Service", request_id: str, rows: Sequence[Row], given: list[Found], micros: int
) -> "list[asyncio.Future[None]]":
    now, log = time.time(), service.journal.answered
    for at, (arm, answer) in enumerate(given):
        log(arm, AnsweredRow(request_id, at, now, rows[at], answer, micros))
    if not given[0][0].is_durable:  # which is a matter of the model, not of the arm
        return []
    return [service.journal.disk_has(arm) for arm in {arm for arm, _ in given}]


async def until_logged(waits: "Iterable[asyncio.Future[None]]") -> None:
    """Wait for the disk.

    Raises
    ------
    RefusedError
        503 if it does not take the log.
    """
    try:
        for wait in waits:
            await wait
    except LogUnavailableError as error:
        raise RefusedError(
            503,
            "log_unavailable",
            f"the prediction log cannot be written ({error}); this model answers only what is logged. "
            "Nothing was acknowledged, try again",
            headers=RETRY_AFTER,
        ) from error


def _write(served: "Served", request_id: str, given: Given, *, is_many: bool) -> bytes:
    head = f'{{"request_id":"{request_id}","model":"{served.model}","generation":{served.generation},'
    if not is_many:
        arm, answer = given[0]
        return f"{head}{arm.tail}{arm.write_answer(answer)}}}".encode()
    answers = ",".join(f"{{{arm.tail}{arm.write_answer(answer)}}}" for arm, answer in given)
    return f'{head}"answers":[{answers}]}}'.encode()
