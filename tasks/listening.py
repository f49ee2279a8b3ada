"""Hearing of Prefect's events as they happen: they only hurry, whoever misses one looks a little later."""

import asyncio
import logging
import threading

from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter

PREFIXES = ["millrace.", "prefect.flow-run."]
AGAIN_AFTER_SECONDS = 5.0

log = logging.getLogger(__name__)


def listen(heard: threading.Event) -> threading.Thread:
    """Set `heard` at each event about our work, for as long as this process lives."""
    thread = threading.Thread(target=lambda: asyncio.run(_listen(heard)), daemon=True, name="events")
    thread.start()
    return thread


async def _listen(heard: threading.Event) -> None:
    wanted = EventFilter(event=EventNameFilter(prefix=PREFIXES))
    while True:
        try:
            async with get_events_subscriber(filter=wanted, reconnection_attempts=0) as events:
                async for _event in events:
                    heard.set()
        except Exception as error:  # noqa: BLE001 (whatever ends a subscription, the next one is tried)
            log.debug("not listening to Prefect: %s", error)
        await asyncio.sleep(AGAIN_AFTER_SECONDS)
