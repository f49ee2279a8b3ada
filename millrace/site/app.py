"""Which path leads to which page?"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from millrace.domain.canonical import readable_json
from millrace.errors import MillraceError
from millrace.settings import LOOPBACK
from millrace.site.acts import take_act
from millrace.site.assets import make_asset_routes
from millrace.site.audit import gather_audit
from millrace.site.batches import gather_batch, gather_batches
from millrace.site.comparing import gather_comparison
from millrace.site.explained_answer import gather_question, take_question
from millrace.site.explaining import gather_explanation, take_measuring
from millrace.site.exposition import make_metrics_route
from millrace.site.gate import gather_gate
from millrace.site.headers import Guarded
from millrace.site.model import gather_model
from millrace.site.monitoring import gather_monitoring
from millrace.site.overview import Overviews
from millrace.site.rendering import render
from millrace.site.reports import make_report_route
from millrace.site.rollout import gather_rollout
from millrace.site.sharing import Shared
from millrace.site.trouble import answer_failure, answer_millrace_error, answer_nobody, answer_wrong_path
from millrace.site.uploads import take_upload
from millrace.site.version import gather_version

HOSTS = [LOOPBACK, "localhost"]
"""Names a request's Host may have: under any other, a stranger's page could be reading."""

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Page:
    """One page: what `gather` finds, shown by the template `name` or as JSON; `act` takes its forms.

    `asks` names what its address can say after the question mark.
    """

    name: str
    path: str
    json_path: str
    gather: Callable[..., Any]
    act: Callable[[Request, Clock], Awaitable[Response]] | None = None
    asks: tuple[str, ...] = ()

    def named(self, request: Request) -> dict[str, str]:
        """Return what `gather` is called with."""
        return request.path_params | {name: request.query_params.get(name, "") for name in self.asks}


PAGES = (
    Page("overview", "/", "/index.json", Overviews()),
    Page("audit", "/audit", "/audit.json", gather_audit),
    Page("model", "/models/{model}", "/models/{model}.json", gather_model),
    Page(
        "version",
        "/models/{model}/versions/{digest}",
        "/models/{model}/versions/{digest}.json",
        gather_version,
    ),
    Page(
        "gate",
        "/models/{model}/versions/{digest}/gate",
        "/models/{model}/versions/{digest}/gate.json",
        gather_gate,
    ),
    Page("batches", "/models/{model}/batches", "/models/{model}/batches.json", gather_batches, take_upload),
    Page(
        "batch",
        "/models/{model}/batches/{digest}",
        "/models/{model}/batches/{digest}.json",
        gather_batch,
    ),
    Page("monitoring", "/models/{model}/monitoring", "/models/{model}/monitoring.json", gather_monitoring),
    Page(
        "comparison",
        "/models/{model}/monitoring/compare",
        "/models/{model}/monitoring/compare.json",
        gather_comparison,
        asks=("first", "second"),
    ),
    Page(
        "explanation",
        "/models/{model}/explanation",
        "/models/{model}/explanation.json",
        gather_explanation,
        take_measuring,
        asks=("version",),
    ),
    Page(
        "answer",
        "/models/{model}/answer",
        "/models/{model}/answer.json",
        gather_question,
        take_question,
        asks=("request", "row"),
    ),
    Page("rollout", "/models/{model}/rollout", "/models/{model}/rollout.json", gather_rollout, take_act),
)


def create_app(clock: Clock) -> Guarded:
    """Make the site; `clock` says as of when a page is."""
    app = Starlette(
        routes=[
            *make_asset_routes(),
            make_metrics_route(clock),
            make_report_route(),
            *(route for page in PAGES for route in _make_routes(page, clock)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
        exception_handlers={
            HTTPException: answer_wrong_path,
            ClientDisconnect: answer_nobody,
            MillraceError: answer_millrace_error,
            Exception: answer_failure,
        },
    )
    app.router.redirect_slashes = False
    return Guarded(app)


def _make_routes(page: Page, clock: Clock) -> tuple[Route, Route]:
    gather = Shared(page.gather)

    async def show(request: Request) -> Response:
        if page.act is not None and request.method == "POST":
            return await page.act(request, clock)
        data = await gather(clock, **page.named(request))
        # in the loop's one thread: Matplotlib keeps its settings for the whole process
        base = str(request.base_url).rstrip("/")
        query = request.query_params
        return HTMLResponse(render(page.name, request.url.path, base=base, query=query, data=data))

    async def tell(request: Request) -> Response:
        if page.act is not None and request.method == "POST":
            return await page.act(request, clock)
        data = await gather(clock, **page.named(request))
        return Response(readable_json(data), media_type="application/json")

    methods = ["GET", "POST"] if page.act is not None else ["GET"]
    # a name takes in everything up to the next slash, so the longer path must be tried first
    return Route(page.json_path, tell, methods=methods), Route(page.path, show, methods=methods)
