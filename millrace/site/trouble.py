"""What does a reader see where there is no page, or none can be made?"""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from millrace.errors import AmbiguousNameError, UnknownModelError
from millrace.site.rendering import render
from millrace.steps.lineage import UnknownBundleError

UNKNOWN = (UnknownModelError, UnknownBundleError, AmbiguousNameError)


async def answer_millrace_error(request: Request, error: Exception) -> Response:
    """Say what was found and what to do; where a name is unknown, which there are."""
    status = HTTPStatus.NOT_FOUND if isinstance(error, UNKNOWN) else HTTPStatus.SERVICE_UNAVAILABLE
    known = error.known if isinstance(error, UnknownModelError) else []
    return _answer(request, status, str(error), known)


async def answer_wrong_path(request: Request, error: Exception) -> Response:
    """Say that nothing is there, or that pages are only read."""
    found = error if isinstance(error, HTTPException) else HTTPException(HTTPStatus.NOT_FOUND)
    status = HTTPStatus(found.status_code)
    is_method = status is HTTPStatus.METHOD_NOT_ALLOWED
    message = "Pages are only read: GET and HEAD." if is_method else f"There is no page {request.url.path}."
    answer = _answer(request, status, message)
    answer.headers.update(found.headers or {})
    return answer


async def answer_failure(request: Request, _error: Exception) -> Response:
    """Say that the fault is ours; the server writes what it was to its log."""
    message = "This page could not be made; the log of `millrace ui` says why."
    return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, message)


def _answer(request: Request, status: HTTPStatus, message: str, known: list[str] | None = None) -> Response:
    if request.url.path.endswith(".json"):
        return JSONResponse({"error": message}, status)
    page = render("trouble", request.url.path, status=status.phrase, message=message, known=known or [])
    return HTMLResponse(page, status)
