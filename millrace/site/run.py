"""How does the site listen?"""

import logging
import signal
import sys
from collections.abc import Callable
from datetime import datetime

import uvicorn

from millrace.settings import LOOPBACK
from millrace.site.app import create_app

GRACE_SECONDS = 5


def run(port: int, clock: Callable[[], datetime]) -> None:
    """Show the pages to this machine until SIGTERM or Ctrl-C."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    # uvicorn raises the signal that ended it once more, by which an orderly end would look like a crash
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        create_app(clock),
        host=LOOPBACK,
        port=port,
        ws="none",
        lifespan="off",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
