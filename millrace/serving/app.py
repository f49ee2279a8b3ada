"""Which path leads where? The predict route on plain ASGI, everything else through Starlette."""

import logging
import time
import traceback
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import Router

from millrace.serving.http import (
    ClientGoneError,
    Receive,
    RefusedError,
    Scope,
    Send,
    name_request,
    new_request_id,
    read_head,
)
from millrace.serving.predict import predict
from millrace.serving.receiving import Receiving
from millrace.serving.routes import make_routes
from millrace.serving.sending import send_refusal
from millrace.serving.service import Service

_MODELS, _PREDICT = "/v1/models/", "/predict"
_SHORTEST = len(_MODELS) + len(_PREDICT)

CLIENT_GONE = 499
"""What is counted where nobody is there to be answered; the number is nginx's."""

log = logging.getLogger(__name__)


class Application:
    """The ASGI application of one process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        # without Starlette's own application around it, every error comes to `__call__`
        self._rest = Router(make_routes(service), redirect_slashes=False, lifespan=self._lifespan)

    @property
    def receiving(self) -> Receiving:
        """What `DeadlineProtocol` asks for."""
        return self._service.receiving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, answer it or say why not, and count it."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        started, status, request_id = time.perf_counter(), CLIENT_GONE, ""
        path: str = scope["path"]
        model = path[len(_MODELS) : -len(_PREDICT)] if _is_predict(path) else None
        head = read_head(scope)
        try:
            request_id = name_request(head)
            self._service.gatekeeper.admit(head, path)
            if model is not None:
                status = await predict(self._service, model, scope, head, receive, send, request_id)
            else:
                status = await self._other(scope, receive, send, request_id)
        except ClientGoneError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever went wrong is answered in the one form, and counted
            status = await self._refuse(error, scope, model, send, request_id)
        finally:
            self._count(scope, model, status, request_id, started)

    @asynccontextmanager
    async def _lifespan(self, _app: Router) -> AsyncIterator[None]:
        await self._service.start()
        yield
        await self._service.stop()

    async def _refuse(
        self, error: Exception, scope: Scope, model: str | None, send: Send, request_id: str
    ) -> int:
        refused = _as_refused(error, model, request_id)
        known = self._service.known(_model_of(scope, model))
        self._service.metrics.refusals.labels(known, refused.kind).inc()
        try:
            await send_refusal(send, refused, request_id or new_request_id(), scope["path"])
        except ClientGoneError:
            return CLIENT_GONE
        return refused.status

    def _count(self, scope: Scope, model: str | None, status: int, request_id: str, started: float) -> None:
        route = "predict"
        if model is None:
            route = getattr(scope.get("endpoint"), "__name__", "unknown")
            # a client of the other protocol may have named its request in the body
            request_id = scope.get("request_id", request_id)
        known = self._service.known(_model_of(scope, model))
        self._service.metrics.count(known, route, status)
        if (access_log := self._service.access_log) is not None:
            access_log.add(request_id, scope["method"], route, known, status, time.perf_counter() - started)

    async def _other(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        scope["request_id"], scope["app"], status = request_id, self, 500

        async def watch(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            try:
                await send(message)
            except (RuntimeError, OSError) as error:
                raise ClientGoneError from error

        await self._rest(scope, receive, watch)
        return status


def _is_predict(path: str) -> bool:
    # the two may not share their slash
    return path.startswith(_MODELS) and path.endswith(_PREDICT) and len(path) >= _SHORTEST


def _model_of(scope: Scope, model: str | None) -> str:
    return model if model is not None else str(scope.get("path_params", {}).get("model", ""))


def _as_refused(error: Exception, model: str | None, request_id: str) -> RefusedError:
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, HTTPException):
        return _leads_nowhere(error)
    # what the error says can be a value of a private column: its kind, and where it came from, cannot
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: request %s failed: %s\n%s", model, request_id, type(error).__name__, where)
    return RefusedError(500, "internal", "the request could not be answered; the service's log says where")


def _leads_nowhere(error: HTTPException) -> RefusedError:
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = ", ".join(sorted((error.headers or {}).get("Allow", "GET").split(", ")))
        return RefusedError(
            405, "method", f"the method: needed is one of {allow}", headers=((b"allow", allow.encode()),)
        )
    return RefusedError(404, "unknown_path", "no such path; /docs lists those there are")
