"""What a person sees of a run in Prefect's UI, on a real server after a real run, in a real Chromium."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from millrace.domain.facts import ChallengerTrained, ChampionPromoted, DecisionMade, VersionRegistered
from tests.conftest import Home
from tests.controller.conftest import lay_out
from tests.controller.fares import MONTHS, deliver, facts, rides
from tests.controller.stack import PREFECT, Stack, running, wait_for

pytestmark = pytest.mark.browser

MLFLOW_UI = "http://127.0.0.1:5999"
"""Where the runs are told that people read about MLflow's: nothing has to answer there."""
SLOW_MS = 30_000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Iterator[Stack]:
    """A stack on which three months have arrived, a champion was promoted, and a second run was skipped."""
    home = lay_out(tmp_path_factory.mktemp("ui"), catalogue_template)
    stack = Stack(home.path, home.models, more_environment={"MILLRACE_MLFLOW_UI": MLFLOW_UI})
    with pytest.MonkeyPatch.context() as patch, running(stack, "server", "worker", "controller"):
        home.enter(patch)
        for month in MONTHS:
            deliver(stack, month, rides(month))
        wait_for("a champion", lambda: facts(ChampionPromoted))
        wait_for("the run to end", lambda: ended(stack, "Promoted"))
        command = [*PREFECT, "deployment", "run", "retrain/on-demand", "-p", "model=fares"]
        subprocess.run(command, env=stack.environment, check=True, capture_output=True)
        wait_for("the second run to end", lambda: ended(stack, "Skipped"))
        yield stack


def ui(stack: Stack) -> str:
    return stack.url.removesuffix("/api")


def ended(stack: Stack, name: str) -> bool:
    return name in [run["state"]["name"] for run in stack.runs("retrain")]


@pytest.fixture(autouse=True)
def here(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    Home(stack.home, stack.models).enter(monkeypatch)


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A page that has signed in with the auth string, as a person does."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(SLOW_MS)
    page.goto(f"{ui(stack)}/login")
    page.locator("input[type=password]").fill(stack.auth)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/dashboard"))
    yield page
    page.close()


def open_run(page: Page, stack: Stack, name: str) -> None:
    page.goto(f"{ui(stack)}/runs")
    page.get_by_role("link", name=name, exact=True).first.click()
    expect(page.get_by_text("Artifacts", exact=True).first).to_be_visible(timeout=SLOW_MS)


def open_artifact(page: Page, stack: Stack, kind: str) -> None:
    open_run(page, stack, "fares · retrain · new rows 3060")
    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_text(f"fares-{kind}", exact=True).last.click()


def test_without_the_auth_string_nothing_is_shown(browser: Browser, stack: Stack) -> None:
    page = browser.new_page()
    page.goto(f"{ui(stack)}/runs")
    page.wait_for_url(re.compile("/login"))
    assert "fares" not in page.inner_text("body")


def test_a_list_of_runs_says_which_model_why_and_how_it_ended(page: Page, stack: Stack) -> None:
    page.goto(f"{ui(stack)}/runs")
    for words in ("fares · retrain · new rows 3060", "fares · retrain · by hand"):
        expect(page.get_by_text(words, exact=True).first).to_be_visible(timeout=SLOW_MS)
    shown = page.inner_text("body")
    assert "Promoted" in shown
    assert "Skipped" in shown


def test_the_log_of_a_run_says_why_it_did_not_train(page: Page, stack: Stack) -> None:
    open_run(page, stack, "fares · retrain · by hand")
    skipped = facts(DecisionMade)[-1].reason
    expect(page.get_by_text(f"Skipped: {skipped}").first).to_be_visible(timeout=SLOW_MS)


def test_the_log_of_a_run_says_how_far_it_came(page: Page, stack: Stack) -> None:
    open_run(page, stack, "fares · retrain · new rows 3060")
    [trained] = facts(ChallengerTrained)
    for words in (f"training on {trained.rows:,} rows", f"judging {trained.digest[:12]}", "version 1, pass"):
        expect(page.get_by_text(words).first).to_be_visible(timeout=SLOW_MS)


def test_the_gate_is_a_table_of_its_rules(page: Page, stack: Stack) -> None:
    open_artifact(page, stack, "gate")
    table = page.locator("table").first
    expect(table).to_be_visible(timeout=SLOW_MS)
    assert table.locator("th").first.inner_text() == "rule"
    assert "linear_baseline" in table.inner_text()
    expect(page.get_by_text("shows every rule with its numbers").first).to_be_visible(timeout=SLOW_MS)


def test_the_decision_shows_what_every_rule_found(page: Page, stack: Stack) -> None:
    open_artifact(page, stack, "decision")
    table = page.locator("table").first
    expect(table).to_be_visible(timeout=SLOW_MS)
    assert "cooldown" in table.inner_text()
    assert "no champion yet" in table.inner_text()


@pytest.mark.parametrize(("kind", "end"), [("mlflow-run", ""), ("report", "/artifacts/gate.html")])
def test_links_lead_to_the_run_in_mlflow(page: Page, stack: Stack, kind: str, end: str) -> None:
    open_artifact(page, stack, kind)
    link = page.get_by_role("link", name=re.compile("fares version 1")).first
    expect(link).to_be_visible(timeout=SLOW_MS)
    [run_id] = [fact.run_id for fact in facts(VersionRegistered)]
    address = link.get_attribute("href")
    assert address is not None
    assert address.startswith(f"{MLFLOW_UI}/#/experiments/")
    assert address.endswith(f"/runs/{run_id}{end}")
