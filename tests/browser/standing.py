"""A status site with something on each of its pages, and a browser's page of it."""

from pathlib import Path

from playwright.sync_api import Browser, Page

from millrace.domain.contract import Violation
from millrace.domain.facts import BatchQuarantined
from millrace.domain.rollout.state import Phase
from tests.conftest import NOON
from tests.site.door import INBOX
from tests.site.rolling_out import BROKEN, BY_HAND, Rolling
from tests.site.told import HOSTILE, Told, entered, tell_all

REFRESH_MS = 40_000
"""The first page asks for itself every 10 seconds, the others more often."""

QUARANTINED = "c" * 64
ROLLOUT = "/models/fares/rollout"
MONITORING = "/models/rides/monitoring"


def tell_site(root: Path) -> Told:
    """Write an installation of which `fares` takes uploads and has a batch in quarantine."""
    told = tell_all(root)
    told.home.rewrite("fares", 'source = "python"', INBOX)
    broken = Violation("min", "luggage", 2, "2 values below 0", ("17: -2", f"18: {HOSTILE}"))
    with entered(told.home):
        fact = BatchQuarantined(QUARANTINED, "2013-05.parquet", (broken,))
        told.home.ledger.append("fares", fact, NOON, "controller")
    return told


def roll_out(told: Told) -> Rolling:
    """Tell of one rollout that was aborted, and of one that waits for approval."""
    rolling = Rolling.on(told)
    rolling.begin()
    rolling.look_until(Phase.CANARY)
    while rolling.state.phase is Phase.CANARY:
        rolling.look(BROKEN)
    rolling.begin(BY_HAND)
    rolling.look()
    return rolling


def open_page(browser: Browser, url: str, width: int = 1280, scheme: str = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(url)
    return page
