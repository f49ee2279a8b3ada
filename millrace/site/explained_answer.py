"""Why did a version answer one row of one request as it did?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from millrace.domain.canonical import readable_json
from millrace.domain.explanation.logged import AnswerExplanation
from millrace.domain.explanation.truth import tell_truth
from millrace.domain.explanation.words import (
    tell_again,
    tell_answer,
    tell_change,
    tell_earlier,
    tell_hidden,
    tell_most,
    tell_usual,
    tell_value,
)
from millrace.site.forms import admit, read_fields, refuse
from millrace.site.rendering import render
from millrace.steps.explaining.beside import explain_answer_beside
from millrace.steps.stores import ensure_known

MAX_DIGITS = 8
HALF = 50.0


@dataclass(frozen=True)
class ToldInput:
    """An input in words; the bar of its change is `width` percent wide, from `start` on."""

    name: str
    value: str
    standing: str
    usual: str
    answer: str
    change: str
    start: float
    width: float


@dataclass(frozen=True)
class ToldAnswer:
    """An explained answer in words: what it was, what became true, whether it is that today, and why."""

    answer: str
    truth: str
    again: str
    more: tuple[str, ...]
    most: str
    inputs: tuple[ToldInput, ...]


@dataclass(frozen=True)
class AnswerPage:
    """One explained answer, or the question for it: `request` and `row` are what the form begins with."""

    at: datetime
    model: str
    request: str
    row: str
    found: AnswerExplanation | None

    @property
    def told(self) -> ToldAnswer | None:
        found = self.found
        if found is None:
            return None
        return ToldAnswer(
            tell_answer(found),
            tell_truth(found),
            tell_again(found),
            (*tell_hidden(found), *tell_earlier(found)),
            tell_most(found),
            _tell_inputs(found),
        )


def _tell_inputs(found: AnswerExplanation) -> tuple[ToldInput, ...]:
    most = max((abs(one.change or 0.0) for one in found.inputs), default=0.0)
    told = []
    for one in found.inputs:
        width = HALF * abs(one.change or 0.0) / most if most else 0.0
        start = HALF if (one.change or 0.0) > 0 else HALF - width
        value, usual, changes = tell_value(one.value), tell_usual(one), tell_change(found, one)
        told.append(ToldInput(one.name, value, one.standing.told, usual, *changes, start, width))
    return tuple(told)


def gather_question(now: datetime, model: str, request: str, row: str) -> AnswerPage:
    """Return the form that asks for an answer.

    Raises
    ------
    UnknownModelError
        If neither a folder nor an entry has that name.
    """
    ensure_known(model)
    return AnswerPage(now, model, request, row, None)


async def take_question(request: Request, clock: Callable[[], datetime]) -> Response:
    """Show an operator one logged answer: its inputs can be about a person, and not everybody's to read."""
    model = request.path_params["model"]
    fields = await read_fields(request)
    await admit(request, fields)
    wanted, row = fields.get("request", "").strip(), _read_row(fields)
    if not wanted:
        raise refuse(HTTPStatus.BAD_REQUEST, "no request came, needed is the id that its answer told")
    if "\0" in wanted:
        raise refuse(HTTPStatus.BAD_REQUEST, "a request id with a null character came, which none has")
    await run_in_threadpool(ensure_known, model)
    found = await run_in_threadpool(explain_answer_beside, model, wanted, row)
    page = AnswerPage(clock(), model, wanted, str(row), found)
    if request.url.path.endswith(".json"):
        return Response(readable_json(page), media_type="application/json")
    return HTMLResponse(render("answer", request.url.path, data=page))


def _read_row(fields: Mapping[str, str]) -> int:
    given = fields.get("row", "").strip() or "0"
    if not (given.isascii() and given.isdigit() and len(given) <= MAX_DIGITS):
        raise refuse(
            HTTPStatus.BAD_REQUEST, f"row {given[:40]!r} came, needed is its place in the request, from 0"
        )
    return int(given)
