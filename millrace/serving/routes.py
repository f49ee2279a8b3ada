"""What can be asked of a service besides answers to rows?"""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from millrace.serving.binary_tensors import write_answer
from millrace.serving.describing import describe_served
from millrace.serving.docs_page import DOCS_HEADERS, write_docs
from millrace.serving.http import read_head
from millrace.serving.infer import describe_model, ensure_version, infer
from millrace.serving.labels import take_labels
from millrace.serving.openapi import OpenApi

if TYPE_CHECKING:
    from millrace.serving.service import Service

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Endpoint = Callable[[Request], Awaitable[Response]]


def make_routes(service: "Service") -> list[Route]:
    """Return the routes; each knows the service, none changes what serves."""
    return [*_routes_of_service(service), *_routes_of_models(service), *_routes_of_protocol(service)]


def _routes_of_service(service: "Service") -> list[Route]:
    open_api = OpenApi(service)

    async def healthz(_request: Request) -> Response:
        return _answer({"live": True})

    async def readyz(request: Request) -> Response:
        found = service.readiness()
        status = 200 if found["ready"] else 503
        if not service.gatekeeper.knows(read_head(request.scope)):
            found = _without_details(found)
        return _answer(found, status)

    async def metrics(_request: Request) -> Response:
        return Response(service.metrics.exposition(), media_type=METRICS_TYPE)

    async def openapi(_request: Request) -> Response:
        return _answer(open_api.document())

    async def docs(request: Request) -> Response:
        return Response(
            write_docs(service, _address_of(request)), headers=DOCS_HEADERS, media_type="text/html"
        )

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
        Route("/docs", docs),
    ]


def _routes_of_models(service: "Service") -> list[Route]:
    async def models(_request: Request) -> Response:
        return _answer({"models": [describe_served(served) for _, served in sorted(service.models.items())]})

    async def model(request: Request) -> Response:
        return _answer(describe_served(service.find(request.path_params["model"])))

    async def labels(request: Request) -> Response:
        served = service.find(request.path_params["model"])
        accepted = await take_labels(service, served, read_head(request.scope), request.receive)
        return _answer({"request_id": request.scope["request_id"], "accepted": accepted}, request=request)

    return [
        Route("/v1/models", models),
        Route("/v1/models/{model}", model),
        Route("/v1/models/{model}/labels", labels, methods=["POST"]),
    ]


def _routes_of_protocol(service: "Service") -> list[Route]:
    """Return the routes of the Open Inference Protocol."""
    running = version("millrace")

    async def v2(_request: Request) -> Response:
        return _answer({"name": "millrace", "version": running, "extensions": ["binary_tensor_data"]})

    async def v2_live(_request: Request) -> Response:
        return _answer({"live": True})

    async def v2_ready(_request: Request) -> Response:
        ready = service.readiness()["ready"]
        return _answer({"ready": ready}, 200 if ready else 503)

    async def v2_model(request: Request) -> Response:
        served = service.find(request.path_params["model"])
        ensure_version(served, request.path_params.get("version"))
        return _answer(describe_model(served))

    async def v2_model_ready(request: Request) -> Response:
        served = service.find(request.path_params["model"])
        ensure_version(served, request.path_params.get("version"))
        return _answer({"name": served.model, "ready": True})

    async def v2_infer(request: Request) -> Response:
        served = service.find(request.path_params["model"])
        ensure_version(served, request.path_params.get("version"))
        found, binary = await infer(service, served, request)
        return write_answer(found, binary, request.scope["request_id"])

    routes = [Route("/v2", v2), Route("/v2/health/live", v2_live), Route("/v2/health/ready", v2_ready)]
    for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        routes += [
            Route(path, v2_model),
            Route(f"{path}/ready", v2_model_ready),
            Route(f"{path}/infer", v2_infer, methods=["POST"]),
        ]
    return routes


def _without_details(readiness: dict[str, Any]) -> dict[str, Any]:
    models = {name: {"ready": model["ready"]} for name, model in readiness["models"].items()}
    return {"ready": readiness["ready"], "models": models}


def _address_of(request: Request) -> str:
    """Return where the client found the service; HTTP/1.0 does not say it."""
    host, port = request.scope.get("server") or ("localhost", None)
    # Starlette's own URL does not bear every host that a client may send
    return f"{request.scope['scheme']}://" + request.headers.get("host", f"{host}:{port}" if port else host)


def _answer(content: Any, status: int = 200, request: Request | None = None) -> Response:
    """Answer with JSON, and with the request's name where the log knows it by that."""
    headers = {"x-request-id": request.scope["request_id"]} if request else None
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")
