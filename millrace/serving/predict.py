"""What happens to a request for answers, from its bytes to its answer's?"""

import asyncio
import time
from asyncio import to_thread
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from millrace.adapters import clock
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
from millrace.serving.sending import send_json

if TYPE_CHECKING:
    from millrace.serving.served import AnsweringArm, Served
    from millrace.serving.service import Service

Arms = Sequence["AnsweringArm"]
Given = tuple[Arms, Sequence[Answer]]
"""The arm that answered each row, and its answer."""
Found = tuple[Arms, Sequence[Answer | None], Sequence[float]]
"""The same where a row may have no finite answer, and when it was there; see `Scored`."""

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
    write = _write_many if is_array(body) else _write_one
    answer = await to_thread(write, request_id, *given) if is_large else write(request_id, *given)
    await send_json(send, 200, answer, request_id)
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
            try:
                answers, answered_at = await only.batcher.answer(rows)
            except Exception as error:
                _log_failed(service, only, request_id, enumerate(rows), error, started)
                raise
            found: Found = (only,) * len(rows), answers, (answered_at,) * len(rows)
        else:
            found = await _answer_by_arms(service, served, request_id, rows, started)
        if None in found[1]:
            raise _refused_non_finite(service, request_id, rows, found, started)
        given: Given = found[:2]  # type: ignore[assignment] # of which each row has an answer
        if waits := _log(service, request_id, rows, found, started):
            await until_logged(waits)
    for shadow in served.shadows:
        for at, row in enumerate(rows):
            shadow.offer(request_id, at, row, served.key_of(request_id, row))
    return given


def refused_rows(
    service: "Service", model: str, error: InvalidRowsError | MalformedRequestError
) -> RefusedError:
    """Turn what the schema found into a refusal, and count it by field."""
    if isinstance(error, MalformedRequestError):
        return RefusedError(400, "malformed", str(error))
    for problem in error.problems:
        service.count_violation(model, problem.field)
    return RefusedError(422, "invalid_rows", str(error), error.problems)


def _refused_non_finite(
    service: "Service", request_id: str, rows: Sequence[Row], found: Found, started: float
) -> RefusedError:
    """Refuse rows that the model has no number for; they are logged, as evidence about the model."""
    now, lost = clock.timestamp(), [at for at, answer in enumerate(found[1]) if answer is None]
    for at in lost:
        micros = int((found[2][at] - started) * 1e6)
        service.journal.answered(found[0][at], AnsweredRow(request_id, at, now, rows[at], None, micros))
    problems = [
        Problem(at, None, "a row", "one the model gives a finite answer to") for at in lost[:MAX_PROBLEMS]
    ]
    return RefusedError(
        422,
        "non_finite_answer",
        f"the model gives no finite answer to row {lost[0]}. No row was answered",
        problems,
    )


async def _answer_by_arms(
    service: "Service", served: "Served", request_id: str, rows: Sequence[Row], started: float
) -> Found:
    parts = [
        (arm, positions, arm.batcher.answer([rows[at] for at in positions]))
        for arm, positions in served.route(request_id, rows).items()
    ]
    found: dict[int, tuple[AnsweringArm, Answer | None, float]] = {}
    failure: Exception | None = None
    for arm, positions, answers in parts:
        try:
            some, answered_at = await answers
            for at, answer in zip(positions, some, strict=True):
                found[at] = (arm, answer, answered_at)
        except Exception as error:  # noqa: BLE001 - raised below: the other arms may have failed too
            _log_failed(service, arm, request_id, [(at, rows[at]) for at in positions], error, started)
            failure = failure or error
    if failure is not None:
        raise failure
    arms, given, times = zip(*(found[at] for at in range(len(rows))), strict=True)
    return arms, given, times


def _log_failed(
    service: "Service",
    arm: "AnsweringArm",
    request_id: str,
    rows: Iterable[tuple[int, Row]],
    error: Exception,
    started: float,
) -> None:
    """Log what an arm could not score, as evidence about it."""
    now, micros = clock.timestamp(), int((time.perf_counter() - started) * 1e6)
    lost = [AnsweredRow(request_id, at, now, row, None, micros) for at, row in rows]
    service.journal.failed(arm, lost, error)


def _log(
    service: "Service", request_id: str, rows: Sequence[Row], found: Found, started: float
) -> "list[asyncio.Future[None]]":
    now, log, arms = clock.timestamp(), service.journal.answered, found[0]
    for at, (arm, answer, answered_at) in enumerate(zip(*found, strict=True)):
        log(arm, AnsweredRow(request_id, at, now, rows[at], answer, int((answered_at - started) * 1e6)))
    if not arms[0].is_durable:  # which is a matter of the model, not of the arm
        return []
    return [service.journal.disk_has(arm) for arm in set(arms)]


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


def _write_one(request_id: str, arms: Arms, answers: Sequence[Answer]) -> bytes:
    arm = arms[0]
    return f'{{"request_id":"{request_id}",{arm.head}{arm.tail}{arm.write_answer(answers[0])}}}'.encode()


def _write_many(request_id: str, arms: Arms, answers: Sequence[Answer]) -> bytes:
    written = zip(arms, answers, strict=True)
    rows = ",".join(f"{{{arm.tail}{arm.write_answer(answer)}}}" for arm, answer in written)
    return f'{{"request_id":"{request_id}",{arms[0].head}"answers":[{rows}]}}'.encode()
