"""What does a reader see where there is no page, or none can be made?"""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from millrace.domain.upload import UnfitNameError
from millrace.errors import (
    AmbiguousNameError,
    MillraceError,
    MissingReasonError,
    NoSpaceError,
    UnknownModelError,
)
from millrace.site.batches import UnknownBatchDigestError
from millrace.site.comparing import UnknownWindowError
from millrace.site.rendering import render
from millrace.site.reports import UnknownReportError
from millrace.steps.explaining.beside import NoSuchAnswerError
from millrace.steps.gate_reports import NotJudgedError
from millrace.steps.lineage import UnknownBundleError
from millrace.steps.operators import NotAnOperatorError, UnknownTokenError
from millrace.steps.uploads import EmptyUploadError, NoUploadsError, UploadTooLargeError

STATUSES: dict[type[MillraceError], HTTPStatus] = {
    UnknownModelError: HTTPStatus.NOT_FOUND,
    UnknownBundleError: HTTPStatus.NOT_FOUND,
    NotJudgedError: HTTPStatus.NOT_FOUND,
    UnknownBatchDigestError: HTTPStatus.NOT_FOUND,
    UnknownReportError: HTTPStatus.NOT_FOUND,
    UnknownWindowError: HTTPStatus.NOT_FOUND,
    NoSuchAnswerError: HTTPStatus.NOT_FOUND,
    AmbiguousNameError: HTTPStatus.NOT_FOUND,
    UnknownTokenError: HTTPStatus.UNAUTHORIZED,
    NotAnOperatorError: HTTPStatus.FORBIDDEN,
    MissingReasonError: HTTPStatus.BAD_REQUEST,
    EmptyUploadError: HTTPStatus.BAD_REQUEST,
    UnfitNameError: HTTPStatus.BAD_REQUEST,
    NoUploadsError: HTTPStatus.CONFLICT,
    UploadTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NoSpaceError: HTTPStatus.INSUFFICIENT_STORAGE,
}
"""What each of our errors is in HTTP; any other is something that is not as it should be here."""


async def answer_millrace_error(request: Request, error: Exception) -> Response:
    """Say what was found and what to do; where a name is unknown, which there are."""
    found = (STATUSES[kind] for kind in type(error).mro() if kind in STATUSES)
    known = error.known if isinstance(error, UnknownModelError) else []
    status = next(found, HTTPStatus.SERVICE_UNAVAILABLE)
    answer = _answer(request, status, str(error), known)
    if status is HTTPStatus.UNAUTHORIZED:
        answer.headers["www-authenticate"] = "Bearer"
    return answer


async def answer_wrong_path(request: Request, error: Exception) -> Response:
    """Say that nothing is there, or what is wrong with what was sent."""
    found = error if isinstance(error, HTTPException) else HTTPException(HTTPStatus.NOT_FOUND)
    status, allowed = HTTPStatus(found.status_code), (found.headers or {}).get("Allow", "")
    match status:
        case HTTPStatus.NOT_FOUND:
            message = f"There is no page {request.url.path}."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            message = f"{request.method} came, needed here is one of {allowed}."
        case _:
            message = found.detail
    answer = _answer(request, status, message)
    answer.headers.update(found.headers or {})
    return answer


async def answer_nobody(_request: Request, _error: Exception) -> Response:
    """Answer who went away while sending, which nobody hears any more."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def answer_failure(request: Request, _error: Exception) -> Response:
    """Say that the fault is ours; the server writes what it was to its log."""
    message = "This page could not be made; the log of `millrace ui` says why."
    return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, message)


def _answer(request: Request, status: HTTPStatus, message: str, known: list[str] | None = None) -> Response:
    if request.url.path.endswith(".json"):
        return JSONResponse({"error": message}, status)
    page = render(
        "trouble", request.url.path, status=status.phrase, message=message, known=known or [],
        is_form=request.method == "POST" and status is not HTTPStatus.NOT_FOUND,
    )  # fmt: skip
    return HTMLResponse(page, status)
