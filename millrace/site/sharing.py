"""How many readers does one look at the ledger serve?"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool


class Shared:
    """What `gather` returns, for any number of readers at once, in one thread.

    They take turns, and whoever has waited while another's look began takes what that one found, which is as
    new as anybody could ask for: a hundred readers of an audit that takes a minute cost two.
    """

    def __init__(self, gather: Callable[..., Any]) -> None:
        self._gather, self._turn = gather, asyncio.Lock()
        self._began = 0.0
        self._named: dict[str, str] | None = None
        self._found: Any = None

    async def __call__(self, now: Callable[[], datetime], **named: str) -> Any:
        """Return what is so now, or was when this was asked for and has been found since."""
        asked = time.monotonic()
        async with self._turn:
            if self._began <= asked or self._named != named:
                began = time.monotonic()
                self._found = await run_in_threadpool(self._gather, now(), **named)
                self._began, self._named = began, named
            return self._found
