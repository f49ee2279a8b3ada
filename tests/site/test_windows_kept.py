"""Are two windows compared by what is kept of them, and reports found where they stand?"""

import re
import shutil
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from millrace.adapters.catalogue import ReportRecord
from millrace.domain.facts import ReportKept
from millrace.steps.stores import catalogue
from tests.site.reading import see
from tests.site.told import HOSTILE, RunningSite, Told, entered, running_site
from tests.site.watching import (
    REPORT,
    Watching,
    column,
    counted,
    drift_of,
    page_of,
)

CALM, GONE = column("distance_km", 0.02), column("distance_km", 0.4)


def test_two_windows_can_be_compared_by_what_is_kept_of_them(
    watched: Told, watched_site: RunningSite
) -> None:
    pair = Watching.over(watched, 2, "pair")
    one = pair.look(drift_of(CALM), counts=counted(1_000, 0, 0, 1_000))
    other = pair.look(drift_of(CALM), counts=counted(0, 1_000, 1_000, 0))
    page = page_of(watched_site, pair)
    assert {one.start.isoformat(), other.start.isoformat()} <= set(page.values("value"))
    asked = urlencode({"first": one.start.isoformat(), "second": other.start.isoformat()})
    seen = see(watched_site.get(f"{pair.page}/compare?{asked}"))
    assert "fail Data drift: 1 of 1" in seen.text
    [data] = [link for link in seen.values("href") if ".json" in link]
    [found] = watched_site.json(data)["found"]["columns"]
    assert (found["column"], found["outcome"]) == ("distance_km", "fail")
    # each value has moved by 1, and those of the first have a standard deviation of 1.5
    assert found["score"] == pytest.approx(1 / 1.5, rel=0.05)
    same = urlencode({"first": one.start.isoformat(), "second": one.start.isoformat()})
    [found] = watched_site.json(f"{pair.page}/compare.json?{same}")["found"]["columns"]
    assert (found["score"], found["outcome"]) == (0.0, "pass")


def test_a_window_that_nobody_looked_at_cannot_be_compared(
    watched_site: RunningSite, watching: Watching
) -> None:
    for asked in (
        "first=x",
        f"first={quote(HOSTILE)}&second=1",
        f"second={quote('2013-01-01T00:00:00+00:00')}",
    ):
        answer = watched_site.ask("GET", f"{watching.page}/compare?{asked}")
        assert answer.status == 404
        assert b"choose one that was looked at" in answer.body
        assert b"<script" not in answer.body
    assert "Choose two" in see(watched_site.get(f"{watching.page}/compare")).text


def test_without_a_place_to_read_reports_at_the_run_is_named(
    watched_site: RunningSite, watching: Watching
) -> None:
    seen = page_of(watched_site, watching)
    assert f"run {REPORT}" in seen.text
    assert not [link for link in seen.values("href") if REPORT in link]
    answer = watched_site.ask("GET", f"{watching.page}/reports/{REPORT}")
    assert (answer.status, b"has no MLflow UI" in answer.body) == (404, True)
    assert watched_site.ask("GET", f"{watching.page}/reports/other").status == 404


def test_a_report_is_a_link_to_its_run_in_mlflow(
    watched: Told, watching: Watching, catalogue_template: Path
) -> None:
    shutil.copyfile(catalogue_template, watched.home.path / "var/catalogue.sqlite")
    with entered(watched.home):
        record = ReportRecord("fares", watching.champion, "w", {}, {"drift.html": b"<p>"}, watching.now)
        run_id = catalogue().keep_report(record)
    reported = Watching.over(watched, 1, "reported")
    reported.look(drift_of(GONE))
    reported.append(ReportKept(reported.now, run_id))
    with running_site(watched.home, MILLRACE_MLFLOW_UI="http://127.0.0.1:9") as site:
        [link] = {link for link in page_of(site, reported).values("href") if run_id in link}
        answer = site.ask("GET", link)
        # another model's report is none of this one's
        assert site.ask("GET", link.replace("reported", "fares")).status == 404
    assert answer.status == 307
    assert re.fullmatch(rf"http://127\.0\.0\.1:9/#/experiments/\d+/runs/{run_id}", answer.headers["location"])
