"""How does a batch come in?"""

from contextlib import ExitStack
from http import HTTPStatus
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from millrace.errors import MillraceError
from millrace.site.forms import FileForm, admit
from millrace.steps.uploads import EmptyUploadError, Uploaded, max_upload_bytes, receiving


async def take_upload(request: Request, _clock: object) -> Response:
    """Take in the one file of a form, and lead to the page that tells what becomes of it."""
    form = FileForm(request)
    try:
        uploaded = await _receive(form, request.path_params["model"])
    except (MillraceError, HTTPException):
        await form.pass_over(max_upload_bytes())
        raise
    page = f"/models/{quote(uploaded.model)}/batches/{uploaded.digest}"
    if not request.url.path.endswith(".json"):
        return RedirectResponse(page, HTTPStatus.SEE_OTHER)
    told = {"digest": uploaded.digest, "file": uploaded.file, "before": uploaded.before, "page": page}
    status = HTTPStatus.CREATED if uploaded.before is None else HTTPStatus.OK
    return JSONResponse(told, status, {"location": f"{page}.json"})


async def _receive(form: FileForm, model: str) -> Uploaded:
    has_file = await form.find_file()
    await admit(form.request, form.fields)
    if not has_file or not form.name:
        raise EmptyUploadError
    with ExitStack() as stack:
        upload = await run_in_threadpool(stack.enter_context, receiving(model, form.name))
        async for piece in form.pieces():
            await run_in_threadpool(upload.write, piece)
        return await run_in_threadpool(upload.finish)
