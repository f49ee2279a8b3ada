"""Does the page about a model in production say what was found?"""

import html
import json
from datetime import datetime

import pytest

from millrace.adapters.models import find_model
from millrace.domain.canonical import readable_json
from millrace.settings import PROJECT_ROOT
from millrace.steps.monitoring.status import monitoring_status
from tests.site.reading import see
from tests.site.told import HOSTILE, RunningSite, Told
from tests.site.watching import (
    EXAMPLE,
    LOOKS,
    Watching,
    page_of,
)


def test_what_is_wrong_stands_first_with_its_reason(watched_site: RunningSite, watching: Watching) -> None:
    text = page_of(watched_site, watching).text
    wrong = "Data drift, performance, latency are not as they should be; 1 of 5 could not be judged."
    assert wrong in text
    order = [
        "data drift fail 3 of 5",
        "performance fail mae",
        "latency fail p95 110",
        "skew inconclusive 0 rows",
    ]
    places = [text.index(one) for one in [*order, "staleness pass the champion is 3 days old"]]
    assert places == sorted(places)


def test_who_is_watched_when_somebody_looked_and_when_the_next_look_is_due_are_told(
    watched_site: RunningSite, watching: Watching
) -> None:
    seen = page_of(watched_site, watching)
    assert f"Last look {watching.now:%Y-%m-%d %H:%M} UTC, at 2,000 rows and 600 labels" in seen.text
    assert f"Champion {watching.champion[:12]} , since 20" in seen.text
    assert "by 0 * * * * , and once 10,000 rows were answered" in seen.text
    assert f"/models/fares/versions/{watching.champion}" in seen.values("href")
    assert "Nobody looked" not in seen.text
    assert "Another champion:" not in seen.text


