"""`millrace serve`: the prediction service."""

import contextlib
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from millrace.cli.port import Port

Count = Annotated[int, Parameter(validator=Number(gte=1))]


def serve(  # noqa: PLR0913 - each is a flag of its own
    *,
    host: str = "127.0.0.1",
    port: Annotated[Port, Parameter(env_var="MILLRACE_SERVE_PORT")] = 8300,
    workers: Count = 1,
    channel: Annotated[str | None, Parameter(env_var="MILLRACE_CHANNEL")] = None,
    model: tuple[str, ...] = (),
    store: Path | None = None,
    log: Path | None = None,
    public_key: Path | None = None,
    tokens: Path | None = None,
    allow_host: tuple[str, ...] = (),
    interval: Annotated[float, Parameter(validator=Number(gt=0))] = 0.25,
    access_log: bool = True,
) -> None:
    """Answer requests with the champions of a channel, and follow it, until SIGTERM or Ctrl-C.

    It needs nothing else of Millrace to be up, and answers from its store where the channel is away.

    Example: `millrace serve`; elsewhere `millrace serve --channel s3://BUCKET/X --public-key signing.pub`.

    Parameters
    ----------
    host
        Where to listen. Beyond this machine it needs a token of `millrace token create`.
    port
        Which port to listen on.
    workers
        Processes that share the port, one for each core.
    channel
        A folder or a URL; by default the folder of this installation.
    model
        Serve these alone; a web server that shows no listing needs them named.
    store
        Where bundles are kept on this machine.
    log
        Where the prediction log is written.
    public_key
        The key pointers must be signed by.
    tokens
        The file of `millrace token`.
    allow_host
        A name clients may use for this service in Host; by default the address it listens on.
    interval
        Seconds between two looks at the channel.
    access_log
        One JSON line for each request on standard output, without what was asked or answered.
    """
    from millrace.serving.run import hosts_of, run
    from millrace.serving.settings import ServiceSettings
    from millrace.settings import load_settings

    home = load_settings()
    if channel is None:
        # before the first champion there is nothing to follow, which is no trouble
        home.channel.mkdir(parents=True, exist_ok=True)
    settings = ServiceSettings(
        channel=channel or str(home.channel),
        store=store or home.store,
        predictions=log or home.predictions,
        public_key=public_key or home.public_key,
        tokens=tokens or home.tokens,
        hosts=allow_host or hosts_of(host),
        models=model,
        interval_seconds=interval,
        has_access_log=access_log,
    )
    shown = f"[{host}]" if ":" in host else host
    # with nobody to tell, or on a full disk, it serves all the same
    with contextlib.suppress(OSError):
        print(f"http://{shown}:{port}/docs shows what is answered; Ctrl-C ends it", file=sys.stderr)
    run(settings, host, port, workers)
