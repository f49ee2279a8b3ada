"""What does an operator's word do to a rollout?"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from millrace.domain.rollout.advance import Transition
from millrace.errors import MillraceError
from millrace.site.forms import admit, read_fields, refuse
from millrace.steps.rollout import Act, say_to_rollout
from millrace.steps.serve import publish_model_pointer, send_to_remote
from millrace.steps.stores import StaleGenerationError

log = logging.getLogger(__name__)

SAYS = tuple(act for act in Act if act is not Act.LOOK)


async def take_act(request: Request, clock: Callable[[], datetime]) -> Response:
    """Record what was said, tell the services, and lead back to the rollout.

    A form that was filled in for another state of the rollout than today's is not taken: who approves a
    step has seen that step.
    """
    model = request.path_params["model"]
    fields = await read_fields(request)
    actor = await admit(request, fields)
    act = _find_act(fields.get("act", ""))
    now = clock()  # not before: a body takes as long as whoever sends it likes
    say = partial(say_to_rollout, model, act, fields.get("reason", ""), now, actor, _find_seen(fields))
    try:
        transition = await run_in_threadpool(say)
    except StaleGenerationError as error:
        found = f"the form was about generation {error.seen}, it is {error.found} now"
        raise refuse(HTTPStatus.CONFLICT, f"Nothing was done: {found}. Look again.") from error
    if transition.fact is None:
        raise refuse(HTTPStatus.CONFLICT, f"Nothing was done: {transition.reason}.")
    await run_in_threadpool(_tell_services, model, now)
    return _answer(request, model, act, transition)


def _find_act(given: str) -> Act:
    if given not in SAYS:
        raise refuse(HTTPStatus.BAD_REQUEST, f"act {given[:40]!r} came, needed is one of {', '.join(SAYS)}")
    return Act(given)


def _find_seen(fields: Mapping[str, str]) -> int | None:
    given = fields.get("seen")
    if given is None:
        return None
    try:
        return int(given)
    except ValueError as error:
        found = f"seen {given[:40]!r} came, needed is the generation that was looked at"
        raise refuse(HTTPStatus.BAD_REQUEST, found) from error


def _tell_services(model: str, now: datetime) -> None:
    """Publish at once; where that fails the controller does it, for the ledger has it."""
    try:
        publish_model_pointer(model, now)
        send_to_remote(model)
    except (MillraceError, OSError) as error:
        log.warning("%s: services are to follow by `millrace reconcile`: %s", model, error)


def _answer(request: Request, model: str, act: Act, transition: Transition) -> Response:
    page = f"/models/{quote(model)}/rollout"
    if not request.url.path.endswith(".json"):
        return RedirectResponse(page, HTTPStatus.SEE_OTHER)
    after = transition.after
    told = {"act": act, "recorded": type(transition.fact).__name__, "phase": after.phase, "page": page}
    return JSONResponse(told | {"generation": after.generation, "weight": after.weight})
