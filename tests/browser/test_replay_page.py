"""The demo's page as a person sees it, in a real Chromium."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from millrace.adapters.report import render_replay
from millrace.domain.replay import QUARANTINED, ReplayPage, ReplayRow

pytestmark = pytest.mark.browser

ROWS = (
    ReplayRow("2013-03", 80_687, "arrived", "TRAIN", "pass", None, "a" * 64, None, None, 9.0),
    ReplayRow("2013-04", 28_353, QUARANTINED, "", "", "a" * 64, "a" * 64, None, None, 1.0),
    ReplayRow("2013-04", 28_353, "arrived", "TRAIN", "pass", "a" * 64, "b" * 64, 0.63, 0.63, 9.0),
    ReplayRow("2013-05", 28_783, "arrived", "TRAIN", "fail", "b" * 64, "b" * 64, 0.65, 0.72, 9.0),
)
REPLAY = ReplayPage("fares", "auc", ROWS, {"prefect": "3"}, datetime(2013, 6, 1, tzinfo=UTC))


@pytest.fixture
def address(tmp_path: Path) -> str:
    path = tmp_path / "replay.html"
    path.write_text(render_replay(REPLAY), encoding="utf-8")
    return path.as_uri()


def _open(browser: Browser, address: str, width: int, scheme: str = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(address)
    return page


def test_the_page_says_what_happened_and_shows_every_row(browser: Browser, address: str) -> None:
    page = _open(browser, address, 1100)
    assert page.get_by_role("heading", level=1).inner_text() == "Kept: AUC 0.720 in May. Frozen: 0.650."
    assert page.locator("tbody tr").count() == len(ROWS)
    assert page.locator("svg:visible").count() > 0


@pytest.mark.parametrize("width", [390, 1100])
def test_nothing_is_wider_than_the_screen(browser: Browser, address: str, width: int) -> None:
    page = _open(browser, address, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_asks_the_network_for_nothing(browser: Browser, address: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    assert asked == [address]


def test_dark_and_light_are_two_looks(browser: Browser, address: str) -> None:
    colours = {
        _open(browser, address, 1100, scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert len(colours) == 2