def test_json_has_what_the_verb_tells(
    watched_site: RunningSite, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching.home.enter(monkeypatch)
    page = watched_site.json(f"{watching.page}.json")
    at = datetime.fromisoformat(page["at"])
    assert page["status"] == json.loads(readable_json(monitoring_status("fares", at)))
    assert len(page["status"]["looks"]) == LOOKS


def test_columns_stand_in_the_order_of_concern_with_every_window_of_each(
    watched_site: RunningSite, watching: Watching
) -> None:
    drift = watched_site.json(f"{watching.page}.json")["drift"]
    names = [strip["column"] for strip in drift["strips"]]
    bad = ["distance_km", "pressure_at_departure_in_mbar", "answer", f"tariff {HOSTILE}"]
    assert names == [*bad, "noise", "luggage"]
    assert drift["starts"] == sorted(drift["starts"])
    for strip in drift["strips"]:
        assert len(strip["cells"]) == len(drift["starts"]) == LOOKS
    assert [cell["score"] for cell in drift["strips"][0]["cells"]][-1] == pytest.approx(0.605)


def test_each_bar_says_its_distance_its_threshold_and_its_outcome(
    watched_site: RunningSite, watching: Watching
) -> None:
    page = watched_site.get(watching.page)
    titles = [html.unescape(piece.split("</title>")[0]) for piece in page.split("<title>")[1:]]
    assert sum(title.endswith("0.605 of 0.1, fail") for title in titles) == 1
    assert sum(title.endswith("0.03 of 0.1, pass") for title in titles) > LOOKS / 4
    assert any(title.endswith(f"_in_mbar: all null {HOSTILE}, inconclusive") for title in titles)
    failed = sum(
        strip["newest"]["outcome"] == "fail"
        for strip in watched_site.json(f"{watching.page}.json")["drift"]["strips"]
    )
    assert failed == 4
    assert page.count('class="cap"') == page.count('<g class="fail">') > failed


def test_a_column_is_told_in_words_too(watched_site: RunningSite, watching: Watching) -> None:
    seen = page_of(watched_site, watching)
    assert f"distance_km input 0.605 0.1 fail 21 of 40 0.605 of 0.1 {HOSTILE}" in seen.text
    assert "answer answer 0.155 0.1 fail" in seen.text
    names = seen.values("aria-label")
    assert "distance_km: drifted in 21 of 40 windows; the table below has it." in names
    # every window of every column, for whoever cannot see a bar
    assert seen.count("td") > LOOKS * 6


def test_a_new_champion_a_request_for_a_retraining_and_its_answer_are_marked(
    watched_site: RunningSite, watching: Watching
) -> None:
    events = watched_site.json(f"{watching.page}.json")["events"]
    assert {one["what"] for one in events} == {
        "another champion", "a retraining is asked for", "decision", "a person is asked"
    }  # fmt: skip
    decision = next(one for one in events if one["what"] == "decision")
    assert decision["about"] == [watching.seqs[LOOKS * 3 // 4]]
    text = page_of(watched_site, watching).text
    assert f"decision TRAIN: drift since noon {HOSTILE} (answers entry {decision['about'][0]})" in text
    assert f"a person is asked a training on these rows was refused {HOSTILE}" in text
    assert "2 windows in a row: 40% of the columns, distance_km, pressure_at_departure_in_mbar" in text
    assert "decay since" in text


def test_a_mark_stands_at_the_window_it_followed_from(watched_site: RunningSite, watching: Watching) -> None:
    drift = watched_site.json(f"{watching.page}.json")["drift"]
    pieces = watched_site.get(watching.page).split('<g class="mark"><title>')[1:]
    marks = [html.unescape(piece.split("</title>")[0]) for piece in pieces]
    starts = [datetime.fromisoformat(start) for start in drift["starts"]]
    assert f"{starts[LOOKS * 3 // 4]:%Y-%m-%d %H:%M}: TRAIN: drift since noon {HOSTILE}" in marks
    assert f"{starts[-1]:%Y-%m-%d %H:%M}: a training on these rows was refused {HOSTILE}" in marks
    champions = drift["champions"]
    assert champions == sorted(champions, key=champions.index)
    assert champions.count(watching.champion) == LOOKS * 3 // 4


def test_losses_are_drawn_with_their_bounds_and_the_level_at_the_gate(
    watched_site: RunningSite, watching: Watching
) -> None:
    page = watched_site.json(f"{watching.page}.json")
    lost = page["lost"]
    assert (page["metric"], len(lost)) == ("MAE", LOOKS - 1)  # of one window nothing could be said
    newest = [lost[-1][name] for name in ("loss", "lower", "upper", "level")]
    assert newest == pytest.approx([1.675, 1.575, 1.775, 1.3])
    assert lost[-1]["outcome"] == "fail"
    assert page["policy"]["allowed"] == 0.05
    assert "MAE over time; the table below has each window." in page_of(watched_site, watching).values(
        "aria-label"
    )


def test_slices_stand_side_by_side_with_their_bounds_the_worst_first(
    watched_site: RunningSite, watching: Watching
) -> None:
    seen = page_of(watched_site, watching)
    rows = [
        "all 600 1.675 1.575 to 1.775",
        f"tariff night {HOSTILE} 300 1.7 1.4 to 2",
        "tariff day 300 1.2 1.12 to 1.28",
    ]
    places = [seen.text.index(row) for row in [*rows, "tariff unknown 0 — —"]]
    assert places == sorted(places)
    assert f"tariff night {HOSTILE}: 1.7, between 1.4 and 2" in seen.values("aria-label")


def test_text_from_a_window_cannot_become_markup(watched_site: RunningSite, watching: Watching) -> None:
    page = watched_site.get(watching.page)
    assert "<script" not in page
    assert HOSTILE in see(page).text


def test_a_model_that_is_not_monitored_says_what_to_add_and_that_is_enough(
    watched: Told, watched_site: RunningSite
) -> None:
    assert "This model is not monitored." in see(watched_site.get("/models/progression/monitoring")).text
    page = watched_site.get("/models/progression/monitoring")
    example = "".join(see(page.split("<pre", 1)[1].split(">", 1)[1].split("</pre>")[0]).pieces)
    assert example.strip() == EXAMPLE.read_text("utf-8").strip()
    path = watched.home.models / "progression/model.toml"
    before = path.read_text("utf-8")
    path.write_text(f"{before}\n{example}", "utf-8")
    text = see(watched_site.get("/models/progression/monitoring")).text
    path.write_text(before, "utf-8")
    assert "Nobody has looked yet. Nothing answers, so there is nothing to look at" in text


def test_the_example_fits_every_shipped_model(watched: Told) -> None:
    for folder in sorted((PROJECT_ROOT / "models").iterdir()):
        text = (folder / "model.toml").read_text("utf-8")
        copied = watched.home.path / "examples" / folder.name / "model.toml"
        copied.parent.mkdir(parents=True)
        copied.write_text(text if "[monitor]" in text else f"{text}\n{EXAMPLE.read_text('utf-8')}", "utf-8")
        assert find_model(copied.parent.parent, folder.name).monitor is not None


def test_a_model_that_nobody_has_looked_at_says_when_somebody_will(
    watched: Told, watched_site: RunningSite
) -> None:
    fresh = Watching.over(watched, 0, "fresh")
    text = page_of(watched_site, fresh).text
    assert "Nobody has looked yet. The first look is due at 20" in text
    assert "millrace monitor look fresh takes one now" in text
    assert "What followed" not in text


def test_the_first_page_and_the_models_own_say_what_failed_and_lead_there(
    watched_site: RunningSite, watching: Watching
) -> None:
    for path in ("/", "/models/fares"):
        seen = see(watched_site.get(path))
        assert "Not as it should be: data drift, performance, latency" in seen.text
        assert watching.page in seen.values("href")
