"""Does the gate's page say what the gate found, with nothing but itself?"""

from dataclasses import replace

from millrace.adapters.gate_page import render_gate
from millrace.domain.config import Metric
from millrace.domain.facts import ChallengerJudged
from millrace.domain.verdict import Outcome, Verdict
from tests.site.reading import see

JUDGED = ChallengerJudged(
    f"retrain:flights:{'k' * 64}", "a" * 64, "b" * 64, Outcome.FAIL, "recent_champion: no better",
    (
        Verdict("recent_champion", Outcome.FAIL, "AUC 0.7 against 0.71 <b>"),
        Verdict("golden_best", Outcome.INCONCLUSIVE, "9 blocks, 14 needed"),
    ),
    "c" * 64, "d" * 64,
    {"recent": {"challenger": 0.3, "champion": 0.29}, "golden": {"challenger": 0.25}}, 4,
)  # fmt: skip


def test_every_rule_and_what_was_measured_stand_on_the_page_as_people_read_it() -> None:
    text = see(render_gate("flights", JUDGED, Metric.AUC)).text
    assert "The gate on aaaaaaaaaaaa" in text
    assert "Against bbbbbbbbbbbb , the champion of generation 4, on the same rows" in text
    assert "fail recent_champion: no better" in text
    assert "golden best inconclusive 9 blocks, 14 needed" in text
    assert "Who recent golden challenger 0.7 0.75 champion 0.71 —" in text
    assert "Run key kkkkkkkkkkkk ." in text


def test_a_first_challenger_has_no_champion_to_beat() -> None:
    first = replace(JUDGED, champion=None, losses={})
    text = see(render_gate("flights", first, Metric.AUC)).text
    assert "Nothing answered yet" in text
    assert "What was measured" not in text


def test_the_page_stands_alone_and_the_same_judgement_is_the_same_page() -> None:
    page = render_gate("flights", JUDGED, Metric.AUC)
    seen = see(page)
    assert not {tag for tag, _ in seen.tags} & {"script", "link", "img", "b"}
    assert not [value for name in ("src", "href") for value in seen.values(name)]
    assert "prefers-color-scheme: dark" in page
    assert page == render_gate("flights", JUDGED, Metric.AUC)
