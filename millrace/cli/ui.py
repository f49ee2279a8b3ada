"""`millrace ui`: the status site."""

import sys
from typing import Annotated

from cyclopts import Parameter

from millrace.cli.port import Port


def ui(*, port: Annotated[Port, Parameter(env_var="MILLRACE_UI_PORT")] = 8400) -> None:
    """Show all models on pages in a browser, until SIGTERM or Ctrl-C.

    It needs the ledger and the channel only, and answers this machine alone. Whoever has a token of
    `millrace token create NAME --operator` uploads batches there and decides on rollouts.

    Example: `millrace ui`, or `millrace ui --port 8500`.

    Parameters
    ----------
    port
        Where to listen, on 127.0.0.1.
    """
    from millrace.adapters import clock
    from millrace.adapters.ports import ensure_free
    from millrace.settings import LOOPBACK
    from millrace.site.run import run

    ensure_free(port, "--port")
    print(f"http://{LOOPBACK}:{port} shows all models; Ctrl-C ends it", file=sys.stderr)
    run(port, clock.now)
