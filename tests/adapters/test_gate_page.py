"""Does the gate's page say what the gate found, with nothing but itself?"""

from dataclasses import replace

from millrace.adapters.gate_page import render_gate
from millrace.domain.verdict import Outcome
from tests.reported import REPORT
from tests.site.reading import see


def test_the_decision_stands_first_with_its_rule_against_whom_on_which_rows_when_and_by_which_bar() -> None:
    text = see(render_gate(REPORT)).text
    told = (
        "flights aaaaaaaaaaaa: refused by recent champion",
        "fail recent champion: AUC 0.7 against 0.71, needed more.",
        "It may not answer; the champion bbbbbbbbbbbb stays.",
        "2013-05-01 06:00 UTC",
        "the champion bbbbbbbbbbbb of generation 4, the simple model eeeeeeeeeeee",
        "recent: 12,345 rows of 28 blocks, 2013-04-01 to 2013-04-28; looked at twice before",
        "golden: 3,210 rows of 30 blocks, 2013-01-01 to 2013-03-28; the first look at it",
        "AUC, superior by a margin of 0, sure to 95 %",
        "1 passed, 1 failed, 2 could not decide, 1 in dry run, which decides nothing, 1 not asked for",
        "Who recent golden challenger 0.7 0.72 champion 0.71 —",
        "What kept it from passing",
    )
    places = [text.find(one) for one in told]
    assert -1 not in places
    assert places == sorted(places)


def test_every_rule_has_its_numbers_its_interval_what_is_allowed_and_a_line() -> None:
    seen = see(render_gate(REPORT))
    assert "gain in AUC -0.01 -0.02 to -0.002 at least 0" in seen.text
    assert "origin=EWR 0.015 -0.005 to 0.03 at most 0.02" in seen.text
    assert "Judge the challenger against the champion on the recent set." in seen.text
    drawn = [value for name, attrs in seen.tags if name == "svg" for value in [attrs["class"]]]
    assert drawn == [
        "plot outside",  # the gain
        *("plot across", "plot inside", "plot outside"),  # three slices
        *("plot inside", "plot outside", "plot inside"),  # a floor; a latency and a size
    ]


def test_what_is_surely_not_allowed_has_another_shape_too() -> None:
    seen = see(render_gate(REPORT))
    assert (seen.count("path"), seen.count("circle")) == (3, 4)


def test_dry_runs_stand_apart_and_what_was_not_asked_is_one_line_each_at_the_end() -> None:
    text = see(render_gate(REPORT)).text
    at = [
        text.index(one)
        for one in ("What passed", "Dry runs", "cost fail dry run", "Not asked for", "fairness :")
    ]
    assert at == sorted(at)
    assert "fairness : not asked for: model.toml has no [gate.fairness]" in text


def test_the_policy_as_it_was_and_all_digests_are_there() -> None:
    text = see(render_gate(REPORT)).text
    for told in ("gate.floors.auc 0.65", "gate.dry_run cost", "a" * 64, "c" * 64, "f" * 64, "k" * 64):
        assert told in text


def test_tables_have_captions_and_headers_and_no_id_stands_there_twice() -> None:
    seen = see(render_gate(REPORT))
    assert seen.count("table") == seen.count("caption")
    assert all(attrs.get("scope") for tag, attrs in seen.tags if tag == "th")
    ids = seen.values("id")
    assert len(ids) == len(set(ids))
    assert all(attrs.get("aria-hidden") for tag, attrs in seen.tags if tag == "svg")


def test_a_first_challenger_has_no_champion_to_beat_and_one_without_losses_no_table() -> None:
    bare = tuple(replace(rows, values={}) for rows in REPORT.sets)
    first = replace(REPORT, champion=None, best=None, sets=bare, policy={}, outcome=Outcome.PASS)
    text = see(render_gate(first)).text
    assert "It may be the first champion." in text
    assert "no champion, for nothing answered yet" in text
    assert "What it came to" not in text
    assert "The policy as it was" not in text


def test_the_page_stands_alone_and_the_same_report_is_the_same_page() -> None:
    page = render_gate(REPORT)
    seen = see(page)
    assert not {tag for tag, _ in seen.tags} & {"script", "link", "img", "b"}
    assert not [value for name in ("src", "href") for value in seen.values(name)]
    assert "prefers-color-scheme: dark" in page
    assert page == render_gate(REPORT)
