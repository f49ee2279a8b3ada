"""What an operator does on the status site, in a real Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from millrace.adapters.batches import digest_of_file
from millrace.adapters.models import load_source
from millrace.adapters.tokens import Role, create_token
from millrace.domain.dataset import Part
from millrace.domain.facts import BatchAccepted
from tests.browser.standing import REFRESH_MS, ROLLOUT, open_page, roll_out, tell_site
from tests.conftest import NOON
from tests.site.rolling_out import BY_HAND, Rolling
from tests.site.told import RunningSite, Told, entered, running_site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def operator(told: Told) -> str:
    return create_token(told.home.path / "var/keys/tokens.json", "grace", NOON, Role.OPERATOR)


@pytest.fixture(scope="module")
def rolling(told: Told) -> Rolling:
    return roll_out(told)


@pytest.fixture(scope="module")
def site(told: Told) -> Iterator[RunningSite]:
    with running_site(told.home) as running:
        yield running


def test_a_batch_is_uploaded_by_a_form_and_its_page_tells_by_itself_what_became_of_it(
    browser: Browser, told: Told, site: RunningSite, operator: str, tmp_path: Path
) -> None:
    file = tmp_path / "april.parquet"
    load_source(told.home.models, "fares").read_batch("2013-04").to_parquet(file, index=False)
    page = open_page(browser, f"{site.url}/models/fares/batches")
    page.get_by_label("Operator's token").fill(operator)
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("waiting", exact=True)).to_be_visible()
    [waiting] = (told.home.path / "inbox/fares").glob("april-*.parquet")
    part = Part("9" * 64, waiting.name, 1_020, waiting.stat().st_size, None, None)
    with entered(told.home):
        accepted = BatchAccepted(digest_of_file(waiting), part)
        told.home.ledger.append("fares", accepted, NOON, "controller")
    expect(page.get_by_text("accepted", exact=True)).to_be_visible(timeout=REFRESH_MS)
    assert operator not in page.content()
    assert operator not in page.url
    page.close()


def test_a_wrong_token_is_answered_in_words_and_what_was_chosen_is_there_on_going_back(
    browser: Browser, site: RunningSite, rolling: Rolling
) -> None:
    page = open_page(browser, site.url + ROLLOUT)
    page.get_by_label("Reason").fill("as agreed")
    page.get_by_label("Operator's token").fill("mr_guessed")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Unauthorized")
    expect(page.get_by_text("a token came that is not known")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Reason")).to_have_value("as agreed")
    assert rolling.state.is_asking
    page.close()


def test_a_rollout_goes_on_before_ones_eyes_while_what_was_typed_stays_and_is_approved_by_a_click(
    browser: Browser, site: RunningSite, rolling: Rolling, operator: str
) -> None:
    rolling.end()
    page = open_page(browser, site.url + ROLLOUT)
    expect(page.get_by_label("Reason")).to_be_hidden()
    rolling.begin(BY_HAND)
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=REFRESH_MS)
    page.get_by_label("Reason").fill("as agreed with the desk")
    assert page.get_by_role("button", name="Approve").count() == 0
    rolling.look()
    expect(page.get_by_text("Waits for approval:")).to_be_visible(timeout=REFRESH_MS)
    expect(page.get_by_label("Reason")).to_have_value("as agreed with the desk")
    page.get_by_label("Operator's token").fill(operator)
    expect(page.get_by_text("It has moved on since you looked.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
    page.get_by_role("button", name="Look again").press("Enter")
    expect(page.get_by_role("button", name="Approve")).to_be_enabled()
    expect(page.get_by_label("Reason")).to_have_value("as agreed with the desk")
    page.get_by_role("button", name="Approve").press("Enter")
    expect(page.get_by_text("Approved:", exact=True)).to_be_visible()
    actor, kind, body = rolling.last_entry()
    assert (actor, kind, body["reason"]) == ("grace", "StepApproved", "as agreed with the desk")
    rolling.look()
    expect(page.get_by_text("answers 5 % of the requests")).to_be_visible(timeout=REFRESH_MS)
    page.close()


def test_enter_in_a_field_decides_nothing(
    browser: Browser, site: RunningSite, rolling: Rolling, operator: str
) -> None:
    rolling.begin(BY_HAND)
    rolling.look()
    before = rolling.facts()
    page = open_page(browser, site.url + ROLLOUT)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.get_by_label("Reason").fill("not yet")
    page.get_by_label("Operator's token").fill(operator)
    for field in ("Reason", "Operator's token"):
        page.get_by_label(field).press("Enter")
    # the page asks for itself every three seconds: once more after the keys were pressed
    with page.expect_response(lambda response: "rollout" in response.url):
        pass
    assert set(sent) == {"GET"}
    assert rolling.facts() == before
    page.close()
