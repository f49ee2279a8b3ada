"""Does a report say what was decided, in the words and the order of somebody who answers for it?"""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.canonical import readable_json
from millrace.domain.config import Rule
from millrace.domain.facts import ChallengerJudged
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.judge import judge_rule
from millrace.domain.gate.plot import Side, place_bars, spell_interval, spell_limit, spell_number
from millrace.domain.gate.report import GateReport, JudgedRows, report_of_fact, to_findings
from millrace.domain.gate.rules import RULES
from millrace.domain.gate.table import gate_table
from millrace.domain.gate.telling import (
    list_policy,
    list_roles,
    tell_against,
    tell_consequence,
    tell_counts,
    tell_decision,
    tell_headline,
    tell_policy,
    tell_rows,
)
from millrace.domain.verdict import Outcome, Verdict
from tests.domain.judged import GOOD, POLICY
from tests.reported import REPORT

MAYBE = st.none() | st.floats(-1e9, 1e9)


def with_findings(outcome: Outcome, *findings: Finding) -> GateReport:
    return replace(REPORT, outcome=outcome, findings=findings)


def test_the_headline_names_the_version_the_decision_and_the_rules_that_decided() -> None:
    assert tell_headline(REPORT) == "flights aaaaaaaaaaaa: refused by recent champion"
    several = (Finding(name, Outcome.FAIL, "no") for name in ("a_b", "c", "d", "e", "f"))
    told = tell_headline(with_findings(Outcome.FAIL, *several))
    assert told == "flights aaaaaaaaaaaa: refused by a b, c, d and 2 more"
    few = with_findings(Outcome.INCONCLUSIVE, Finding("x", Outcome.INCONCLUSIVE, "3 rows"))
    assert tell_headline(few) == "flights aaaaaaaaaaaa: not decided by x, so refused"


def test_the_decision_has_the_arithmetic_of_the_rules_that_decided() -> None:
    assert tell_decision(REPORT) == "recent champion: AUC 0.7 against 0.71, needed more."
    assert tell_decision(with_findings(Outcome.PASS, Finding("x", Outcome.PASS, "ok"))) == (
        "The one rule that decides passed."
    )


def test_what_does_not_decide_never_counts_as_what_passed_or_failed() -> None:
    dry = Finding("cost", Outcome.FAIL, "slow", "missed", dry_run=True)
    good_dry = Finding("stability", Outcome.PASS, "steady", "cleared", dry_run=True)
    asked_not = Finding("fairness", Outcome.PASS, "not asked for", "not_asked")
    report = with_findings(
        Outcome.PASS, Finding("x", Outcome.PASS, "ok", "cleared"), good_dry, dry, asked_not
    )
    assert (report.missed, report.dry_runs, report.not_asked) == ((), (dry, good_dry), (asked_not,))
    assert [one.rule for one in report.passed] == ["x"] == [one.rule for one in report.deciding]
    assert tell_counts(report) == "1 passed, 2 in dry run, which decides nothing, 1 not asked for"


def test_what_failed_stands_before_what_could_not_be_decided() -> None:
    assert [one.rule for one in REPORT.missed] == ["recent_champion", "golden_best", "slices"]


def test_it_says_against_whom_on_which_rows_and_by_which_bar() -> None:
    assert tell_against(REPORT) == (
        "the champion bbbbbbbbbbbb of generation 4, the simple model eeeeeeeeeeee, on the same rows"
    )
    first = replace(REPORT, champion=None, best=None, generation=None)
    assert tell_against(first).startswith("no champion, for nothing answered yet, the simple model ")
    assert tell_rows(REPORT.sets[0]) == (
        "recent: 12,345 rows of 28 blocks, 2013-04-01 to 2013-04-28; looked at twice before"
    )
    assert tell_rows(JudgedRows("golden", "d" * 64, {})) == "golden: set dddddddddddd"
    assert tell_policy(REPORT) == "AUC, superior by a margin of 0, sure to 95 %"
    assert ("gate.floors.auc", "0.65") in list_policy(REPORT)
    assert list_roles(REPORT) == ["challenger", "champion"]


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (REPORT, "It may not answer; the champion bbbbbbbbbbbb stays"),
        (replace(REPORT, champion=None), "It may not answer; nothing answers yet"),
        (replace(REPORT, outcome=Outcome.PASS), "It may replace the champion."),
        (replace(REPORT, outcome=Outcome.PASS, champion=None), "It may be the first champion."),
        (replace(REPORT, is_recorded=False), "nothing was recorded, and no look at the rows counted"),
    ],
)
def test_it_says_what_follows(report: GateReport, said: str) -> None:
    assert said in tell_consequence(report)


def test_a_report_is_read_back_as_it_was_written() -> None:
    assert msgspec.json.decode(readable_json(REPORT), type=GateReport) == REPORT


def test_numbers_of_numpy_and_what_is_no_number_can_be_written() -> None:
    bar = Bar("loss", np.float64(0.5), np.nan, np.inf, limit=np.int64(3))  # type: ignore[arg-type]
    assert (bar.value, bar.lower, bar.upper, bar.limit) == (0.5, None, None, 3.0)
    assert '"limit": 3.0' in readable_json(bar)


