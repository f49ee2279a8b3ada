"""The page of a prediction service as a person sees it, in a real Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.serving.bundles import odd_model
from tests.serving.service import RunningService, ServiceHome, running_service

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    home = ServiceHome(tmp_path_factory.mktemp("docs"))
    home.publish("odd", home.add("odd", odd_model()))
    with running_service(home) as running:
        yield running


def _open(browser: Browser, service: RunningService, width: int, scheme: str = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{service.url}/docs")
    return page


@pytest.mark.parametrize("width", [1100, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_shows_every_field_and_nothing_hangs_over(
    browser: Browser, service: RunningService, width: int, scheme: str
) -> None:
    page = _open(browser, service, width, scheme)
    assert page.get_by_role("heading", level=2).all_inner_texts() == ["odd", "The service"]
    for name in ("größe (µm)", "week/day's", "flight id"):
        assert page.get_by_role("rowheader", name=name, exact=True).is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_page_asks_nobody_else_and_a_click_selects_an_example(
    browser: Browser, service: RunningService
) -> None:
    page = browser.new_page()
    asked: list[Request] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - playwright marks what it is given
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{service.url}/docs")
    page.locator("pre").first.click()
    assert page.evaluate("getSelection().toString()").startswith(f"curl {service.url}/v1/models/odd/predict")
    assert {request.url for request in asked} <= {f"{service.url}/docs", f"{service.url}/favicon.ico"}
    assert complaints == []
