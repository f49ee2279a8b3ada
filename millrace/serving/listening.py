"""How does whatever of ours answers HTTP listen?"""

import signal
import sys
from typing import Any

import uvicorn


def listen(app: Any, host: str, port: int, grace_seconds: int, **own: Any) -> None:
    """Answer until SIGTERM or Ctrl-C, and then for `grace_seconds` what was being answered.

    `own` are the options of uvicorn in which one differs from the other. Whom a request comes from is its
    sender, whatever a header says; and no answer says what made it.
    """
    # uvicorn raises the signal that ended it once more, by which an orderly end would look like a crash
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        app,
        host=host,
        port=port,
        ws="none",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=grace_seconds,
        **own,
    )
