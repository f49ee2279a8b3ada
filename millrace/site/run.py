"""How does the site listen?"""

import logging
import sys
from collections.abc import Callable
from datetime import datetime

from millrace.serving.listening import listen
from millrace.settings import LOOPBACK
from millrace.site.app import create_app

GRACE_SECONDS = 5


def run(port: int, clock: Callable[[], datetime]) -> None:
    """Show the pages to this machine until SIGTERM or Ctrl-C."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    listen(create_app(clock), LOOPBACK, port, GRACE_SECONDS, lifespan="off")
