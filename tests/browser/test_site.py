"""The status site as a person sees it, in a real Chromium."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from millrace.domain.facts import AutomationPaused
from tests.browser.standing import (
    MONITORING,
    QUARANTINED,
    REFRESH_MS,
    ROLLOUT,
    open_page,
    roll_out,
    tell_site,
)
from tests.conftest import NOON
from tests.site.rolling_out import Rolling
from tests.site.told import HOSTILE, RunningSite, Told, entered, running_site
from tests.site.watching import Watching, watch_all

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/audit",
    "/models/fares",
    "/models/progression",
    "version",
    "/models/fares/batches",
    f"/models/fares/batches/{QUARANTINED}",
    ROLLOUT,
    MONITORING,
    "/models/progression/monitoring",
    f"{MONITORING}/compare",
)
REACHED = "a[href], summary, input:not([type=hidden]), button, select"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module", autouse=True)
def rolling(told: Told) -> Rolling:
    return roll_out(told)


@pytest.fixture(scope="module", autouse=True)
def watching(told: Told) -> Watching:
    return watch_all(told, 30, "rides")


@pytest.fixture(scope="module")
def site(told: Told) -> Iterator[RunningSite]:
    with running_site(told.home) as running:
        yield running


@pytest.fixture
def version(told: Told) -> str:
    return f"/models/fares/versions/{told.second}"


def _what_is_read_out(page: Page, table: str) -> list[str]:
    """Return the roles of a table and all in it, as the browser tells them to a screen reader."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    known = {node["nodeId"]: node for node in nodes}

    def roles(node: dict[str, Any]) -> list[str]:
        below = [role for child in node.get("childIds", ()) for role in roles(known[child])]
        return [*([] if node["ignored"] else [node["role"]["value"]]), *below]

    [found] = [
        node for node in nodes
        if node.get("role", {}).get("value") == "table" and node["name"]["value"] == table
    ]  # fmt: skip
    return roles(found)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_the_screen_asks_nobody_else_and_has_nothing_to_complain_of(
    browser: Browser, site: RunningSite, version: str, path: str, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[Request] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - playwright marks what it is given
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto(site.url + (version if path == "version" else path), wait_until="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert {urlsplit(request.url).netloc for request in asked} == {f"127.0.0.1:{site.port}"}
    assert complaints == []
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_can_be_read_out(browser: Browser, site: RunningSite, version: str, path: str) -> None:
    page = open_page(browser, site.url + (version if path == "version" else path))
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.title().endswith(" · Millrace")
    assert page.get_by_role("heading", level=1).count() == 1
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("svg:not([role=img][aria-label])").count() == 0
    ids = page.locator("[id]").evaluate_all("found => found.map(one => one.id)")
    assert len(ids) == len(set(ids))
    named = page.locator("[aria-labelledby]").evaluate_all(
        "found => found.map(one => one.getAttribute('aria-labelledby'))"
    )
    assert set(named) <= set(ids)
    page.close()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_the_keyboard_alone_reaches_every_link_and_shows_where_it_is(
    browser: Browser, site: RunningSite, version: str, path: str, width: int
) -> None:
    page = open_page(browser, site.url + (version if path == "version" else path), width)
    wanted = page.locator(REACHED).evaluate_all("found => found.filter(one => one.checkVisibility()).length")
    reached = 0
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached += page.evaluate(f"document.activeElement.matches('{REACHED}')")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached == wanted
    page.close()


def test_the_first_tab_skips_what_stands_on_every_page(browser: Browser, site: RunningSite) -> None:
    page = open_page(browser, f"{site.url}/models/fares")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.close()


def test_on_a_phone_a_row_is_a_card_that_is_still_a_row(browser: Browser, site: RunningSite) -> None:
    page = open_page(browser, f"{site.url}/models/fares", 390)
    heard = _what_is_read_out(page, "Newest first. Times are UTC.")
    parts = {role: heard.count(role) for role in ("table", "rowgroup", "row", "rowheader", "columnheader")}
    assert parts == {"table": 1, "rowgroup": 2, "row": 4, "rowheader": 3, "columnheader": 5}
    assert page.locator(".scroll").evaluate_all(
        "found => found.every(one => one.scrollWidth <= one.clientWidth)"
    )
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(
    browser: Browser, site: RunningSite, version: str, scheme: str
) -> None:
    for path in ("/", "/models/fares", version, *PAGES[5:]):
        page = open_page(browser, site.url + path, scheme=scheme)
        assert page.evaluate(FAINT) == []
        page.close()


def test_dark_and_light_are_two_looks(browser: Browser, site: RunningSite) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        page = open_page(browser, site.url, scheme=scheme)
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.close()
    assert len(grounds) == 2


def test_what_happens_appears_on_the_first_page_by_itself_and_the_focus_stays(
    browser: Browser, told: Told, site: RunningSite
) -> None:
    page = open_page(browser, site.url)
    page.get_by_role("link", name="fares", exact=True).focus()
    with entered(told.home):
        told.home.ledger.append("fares", AutomationPaused(f"by hand {HOSTILE}"), NOON, "ada")
    expect(page.get_by_text(f"by hand {HOSTILE}")).to_be_visible(timeout=REFRESH_MS)
    assert page.evaluate("document.activeElement.id") == "to-fares"
    assert page.get_by_role("heading", level=1).count() == 1
    page.close()


def test_an_alerts_link_leads_to_its_turn(browser: Browser, site: RunningSite, rolling: Rolling) -> None:
    turns = [turn for story in site.json(f"{ROLLOUT}.json")["stories"] for turn in story["turns"]]
    aborted = next(one["seq"] for one in turns if one["kind"] == "RolloutAborted" and one["verdicts"])
    page = open_page(browser, f"{site.url}{ROLLOUT}#entry-{aborted}")
    row = page.locator(f"#entry-{aborted}")
    expect(row).to_be_in_viewport()
    row.get_by_text("Verdicts and evidence").first.click()
    expect(row.get_by_role("rowheader", name="Requests")).to_be_visible()
    page.close()


def test_a_chart_is_drawn_once_for_the_width_and_in_the_colours_of_the_theme(
    browser: Browser, site: RunningSite
) -> None:
    strokes = set()
    for width, scheme in ((1280, "light"), (390, "light"), (1280, "dark")):
        page = open_page(browser, site.url + ROLLOUT, width, scheme)
        figures = page.locator("section figure")
        shown = page.locator("figure svg").evaluate_all(
            "found => found.filter(one => one.checkVisibility()).length"
        )
        assert shown == figures.count() > 0
        line = page.locator("figure svg:visible path[stroke='var(--kept)']").first
        strokes.add(line.evaluate("one => getComputedStyle(one).stroke"))
        page.close()
    assert len(strokes) == 2


def test_from_the_first_page_every_other_is_clicked(browser: Browser, told: Told, site: RunningSite) -> None:
    page = open_page(browser, site.url)
    page.get_by_role("link", name="fares", exact=True).click()
    page.get_by_text("Every rule").first.click()
    expect(page.get_by_text(f"1,054 new rows {HOSTILE}").first).to_be_visible()
    champions = page.get_by_role("table", name="Newest first. Times are UTC.", exact=True)
    champions.get_by_role("link", name=told.second[:12]).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(told.second[:12])
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing was changed")
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    page.close()


FAINT = """
() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number)
  const shine = text => {
    const linear = c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4
    const [r, g, b] = parse(text).slice(0, 3).map(c => linear(c / 255))
    return .2126 * r + .7152 * g + .0722 * b
  }
  const ground = one => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor
      if (parse(colour)[3] !== 0) return colour
    }
  }
  const ratio = (one, other) => (Math.max(one, other) + .05) / (Math.min(one, other) + .05)
  const says = one => [...one.childNodes].some(child => child.nodeType === 3 && child.data.trim())
  return [...document.querySelectorAll('body *')]
    .filter(one => one.checkVisibility() && !one.closest('svg') && says(one))
    .map(one => [one.outerHTML.slice(0, 80), ratio(shine(getComputedStyle(one).color), shine(ground(one)))])
    .filter(([, found]) => found < 4.5)
}
"""
"""Texts whose contrast is below 4.5, WCAG 2.2, 1.4.3."""
