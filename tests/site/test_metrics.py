"""Does Prometheus read what the newest look at each model found, and nothing that nobody knows?"""

from dataclasses import replace
from datetime import datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from millrace.domain.monitoring.findings import Watched
from tests.site.told import HOSTILE, RunningSite, Told
from tests.site.watching import LEVEL, Watching, column, drift_of, losses_of

Series = dict[tuple[str, ...], float]

SPITEFUL = 'a"b\\c\nd{}=' + HOSTILE


def scrape(site: RunningSite, model: str) -> dict[str, Series]:
    """Return the values of a model by metric, and by the values of its other labels in their order."""
    found: dict[str, Series] = {}
    for family in text_string_to_metric_families(site.get("/metrics")):
        for sample in family.samples:
            labels = dict(sample.labels)
            if labels.pop("model") == model:
                key = tuple(value for _, value in sorted(labels.items()))
                found.setdefault(sample.name, {})[key] = sample.value
    return found


def test_the_newest_look_is_told_in_numbers(watched_site: RunningSite, watching: Watching) -> None:
    told = scrape(watched_site, "fares")
    assert told["millrace_monitored_rows"] == {(): 2_000}
    assert told["millrace_monitored_labels"] == {(): 600}
    assert told["millrace_last_look_timestamp_seconds"] == {(): watching.now.timestamp()}
    assert told["millrace_drift_share"] == {(): pytest.approx(0.6)}
    assert told["millrace_drift_score"]["distance_km", "data drift"] == pytest.approx(0.605)
    assert told["millrace_drift_threshold"]["answer", "prediction drift"] == 0.1
    assert told["millrace_loss"] == {("mae",): pytest.approx(1.675)}
    assert told["millrace_loss_level"] == {("mae",): LEVEL}
    assert told["millrace_findings_kept"] == {(): 1}


def test_what_is_watched_is_0_1_or_2(watched_site: RunningSite) -> None:
    told = scrape(watched_site, "fares")["millrace_watched"]
    assert [told[name,] for name in ("staleness", "skew", "data drift")] == [0, 1, 2]


def test_when_the_champion_came_is_told_of_every_model_that_has_one(watched_site: RunningSite) -> None:
    [line] = [one for one in watched_site.json("/index.json")["models"] if one["status"]["model"] == "fares"]
    since = scrape(watched_site, "fares")["millrace_champion_since_timestamp_seconds"][()]
    assert datetime.fromisoformat(line["status"]["since"]).timestamp() == since


def test_of_what_nobody_knows_there_is_no_number(watched: Told, watched_site: RunningSite) -> None:
    assert scrape(watched_site, "progression") == {}
    empty = Watching.over(watched, 2, "empty")
    assert scrape(watched_site, "empty").keys() == {"millrace_champion_since_timestamp_seconds"}
    nothing = replace(drift_of(column("noise", None)), share=None)
    empty.look(nothing, losses_of(empty.now, None))
    told = scrape(watched_site, "empty")
    assert told["millrace_monitored_rows"] == {(): 2_000}
    unknown = {"millrace_drift_share", "millrace_drift_score", "millrace_drift_threshold", "millrace_loss"}
    assert not unknown & told.keys()


def test_of_a_thousand_columns_twenty_have_a_score(watched: Told, watched_site: RunningSite) -> None:
    wide = Watching.over(watched, 1, "broad")
    wide.look(drift_of(*(column(f"c{number}", number / 5_000) for number in range(1_000))))
    told = scrape(watched_site, "broad")
    assert {name for name, _ in told["millrace_drift_score"]} == {f"c{n}" for n in range(980, 1_000)}
    assert told["millrace_drift_threshold"].keys() == told["millrace_drift_score"].keys()


def test_a_columns_name_cannot_break_out(watched: Told, watched_site: RunningSite) -> None:
    spiteful = Watching.over(watched, 1, "spiteful")
    spiteful.look(drift_of(column(SPITEFUL, 0.3)))
    assert scrape(watched_site, "spiteful")["millrace_drift_score"] == {(SPITEFUL, Watched.DATA.value): 0.3}


def test_damaged_findings_take_the_scores_away_and_nothing_else(
    watched: Told, watched_site: RunningSite
) -> None:
    torn = Watching.over(watched, 1, "ripped")
    look = torn.look(drift_of(column("noise", 0.3)), losses_of(torn.now, 1.0))
    torn.findings_of(look).write_bytes(b'{"model": "ripped", "drift"')
    told = scrape(watched_site, "ripped")
    assert told["millrace_findings_kept"] == {(): 0}
    assert told["millrace_watched"]["data drift",] == 2
    assert not {"millrace_drift_score", "millrace_loss"} & told.keys()
    assert scrape(watched_site, "fares")["millrace_findings_kept"] == {(): 1}


def test_it_is_the_format_that_prometheus_asks_for_and_answers_this_machine_alone(
    watched_site: RunningSite,
) -> None:
    answer = watched_site.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    assert watched_site.ask("GET", "/metrics", host="millrace.example.org").status == 400
    assert watched_site.ask("POST", "/metrics").status == 405
