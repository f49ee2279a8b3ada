"""The report of the gate as a person sees it, in a real Chromium."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from millrace.adapters.gate_page import render_gate
from tests.reported import REPORT

pytestmark = pytest.mark.browser

CHECKED = """() => [...document.querySelectorAll("svg.plot .value")].map(one =>
  [getComputedStyle(one).fill, getComputedStyle(one.parentElement).display])"""


@pytest.fixture
def address(tmp_path: Path) -> str:
    path = tmp_path / "gate.html"
    path.write_text(render_gate(REPORT), encoding="utf-8")
    return path.as_uri()


def _open(browser: Browser, address: str, width: int, scheme: str = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(address)
    return page


@pytest.mark.parametrize("width", [390, 1100])
def test_the_decision_is_on_the_first_screen_and_nothing_is_wider(
    browser: Browser, address: str, width: int
) -> None:
    page = _open(browser, address, width)
    assert (
        page.get_by_role("heading", level=1).inner_text()
        == "flights aaaaaaaaaaaa: refused by recent champion"
    )
    box = page.locator(".decision").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 900
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_lines_are_drawn_in_the_colours_of_light_and_dark(browser: Browser, address: str) -> None:
    light, dark = (_open(browser, address, 1100, scheme).evaluate(CHECKED) for scheme in ("light", "dark"))
    assert len(light) == len(dark) == 7
    assert all(fill not in {"none", "rgb(0, 0, 0)"} and shown == "block" for fill, shown in light)
    assert [fill for fill, _ in light] != [fill for fill, _ in dark]


def test_it_asks_the_network_for_nothing_and_can_be_printed(browser: Browser, address: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    assert asked == [address]
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.locator("svg.plot:visible").count() == 7


def test_who_listens_finds_every_table_by_what_it_is_about(browser: Browser, address: str) -> None:
    page = _open(browser, address, 1100)
    assert page.locator("table").count() == page.locator("table caption").count() == 6
    assert page.get_by_role("row", name="origin=EWR 0.015 -0.005 to 0.03 at most 0.02").count() == 1
