"""What does the page about monitoring say where there is much, little, or something is damaged?"""

from millrace.domain.facts import Action
from tests.site.told import RunningSite, Told
from tests.site.watching import (
    HOUR,
    Watching,
    column,
    drift_of,
    page_of,
)

CALM, GONE = column("distance_km", 0.02), column("distance_km", 0.4)


def test_a_request_that_stands_is_told_once(watched: Told, watched_site: RunningSite) -> None:
    still = Watching.over(watched, 5, "still")
    for _ in range(5):
        still.look(drift_of(GONE))
        still.decide(Action.SKIP, "nothing asks for a training", answers_look=False)
    asked = [
        one for one in watched_site.json(f"{still.page}.json")["events"] if one["what"] != "another champion"
    ]
    assert [one["seq"] for one in asked] == [still.seqs[1]]


def test_a_look_that_nobody_took_is_a_warning(watched: Told, watched_site: RunningSite) -> None:
    late = Watching.over(watched, 12, "late")
    late.look(drift_of(CALM))
    seen = page_of(watched_site, late)
    assert "Nobody looked: a look was due at 20" in seen.text
    assert "What could be judged is as it should be." in seen.text


def test_what_was_found_of_a_champion_that_is_gone_says_so(watched: Told, watched_site: RunningSite) -> None:
    old = Watching.over(watched, 2, "old")
    old.look(drift_of(GONE))
    [line] = [one for one in watched_site.json("/index.json")["models"] if one["status"]["model"] == "old"]
    assert line["failing"] == ["data drift"]
    old.promote(watched.second)
    text = page_of(watched_site, old).text
    assert (
        f"Another champion: this is about {watched.first[:12]} , and {watched.second[:12]} answers since"
        in text
    )
    [line] = [one for one in watched_site.json("/index.json")["models"] if one["status"]["model"] == "old"]
    assert line["failing"] == []


def test_of_a_thousand_columns_the_worst_are_drawn_and_the_page_says_so(
    watched: Told, watched_site: RunningSite
) -> None:
    wide = Watching.over(watched, 3, "wide")
    for _ in range(3):
        wide.look(drift_of(*(column(f"column_{number}", number / 5_000) for number in range(1_000))))
    page = watched_site.json(f"{wide.page}.json")["drift"]
    assert page["count"] == 1_000
    assert [strip["column"] for strip in page["strips"]] == [f"column_{n}" for n in range(999, 969, -1)]
    seen = page_of(watched_site, wide)
    assert "Drawn are the 30 columns of most concern of 1,000." in seen.text
    assert "column_970" in seen.text
    assert "column_969" not in seen.text


def test_a_window_that_goes_on_is_drawn_once(watched: Told, watched_site: RunningSite) -> None:
    slow = Watching.over(watched, 3, "slow")
    slow.look(drift_of(CALM), rows=10)
    slow.look(drift_of(GONE), rows=20)
    page = watched_site.json(f"{slow.page}.json")
    assert (len(page["status"]["looks"]), page["unread"]) == (2, 0)
    [cell] = page["drift"]["strips"][0]["cells"]
    assert cell["score"] == 0.4
    assert "of too few rows, so it goes on" in page_of(watched_site, slow).text


def test_damaged_findings_hide_nothing_else(watched: Told, watched_site: RunningSite) -> None:
    torn = Watching.over(watched, 4, "torn")
    looks = [torn.look(drift_of(one)) for one in (CALM, GONE, CALM, GONE)]
    older = torn.findings_of(looks[1])
    older.write_bytes(older.read_bytes()[:100])
    page = watched_site.json(f"{torn.page}.json")
    assert (page["unread"], len(page["drift"]["starts"])) == (1, 3)
    assert "what was found of 1 of these windows cannot be read" in page_of(watched_site, torn).text
    torn.findings_of(looks[3]).unlink()
    text = page_of(watched_site, torn).text
    assert "Data drift is not as it should be." in text  # the ledger knows
    assert "what the last look found of each column is not there any more" in text


def test_what_was_kept_of_a_look_that_was_never_recorded_is_not_told(
    watched: Told, watched_site: RunningSite
) -> None:
    killed = Watching.over(watched, 3, "killed")
    recorded = killed.look(drift_of(CALM), rows=10)
    kept = killed.findings_of(recorded)
    end = f"{recorded.end:%Y-%m-%dT%H:%M:%S}".encode()
    content = kept.read_bytes()
    assert end in content
    kept.write_bytes(content.replace(end, f"{recorded.end + HOUR:%Y-%m-%dT%H:%M:%S}".encode()))
    page = watched_site.json(f"{killed.page}.json")
    assert (page["unread"], page["drift"]["strips"]) == (1, [])
    assert (
        "what the last look found of each column is not there any more" in page_of(watched_site, killed).text
    )
    assert 'millrace_findings_kept{model="killed"} 0.0' in watched_site.get("/metrics")


def test_findings_without_an_entry_are_no_look(watched: Told, watched_site: RunningSite) -> None:
    ahead = Watching.over(watched, 2, "ahead")
    look = ahead.look(drift_of(CALM))
    kept = ahead.findings_of(look)
    later = f"{look.start + HOUR:%Y%m%dT%H%M%S}.000000Z.findings.json"
    kept.with_name(later).write_bytes(
        kept.read_bytes().replace(f"{look.start:%H:%M:%S}".encode(), f"{look.start + HOUR:%H:%M:%S}".encode())
    )
    assert len(watched_site.json(f"{ahead.page}.json")["drift"]["starts"]) == 1


def test_a_broken_model_file_hides_no_look(watched: Told, watched_site: RunningSite) -> None:
    broken = Watching.over(watched, 1, "broken")
    broken.look(drift_of(GONE))
    path = watched.home.models / "broken/model.toml"
    path.write_text("[model", "utf-8")
    text = page_of(watched_site, broken).text
    path.unlink()
    assert "No policy: " in text
    assert "Data drift is not as it should be." in text
    assert "data drift" in page_of(watched_site, broken).text  # with the file gone too


def test_a_model_that_there_is_not_has_no_monitoring(watched_site: RunningSite) -> None:
    for path in ("/models/nobody/monitoring", "/models/nobody/monitoring/compare"):
        assert watched_site.ask("GET", path).status == 404
    assert watched_site.ask("POST", "/models/fares/monitoring").status == 405