def test_every_rule_says_what_it_asks_and_those_with_numbers_show_them() -> None:
    assert all(rule.question.endswith(".") for rule in RULES.values())
    found_by = {
        name: judge_rule(name, GOOD, POLICY)
        for name in (Rule.RECENT_CHAMPION, Rule.FLOORS, Rule.GOLDEN_LOOKS)
    }
    bars = {name: found.bars for name, found in found_by.items() if isinstance(found, Finding)}
    assert bars[Rule.RECENT_CHAMPION][0] == Bar("gain in MAE over the champion", 1.0, 1.0, 1.0, 0.0, True)
    assert bars[Rule.FLOORS] == (Bar("MAE", 1.0, limit=2.5),)
    assert bars[Rule.GOLDEN_LOOKS] == (Bar("looks", 0.0, limit=50.0),)


def test_a_report_that_is_lost_still_tells_what_the_ledger_knows() -> None:
    verdicts = (Verdict("floors", Outcome.PASS, "AUC 0.7", "cleared"),)
    judged = ChallengerJudged(
        "k", "a" * 64, None, Outcome.PASS, "floors: AUC 0.7", verdicts, "c" * 64, "d" * 64, {}, 0
    )
    at = datetime(2013, 5, 1, tzinfo=UTC)
    report = report_of_fact("flights", judged, {"recent": {"challenger": 0.7}}, "auc", at)
    assert (
        report.findings == (Finding("floors", Outcome.PASS, "AUC 0.7", "cleared"),) == to_findings(verdicts)
    )
    assert "not kept here" in report.notes[0]
    assert report.sets[0].values == {"challenger": 0.7}


def test_the_markdown_table_marks_dry_runs_and_names_what_was_not_asked_in_one_line() -> None:
    verdicts = (
        Verdict("floors", Outcome.PASS, "AUC 0.7 | 0.65", "cleared"),
        Verdict("cost", Outcome.FAIL, "slow", "missed", dry_run=True),
        Verdict("fairness", Outcome.PASS, "not asked for: no [gate.fairness]", "not_asked"),
        Verdict("slices", Outcome.PASS, "not asked for: no [gate.slices]", "not_asked"),
    )
    judged = ChallengerJudged("k", "a" * 64, None, Outcome.PASS, "floors: AUC 0.7", verdicts, "c", "d", {}, 0)
    assert gate_table(judged).splitlines() == [
        "**pass**: floors: AUC 0.7",
        "",
        "| rule | outcome | reason |",
        "|---|---|---|",
        "| floors | pass | AUC 0.7 / 0.65 |",
        "| cost | fail, dry run | slow |",
        "",
        "not asked for: fairness, slices",
    ]


@pytest.mark.parametrize(
    ("bar", "side"),
    [
        (Bar("a", 1.0, 0.5, 1.5, limit=2.0), Side.INSIDE),
        (Bar("a", 1.0, 0.5, 1.5, limit=1.2), Side.ACROSS),
        (Bar("a", 1.0, 0.5, 1.5, limit=0.4), Side.OUTSIDE),
        (Bar("a", 1.0, 0.5, 1.5, limit=0.4, is_floor=True), Side.INSIDE),
        (Bar("a", 1.0, 0.5, 1.5, limit=2.0, is_floor=True), Side.OUTSIDE),
        (Bar("a", 0.0, limit=0.0), Side.AT),
        (Bar("a", 1.0, 0.5, 1.5), Side.UNLIMITED),
        (Bar("a", None, limit=1.0), Side.UNLIMITED),
    ],
)
def test_a_number_surely_stands_on_a_side_only_with_its_whole_interval(bar: Bar, side: Side) -> None:
    assert [placed.side for placed in place_bars([bar])] == [side]


@given(st.lists(st.builds(Bar, st.just("x"), MAYBE, MAYBE, MAYBE, MAYBE, st.booleans()), max_size=6))
def test_whatever_is_measured_has_its_place_on_the_line(bars: list[Bar]) -> None:
    for placed in place_bars(bars):
        for place in (placed.value, placed.lower, placed.upper, placed.limit):
            assert place is None or 0.0 <= place <= 100.0
        assert spell_number(placed.bar.value)
        assert isinstance(spell_interval(placed.bar) + spell_limit(placed.bar), str)


def test_bars_of_one_kind_share_a_scale_and_others_do_not() -> None:
    slices = [Bar(name, value, limit=0.02) for name, value in (("a", 0.01), ("b", 0.05))]
    low, high, other = place_bars([*slices, Bar("latency", 9.0, limit=10.0)])
    assert low.limit == high.limit != other.limit
    assert low.value is not None
    assert high.value is not None
    assert high.value - low.value > 50, "a latency would squash them"


def test_one_or_two_numbers_with_nothing_beside_them_are_not_drawn() -> None:
    numbers = [Bar(name, value) for name, value in (("a", 0.70), ("b", 0.71), ("c", 0.72))]
    assert [placed.is_drawn for placed in place_bars(numbers[:2])] == [False, False]
    assert [placed.is_drawn for placed in place_bars(numbers)] == [True, True, True]
