"""Which path leads where? The predict route on plain ASGI, everything else through Starlette."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import Router

from millrace.serving.http import (
    ClientGoneError,
    Head,
    Receive,
    RefusedError,
    Scope,
    Send,
    name_request,
    new_request_id,
    read_head,
    send_json,
    send_refusal,
)
from millrace.serving.predict import predict
from millrace.serving.receiving import Receiving
from millrace.serving.routes import as_refused, make_routes
from millrace.serving.service import Service

_MODELS, _PREDICT = "/v1/models/", "/predict"

Answer = Callable[[str], Awaitable[int]]
"""Answers the request of this id, and returns the status."""

log = logging.getLogger(__name__)


class Application:
    """The ASGI application of one process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        # without Starlette's own application around it, every error comes to `_handle`
        self._rest = Router(make_routes(service), redirect_slashes=False, lifespan=self._lifespan)

    @property
    def receiving(self) -> Receiving:
        """What `DeadlineProtocol` asks for."""
        return self._service.receiving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        path: str = scope["path"]
        head = read_head(scope)
        if path.startswith(_MODELS) and path.endswith(_PREDICT):
            model = path[len(_MODELS) : -len(_PREDICT)]
            answer = partial(self._predict, model, scope["method"], receive, send, head)
            await self._handle("predict", model, scope, send, head, answer)
        else:
            await self._handle("", "", scope, send, head, partial(self._other, scope, receive, send))

    @asynccontextmanager
    async def _lifespan(self, _app: Router) -> AsyncIterator[None]:
        await self._service.start()
        yield
        await self._service.stop()

    async def _handle(
        self, route: str, model: str, scope: Scope, send: Send, head: Head, answer: Answer
    ) -> None:
        """Let the request in, answer it or say why not, and count it."""
        service, started, status, request_id = self._service, time.perf_counter(), 499, ""
        try:
            request_id = name_request(head)
            service.gatekeeper.admit(head, scope["path"])
            status = await answer(request_id)
        except ClientGoneError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever went wrong is answered in the one form, and counted
            refused = _as_refused(error, model, request_id)
            status = refused.status
            asked = model or scope.get("path_params", {}).get("model", "")
            service.metrics.refusals.labels(service.known(asked), refused.kind).inc()
            await send_refusal(send, refused, request_id or new_request_id(), scope["path"])
        finally:
            # a client of the other protocol may have named its request in the body
            request_id = scope.get("request_id", request_id)
            route = route or getattr(scope.get("endpoint"), "__name__", "unknown")
            model = service.known(model or scope.get("path_params", {}).get("model", ""))
            service.count_request(model, route, status)
            if service.access_log:
                seconds = time.perf_counter() - started
                service.access_log.add(request_id, scope["method"], route, model, status, seconds)

    async def _predict(
        self, model: str, method: str, receive: Receive, send: Send, head: Head, request_id: str
    ) -> int:
        if method != "POST":
            raise RefusedError(405, "method", f"found {method}, needed POST", headers=((b"allow", b"POST"),))
        served = self._service.find(model)
        body = await predict(self._service, served, head, receive, request_id)
        await send_json(send, 200, body, request_id)
        return 200

    async def _other(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        scope["request_id"], scope["app"], status = request_id, self, 500

        async def watch(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._rest(scope, receive, watch)
        return status


def _as_refused(error: Exception, model: str, request_id: str) -> RefusedError:
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, HTTPException):
        return as_refused(error)
    log.error("%s: request %s failed", model, request_id, exc_info=error)
    return RefusedError(500, "internal", "the request could not be answered; the service's log says why")
