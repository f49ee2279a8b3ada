"""The page about a model in production as a person sees it, in a real Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.standing import open_page
from tests.site.told import RunningSite, Told, running_site, tell_all
from tests.site.watching import Watching, watch_all

pytestmark = pytest.mark.browser

LOOKS = 30
SLOW_MS = 60_000
"""Evidently is imported by whoever compares first."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell_all(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def watching(told: Told) -> Watching:
    return watch_all(told, LOOKS)


@pytest.fixture(scope="module")
def site(watching: Watching) -> Iterator[RunningSite]:
    with running_site(watching.home) as running:
        yield running


def strip_of(page: Page, column: str) -> Locator:
    return page.locator(f".strips li:has(svg[aria-label^='{column}:'])")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_has_drifted_is_told_without_colour(
    browser: Browser, site: RunningSite, watching: Watching, scheme: str
) -> None:
    page = open_page(browser, site.url + watching.page, scheme=scheme)
    strip = strip_of(page, "distance_km").locator("svg")
    failed, passed = strip.locator("g.fail"), strip.locator("g.pass")
    assert failed.count() + passed.count() == LOOKS
    assert strip.locator("g.fail .cap").count() == failed.count() > 5
    assert passed.locator(".cap").count() == 0
    cap, bar, ground = (
        failed.locator(f"rect{kind}").last.evaluate("one => getComputedStyle(one).fill")
        for kind in (".cap", ":not([class])", ".ground")
    )
    assert len({cap, bar, ground}) == 3
    hollow = page.locator(".strips g.inconclusive rect:not(.ground)").first
    assert hollow.evaluate("one => getComputedStyle(one).fill") == "none"
    page.close()


def test_the_newest_window_stands_at_the_right_end_of_every_strip(
    browser: Browser, site: RunningSite, watching: Watching
) -> None:
    page = open_page(browser, site.url + watching.page)
    edges = page.locator(".strips li > svg").evaluate_all(
        "found => found.map(one => one.getBoundingClientRect().right)"
    )
    assert len({round(edge) for edge in edges}) == 1
    last = strip_of(page, "luggage").locator(".ground").last.bounding_box()
    assert last is not None
    assert 0 <= edges[0] - (last["x"] + last["width"]) < 3
    page.close()


def test_on_a_phone_a_strip_is_as_wide_as_the_page_under_its_name(
    browser: Browser, site: RunningSite, watching: Watching
) -> None:
    page = open_page(browser, site.url + watching.page, 390)
    row = strip_of(page, "distance_km")
    name, strip = row.locator(".column").bounding_box(), row.locator("svg").bounding_box()
    assert name is not None
    assert strip is not None
    assert strip["width"] > 330
    assert strip["y"] >= name["y"] + name["height"]
    page.close()


def test_every_distance_is_reached_and_read_with_the_keyboard_alone(
    browser: Browser, site: RunningSite, watching: Watching
) -> None:
    page = open_page(browser, site.url + watching.page, 390)
    page.get_by_text("Every distance, window by window").focus()
    page.keyboard.press("Enter")
    table = page.get_by_role("table", name="Newest window first. Times are UTC.")
    expect(table).to_be_visible()
    assert table.get_by_role("row").count() == LOOKS + 1
    page.keyboard.press("Tab")
    scrolled = page.evaluate("document.activeElement.contains(document.querySelector('.matrix'))")
    assert scrolled
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()


def test_two_windows_are_chosen_and_compared_without_a_script(
    browser: Browser, site: RunningSite, watching: Watching
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url + watching.page)
    page.get_by_label("This one is usual").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Two windows of fares", timeout=SLOW_MS)
    expect(page.get_by_text("Target drift: ")).to_be_visible()
    context.close()
