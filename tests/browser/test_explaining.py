"""What a version answers by, and one answer, as a person comes to see them in a real Chromium."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from millrace.adapters.tokens import Role, create_token
from millrace.settings import load_settings
from tests.browser.standing import open_page
from tests.conftest import NOON
from tests.explained import MODEL, RIDE, log_rides, make_crowned
from tests.site.told import RunningSite, entered, running_site

pytestmark = pytest.mark.browser

SLOW_MS = 60_000
"""What measures is imported anew, in a process of its own."""


@dataclass(frozen=True)
class Crowned:
    """A site on an installation with a champion that was asked something, and an operator's token."""

    site: RunningSite
    operator: str


@pytest.fixture(scope="module")
def crowned(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Iterator[Crowned]:
    home = make_crowned(tmp_path_factory.mktemp("crowned"), catalogue_template)
    with entered(home):
        log_rides(str(home.serving(MODEL).champion), [RIDE])
        operator = create_token(load_settings().tokens, "ada", NOON, Role.OPERATOR)
    with running_site(home) as site:
        yield Crowned(site, operator)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_a_person_measures_the_champion_and_then_asks_about_one_answer(
    browser: Browser, crowned: Crowned, width: int, scheme: str
) -> None:
    page = open_page(browser, f"{crowned.site.url}/models/{MODEL}", width, scheme)
    page.set_default_timeout(SLOW_MS)
    said: list[ConsoleMessage] = []
    page.on("console", lambda one: said.append(one))  # noqa: PLW0108 - no builtin will do
    measure = page.get_by_role("button", name="Measure it")
    if measure.count():  # whoever came before has asked already
        page.get_by_label("Operator's token").fill(crowned.operator)
        measure.click()
        expect(page.get_by_role("heading", name="It answers by distance_km", exact=False)).to_be_visible()
        page.goto(f"{crowned.site.url}/models/{MODEL}")
    bars = page.get_by_role("img", name="How much each column matters", exact=False)
    assert [bars.nth(at).is_visible() for at in range(bars.count())].count(True) == 1
    assert page.locator(".curve svg").count() == 4
    page.get_by_label("Request id").fill("r1")
    page.get_by_role("button", name="Explain this answer").click()
    expect(page.get_by_label("Request id")).to_have_value("r1")
    page.get_by_label("Operator's token").fill(crowned.operator)
    page.get_by_role("button", name="Explain this answer").click()
    expect(page.get_by_role("heading", name="distance_km moves it most", exact=False)).to_be_visible()
    assert page.locator("svg.effect rect").first.bounding_box() is not None
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert crowned.operator not in page.content()
    assert [one.text for one in said if one.type == "error"] == []
    page.close()
