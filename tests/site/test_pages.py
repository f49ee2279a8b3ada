"""Do the pages say what the ledger says, and nothing else?"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from millrace.domain.canonical import readable_json, sha256_of
from millrace.domain.facts import AutomationPaused, ChallengerJudged
from millrace.domain.offer import offer_name
from millrace.site.measured import list_measured
from millrace.steps.audit import verify_everything
from millrace.steps.lineage import find_lineage
from millrace.steps.status import list_status
from millrace.steps.stores import ledger
from tests.conftest import NOON
from tests.site.reading import see
from tests.site.told import (
    HOSTILE,
    PARKED,
    PAUSE,
    ROLLBACK,
    RunningSite,
    Told,
    entered,
    running_site,
    tell_all,
)


@contextmanager
def forged_pointer(told: Told) -> Iterator[None]:
    pointer = told.home.path / "var/channel/fares/pointer.json"
    before = pointer.read_bytes()
    pointer.write_bytes(before.replace(b'"weight":100', b'"weight":99'))
    try:
        yield
    finally:
        pointer.write_bytes(before)


def test_the_first_page_says_who_answers_since_when_and_what_was_decided_last(
    told: Told, site: RunningSite
) -> None:
    seen = see(site.get("/"))
    assert "2 models, as of " in seen.text
    assert f"fares {told.first[:12]} 2013-04-04 12:00 fail TRAIN by hand; {HOSTILE}" in seen.text
    assert "progression none yet — — — Paused: " in seen.text
    assert {"/models/fares", "/models/progression", f"/models/fares/versions/{told.first}"} <= set(
        seen.values("href")
    )


def test_what_waits_for_a_person_stands_under_its_model(site: RunningSite) -> None:
    text = see(site.get("/")).text
    assert f"Paused: ada at 2013-04-01 12:00 UTC: {PAUSE}" in text
    assert f"Parked: retrain after 3 attempts: {PARKED}" in text
    assert "Differs from the ledger" not in text


def test_a_pointer_that_differs_is_a_warning_under_its_model_and_what_the_audit_finds(
    told: Told, site: RunningSite
) -> None:
    with forged_pointer(told):
        for page in ("/", "/models/fares"):
            assert "Differs from the ledger: " in see(site.get(page)).text
        seen = see(site.get("/audit"))
        assert "Something was changed" in seen.text
        assert "its signature is wrong" in seen.text
        assert site.json("/audit.json")["audited"] is None
    assert "Nothing was changed" in see(site.get("/audit")).text


def test_a_model_shows_its_champions_with_how_each_came_and_went(told: Told, site: RunningSite) -> None:
    text = see(site.get("/models/fares")).text
    assert f"{told.first[:12]} answers since 2013-04-04 12:00 UTC, as generation 3" in text
    assert f"3 {told.first[:12]} 2013-04-04 12:00 now back by a rollback by ada: {ROLLBACK}" in text
    assert f"2 {told.second[:12]} 2013-04-02 12:01 2013-04-04 12:00 promoted by ada: recent_champion" in text
    assert f"Withdrawn: {ROLLBACK}" in text


def test_a_model_shows_its_decisions_and_every_rule_of_its_gate_newest_first(
    told: Told, site: RunningSite
) -> None:
    seen = see(site.get("/models/fares"))
    assert "the latest 3, newest first" in seen.text
    assert f"new rows asks for TRAIN: 1,054 new rows {HOSTILE}" in seen.text
    refused = seen.text.index(f"{told.refused[:12]} on 2013-04-03 12:01 UTC, against {told.second[:12]}")
    assert seen.text.index("recent champion fail rmse 2.25") > refused
    assert seen.text.index(f"{told.first[:12]} on 2013-04-01 12:01 UTC") > refused
    assert "finite inconclusive 3 rows" in seen.text


def test_what_the_gate_measured_of_each_version_is_drawn_as_people_read_it(
    told: Told, site: RunningSite
) -> None:
    measured = site.json("/models/fares.json")["measured"]
    points = [(one["outcome"], one["challenger"], one["champion"]) for one in measured["points"]]
    assert (measured["metric"], points) == (
        "MAE", [("pass", 0.25, None), ("pass", 1.25, 0.25), ("fail", 2.25, 1.25)]
    )  # fmt: skip
    names = see(site.get("/models/fares")).values("aria-label")
    assert "MAE of judged versions over time; the gate's tables have each of them." in names
    assert "MAE" not in see(site.get("/models/progression")).text


def test_a_judgement_by_another_metric_is_not_drawn_beside_the_others(told: Told) -> None:
    with entered(told.home):
        entries = ledger().entries("fares", (ChallengerJudged,))
        old = [one for one in entries if isinstance(one.fact, ChallengerJudged)]
        other = [replace(one, fact=replace(one.fact, metric="auc")) for one in old[:1]]
        by_terms = [replace(one, fact=replace(one.fact, terms="quantile 0.5")) for one in old[:1]]
        drawn = [list_measured("fares", [*first, *old[1:]]) for first in (other, by_terms)]
    assert [[one.challenger for one in each.points] for each in drawn] == [[1.25, 2.25]] * 2


def test_a_model_of_which_nothing_is_known_but_its_folder_says_so(site: RunningSite) -> None:
    text = see(site.get("/models/progression")).text
    for told in (
        "Nothing answers yet. No batch was accepted yet.",
        "Nothing was decided",
        "Nothing was judged",
    ):
        assert told in text


def test_a_version_shows_its_lineage_and_its_gate(told: Told, site: RunningSite) -> None:
    text = see(site.get(f"/models/fares/versions/{told.second}")).text
    assert "It does not answer now; version 2 in the catalogue." in text
    for shown in (told.second, "900 rows of 2 blocks, 2013-01-01 to 2013-01-02", "alpha 0.5", "rmse 1.25"):
        assert shown in text
    assert f"{told.second[:12]} withdrawn, {told.first[:12]} answers again: {ROLLBACK}" in text
    champion = see(site.get(f"/models/fares/versions/{told.first[:9]}")).text
    assert "The champion: it answers now; version 1 in the catalogue." in champion


def test_a_version_links_to_the_report_of_its_gate_which_says_what_the_ledger_knows(
    told: Told, site: RunningSite
) -> None:
    address = f"/models/fares/versions/{told.refused}"
    assert f"{address}/gate" in see(site.get(address)).values("href")
    text = see(site.get(f"{address}/gate")).text
    assert f"fares {told.refused[:12]}: refused by recent champion" in text
    assert f"fail recent champion: rmse 2.25 {HOSTILE}" in text
    assert "The report of this judgement is not kept here" in text
    assert site.ask("GET", "/models/progression/versions/nosuch/gate").status == 404


def test_json_says_what_the_verbs_say(told: Told, site: RunningSite, monkeypatch: pytest.MonkeyPatch) -> None:
    told.home.enter(monkeypatch)
    statuses = json.loads(readable_json(list_status()))
    assert [line["status"] for line in site.json("/index.json")["models"]] == statuses
    fares = site.json("/models/fares.json")
    assert fares["line"]["status"] in statuses
    assert [one["digest"] for one in fares["champions"]] == [told.first, told.second, told.first]
    assert fares["judgements"][0]["fact"]["digest"] == told.refused
    lineage = site.json(f"/models/fares/versions/{told.second}.json")["lineage"]
    assert lineage == json.loads(readable_json(find_lineage(told.second)))
    assert site.json("/audit.json")["audited"] == json.loads(readable_json(verify_everything()))


def test_every_page_links_to_its_json(told: Told, site: RunningSite) -> None:
    for path in told.pages:
        [data] = [link for link in see(site.get(path)).values("href") if link.endswith(".json")]
        assert site.json(data)["at"].startswith("20")


def test_text_from_the_ledger_cannot_become_markup(told: Told, site: RunningSite) -> None:
    for path in told.pages:
        page = site.get(path)
        assert "<script>" not in page
        assert see(page).count("script") == (path == "/")
    for path in ("/models/fares", f"/models/fares/versions/{told.refused}"):
        assert HOSTILE in see(site.get(path)).text


def test_a_path_cannot_become_markup_either(site: RunningSite) -> None:
    for path in ("/%3Cscript%3E", "/models/%3Cscript%3E", "/models/fares/versions/%22%3E%3Cscript%3E"):
        answer = site.ask("GET", path)
        assert answer.status == 404
        assert b"<script" not in answer.body


def test_looking_changes_nothing(told: Told, site: RunningSite, monkeypatch: pytest.MonkeyPatch) -> None:
    told.home.enter(monkeypatch)

    def state() -> dict[str, str]:
        roots = (told.home.path, told.home.models)
        files = [path for root in roots for path in root.rglob("*") if path.is_file()]
        # what SQLite writes for its readers too, and what the site itself says
        left_out = (".sqlite-wal", ".sqlite-shm", "said")
        kept = {str(f): sha256_of(f.read_bytes().hex()) for f in files if not f.name.endswith(left_out)}
        head = told.home.ledger.head()
        assert head is not None
        return kept | {"head": head.hash}

    before = state()
    for path in told.pages:
        site.get(path)
    assert state() == before


def test_a_model_of_which_only_the_ledger_knows_stands_on_the_first_page_too(tmp_path: Path) -> None:
    told = tell_all(tmp_path)
    with entered(told.home), running_site(told.home) as site:
        names = [line["status"]["model"] for line in site.json("/index.json")["models"]]
        told.home.ledger.append("gone", AutomationPaused("its folder was removed"), NOON, "ada")
        shutil.rmtree(told.home.models / "progression")
        after = [line["status"]["model"] for line in site.json("/index.json")["models"]]
        assert (names, after) == (["fares", "progression"], ["fares", "gone", "progression"])
        assert "its folder was removed" in see(site.get("/models/gone")).text
        assert "takes no uploads" in see(site.get("/models/gone/batches")).text


def test_whatever_changes_about_a_model_is_seen_at_the_next_look(tmp_path: Path) -> None:
    told = tell_all(tmp_path)
    pointer = told.home.path / "var/channel/fares/pointer.json"
    dataset = told.home.path / "datasets/fares.json"
    offer = told.home.path / "var/channel" / offer_name("fares", "0" * 64)
    with entered(told.home), running_site(told.home) as site:

        def trouble() -> str | None:
            [fares] = [one for one in site.json("/index.json")["models"] if one["status"]["model"] == "fares"]
            return fares["trouble"]

        def seen_without(path: Path) -> str | None:
            before = path.read_bytes()
            path.unlink()
            found = trouble()
            path.write_bytes(before)
            return found

        assert trouble() is None
        assert [seen_without(path) for path in (pointer, dataset)] == ["no pointer", "no dataset file"]
        assert trouble() is None
        offer.parent.mkdir()
        offer.write_bytes(b"{}")
        assert "is not a signed offer" in str(trouble())
        offer.unlink()
        assert trouble() is None
        told.home.rewrite(
            "fares", "[golden]", '[serving]\ndurability = "durable"\nretention = "90d"\n\n[golden]'
        )
        assert trouble() == "[serving] of model.toml was changed"
        told.home.ledger.append("fares", AutomationPaused("seen"), NOON, "ada")
        assert "seen" in see(site.get("/")).text


def test_what_kept_us_from_looking_is_forgotten_as_soon_as_it_is_gone(tmp_path: Path) -> None:
    told = tell_all(tmp_path)
    beside = told.home.path / "var/keys/trusted"
    with entered(told.home), running_site(told.home) as site:
        offer = told.home.path / "var/channel" / offer_name("fares", "0" * 64)
        offer.parent.mkdir()
        offer.write_bytes(b'{"offer": {}, "signature": ""}')
        (beside / "ann.pub").mkdir(parents=True)
        [fares, *_] = site.json("/index.json")["models"]
        assert "Is a directory" in fares["trouble"]
        (beside / "ann.pub").rmdir()
        [fares, *_] = site.json("/index.json")["models"]
        assert "no key that is trusted here" in fares["trouble"]
