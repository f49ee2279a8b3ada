"""Which files do the pages need beside themselves? All come out of installed packages."""

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from millrace.pages.style import GATE, TABLES, read_style

HERE = Path(__file__).parent
FOR_EVER = {"cache-control": "max-age=31536000, immutable"}
"""The address of a file changes with its content."""

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def read_assets() -> dict[str, bytes]:
    """Return the content of each by its name."""
    return {
        "site.css": read_style(TABLES, GATE, HERE / "site.css").encode(),
        "site.svg": (HERE / "site.svg").read_bytes(),
        "htmx.min.js": files("js_lib_htmx").joinpath("static/htmx/htmx.min.js").read_bytes(),
    }


@cache
def locate_asset(name: str) -> str:
    """Return the address of a file, which names its content too."""
    return f"/assets/{hashlib.sha256(read_assets()[name]).hexdigest()[:12]}/{name}"


def make_asset_routes() -> list[Route]:
    """Return a route for each file."""
    return [Route(locate_asset(name), _send, methods=["GET"]) for name in read_assets()]


async def _send(request: Request) -> Response:
    name = Path(request.url.path).name
    return Response(read_assets()[name], media_type=TYPES[Path(name).suffix], headers=FOR_EVER)
