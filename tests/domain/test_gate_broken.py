"""Does any rule pass on a measurement that is broken, and does each say what is wrong with it?"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from millrace.domain.config import Rule
from millrace.domain.facts import Agreement
from millrace.domain.gate import judge_challenger
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, judged_set_id
from millrace.domain.gate.judge import judge_rule
from millrace.domain.gate.measurement import Measurement, NoEvidenceError, NotMeasured, find_flaw
from millrace.domain.gate.rules import RULES, GateRule
from millrace.domain.verdict import Outcome, Verdict
from tests.domain.judged import GOOD, POLICY, off_by

SETS = ("recent", "golden")
ODD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
ROLES = ("labels", "challenger", "champion", "baseline", "best")

Break = Callable[[GateEvidence], GateEvidence]


def on(name: str, change: Callable[[JudgedSet], JudgedSet]) -> Break:
    return lambda found: replace(found, **{name: change(getattr(found, name))})


def with_odd(role: str, value: float, row: slice) -> Callable[[JudgedSet], JudgedSet]:
    def spoil(judged: JudgedSet) -> JudgedSet:
        spoilt = np.array(getattr(judged, role))
        spoilt[row] = value
        return replace(judged, **{role: spoilt})

    return spoil


def of_source(**changes: str) -> Callable[[JudgedSet], JudgedSet]:
    return lambda judged: replace(judged, source=replace(judged.source, **changes))


def shorter(*roles: str) -> Callable[[JudgedSet], JudgedSet]:
    return lambda judged: replace(judged, **{role: getattr(judged, role)[:-1] for role in roles})


def keyed(keys: Callable[[int], list[int]]) -> Callable[[JudgedSet], JudgedSet]:
    return lambda judged: replace(judged, keys=np.array(keys(len(judged.labels)), dtype=np.uint64))


def other_blocks(judged: JudgedSet) -> JudgedSet:
    return replace(judged, blocks=np.array([f"x{name}" for name in judged.blocks]))


def nothing_of(_judged: JudgedSet) -> JudgedSet:
    return off_by([], n_blocks=0)


def _broken_sets() -> Iterator[tuple[str, Break, Code]]:
    for name in SETS:
        for word, value in ODD.items():
            for role in ROLES:
                yield f"{name} {role} {word}", on(name, with_odd(role, value, slice(7, 8))), Code.NOT_FINITE
        yield (
            f"{name} all of the challenger nan",
            on(name, with_odd("challenger", math.nan, slice(None))),
            Code.NOT_FINITE,
        )
        yield f"{name} of another run", on(name, of_source(run_key="before")), Code.STALE
        yield f"{name} of another digest", on(name, of_source(digest="f" * 64)), Code.OTHER_DIGEST
        yield f"{name} of other rows", on(name, of_source(rows="f" * 64)), Code.OTHER_ROWS
        yield f"{name} of other blocks", on(name, other_blocks), Code.OTHER_ROWS
        yield f"{name} empty", on(name, nothing_of), Code.EMPTY
        yield f"{name} twice", on(name, keyed(lambda rows: [0, *range(rows - 1)])), Code.DUPLICATED
        yield f"{name} fewer keys", on(name, keyed(lambda rows: [*range(rows - 1)])), Code.OTHER_ROWS
        yield f"{name} negative looks", on(name, lambda judged: replace(judged, looks=-1)), Code.NEGATIVE
        yield f"{name} fewer labels", on(name, shorter("labels")), Code.OTHER_ROWS
        yield f"{name} fewer answers", on(name, shorter("challenger")), Code.OTHER_ROWS
        yield f"{name} fewer baselines", on(name, shorter("baseline")), Code.OTHER_ROWS
    for word, value in ODD.items():
        yield f"constant {word}", lambda found, value=value: replace(found, constant=value), Code.NOT_FINITE  # type: ignore[misc]
    yield "no run", lambda found: replace(found, run_key=""), Code.ABSENT
    yield "no challenger", lambda found: replace(found, challenger_digest=""), Code.ABSENT
    yield "no baseline", lambda found: replace(found, baseline_digest=""), Code.ABSENT


BROKEN_SETS = list(_broken_sets())


def test_at_least_thirty_broken_sets_go_into_every_rule() -> None:
    assert len({name for name, _, _ in BROKEN_SETS}) == len(BROKEN_SETS) >= 30


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_passes_on_a_broken_set_and_each_says_why(rule: Rule) -> None:
    for name, spoil, code in BROKEN_SETS:
        verdict = judge_rule(rule, spoil(GOOD), POLICY)
        if rule is Rule.FINITE and "challenger" in name and code is Code.NOT_FINITE:
            assert (verdict.outcome, verdict.code) == (Outcome.FAIL, code), name
        else:
            assert (verdict.outcome, verdict.code) == (Outcome.INCONCLUSIVE, code), name
        assert verdict.reason, name


def test_the_gate_never_passes_on_a_broken_set() -> None:
    for name, spoil, _ in BROKEN_SETS:
        assert judge_challenger(spoil(GOOD), POLICY).outcome is not Outcome.PASS, name


MEASURED = [rule for rule in RULES if rule in GOOD.measured]


def _floats_and_counts(found: Any) -> Iterator[tuple[str, Any]]:
    """Name the numbers that stand directly in a measurement, with what breaks each."""
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        if isinstance(value, bool):
            continue
        if isinstance(value, float):
            yield from ((field.name, odd) for odd in ODD.values())
        if isinstance(value, int):
            yield field.name, -1
        if isinstance(value, tuple) and value and hasattr(value[0], "name"):
            yield field.name, (*value, value[0])


def _broken_measurements(found: Measurement) -> Iterator[tuple[Measurement | NotMeasured | None, Code]]:
    source = found.source
    yield None, Code.ABSENT
    yield NotMeasured("ZeroDivisionError: division by zero"), Code.ERROR
    yield NotMeasured("it took longer than 60 s", Code.TIMEOUT), Code.TIMEOUT
    yield replace(found, source=replace(source, run_key="before")), Code.STALE
    yield replace(found, source=replace(source, digest="f" * 64)), Code.OTHER_DIGEST
    yield replace(found, source=replace(source, rows="f" * 64)), Code.OTHER_ROWS
    for name, odd in _floats_and_counts(found):
        code = {float: Code.NOT_FINITE, int: Code.NEGATIVE, tuple: Code.DUPLICATED}[type(odd)]
        yield replace(found, **{name: odd}), code


@pytest.mark.parametrize("rule", MEASURED)
def test_no_rule_passes_on_a_broken_measurement_and_each_says_why(rule: Rule) -> None:
    good = GOOD.measured[rule]
    assert isinstance(good, Measurement)
    for broken, code in _broken_measurements(good):
        others = {name: one for name, one in GOOD.measured.items() if name is not rule}
        found = replace(GOOD, measured=others if broken is None else {**others, rule: broken})
        verdict = judge_rule(rule, found, POLICY)
        assert (verdict.outcome, verdict.code) == (Outcome.INCONCLUSIVE, code), broken
        assert judge_challenger(found, POLICY).outcome is not Outcome.PASS


@pytest.mark.parametrize("rule", MEASURED)
def test_a_measurement_of_another_rule_is_none(rule: Rule) -> None:
    class Other(Measurement):
        """Of no rule."""

    other = Other(GOOD.expected[0])
    verdict = judge_rule(rule, replace(GOOD, measured={**GOOD.measured, rule: other}), POLICY)
    assert (verdict.outcome, verdict.code) == (Outcome.INCONCLUSIVE, Code.ABSENT)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_dry_run_is_told_and_decides_nothing(rule: Rule) -> None:
    broken = replace(GOOD, recent=of_source(run_key="before")(GOOD.recent))
    others = [name for name in RULES if name is not rule]
    alone = judge_challenger(broken, POLICY.model_copy(update={"dry_run": tuple(others)}))
    assert alone.outcome is Outcome.INCONCLUSIVE
    assert alone.reason.startswith(f"{rule}: ")
    dry = judge_rule(rule, broken, POLICY.model_copy(update={"dry_run": (rule,)}))
    assert dry == replace(judge_rule(rule, broken, POLICY), dry_run=True)


JUDGED_BY_A_SECTION = [name for name, one in RULES.items() if one.section and name is not Rule.BEHAVIOUR]


@pytest.mark.parametrize("rule", JUDGED_BY_A_SECTION)
def test_a_rule_that_is_judged_without_its_section_says_which_is_missing(rule: Rule) -> None:
    without = POLICY.model_copy(update={RULES[rule].section: None})
    with pytest.raises(NoEvidenceError, match=rf"^model\.toml has no \[gate\.{rule}\]$") as caught:
        RULES[rule].judge(GOOD, without)
    assert caught.value.code is Code.ABSENT


def _partial_measurements() -> Iterator[tuple[Rule, dict[str, Any]]]:
    tried: Any = GOOD.measured[Rule.ROBUSTNESS]
    yield Rule.ROBUSTNESS, {"extremes": ()}
    for at in range(2):
        changes = list(tried.changes)
        changes[at] = replace(changes[at], columns=0)
        yield Rule.ROBUSTNESS, {"changes": tuple(changes)}
    yield Rule.ROBUSTNESS, {"attack": replace(tried.attack, columns=0)}
    leaks: Any = GOOD.measured[Rule.LEAKAGE]
    yield Rule.LEAKAGE, {"alone": leaks.alone[:1]}
    yield Rule.LEAKAGE, {"knowing": ()}
    yield Rule.LEAKAGE, {"same_keys": None}
    uses: Any = GOOD.measured[Rule.FEATURES]
    yield Rule.FEATURES, {"uses": uses.uses[:1]}
    yield Rule.SIMPLER, {"previous": None, "why_no_previous": ""}


@pytest.mark.parametrize(("rule", "parts"), _partial_measurements())
def test_a_measurement_that_lacks_a_part_is_none_and_says_so(rule: Rule, parts: dict[str, Any]) -> None:
    found: Any = GOOD.measured[rule]
    partial = replace(GOOD, measured={**GOOD.measured, rule: replace(found, **parts)})
    verdict = judge_rule(rule, partial, POLICY)
    assert (verdict.outcome, verdict.code) == (Outcome.INCONCLUSIVE, Code.ABSENT)


def test_a_gate_of_dry_runs_alone_never_passes() -> None:
    judged = judge_challenger(GOOD, POLICY.model_copy(update={"dry_run": tuple(RULES)}))
    assert (judged.outcome, judged.reason) == (Outcome.INCONCLUSIVE, "gate: no rule was judged")
    assert all(verdict.outcome is Outcome.PASS for verdict in judged.verdicts)


def test_a_set_is_named_by_its_blocks() -> None:
    assert GOOD.recent.set_id == judged_set_id(GOOD.recent.blocks)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (Agreement(0, 0.0, 0), Code.ABSENT),
        (Agreement(-400, 1e-7, 0), Code.NEGATIVE),
        (Agreement(400, 1e-7, -400), Code.NEGATIVE),
        (Agreement(400, -5.0, 0), Code.NEGATIVE),
        (Agreement(400, math.nan, 0), Code.NOT_FINITE),
        (Agreement(400, 1e-7, 401), Code.OTHER_ROWS),
    ],
)
def test_a_broken_agreement_is_no_agreement(broken: Agreement, code: Code) -> None:
    verdict = judge_rule(Rule.AGREEMENT, replace(GOOD, agreement=broken), POLICY)
    assert (verdict.outcome, verdict.code) == (Outcome.INCONCLUSIVE, code)


def test_a_rule_that_nobody_asks_for_does_not_pass_a_challenger_by_itself() -> None:
    others = tuple(name for name in RULES if name is not Rule.SLICES)
    policy = POLICY.model_copy(update={"slices": None, "dry_run": others})
    judged = judge_challenger(GOOD, policy)
    assert (judged.outcome, judged.reason) == (Outcome.INCONCLUSIVE, "gate: no rule was judged")


def test_whatever_a_rule_breaks_on_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_evidence: GateEvidence, _policy: object) -> Verdict:
        raise ImportError("no such package")

    monkeypatch.setitem(RULES, Rule.FLOORS, GateRule(breaks))
    verdict = judge_rule(Rule.FLOORS, GOOD, POLICY)
    assert (verdict.outcome, verdict.code) == (Outcome.INCONCLUSIVE, Code.ERROR)
    assert verdict.reason == "ImportError: no such package"


def test_counts_of_numpy_are_counts_too() -> None:
    @dataclasses.dataclass(frozen=True)
    class Counted(Measurement):
        rows: object

    expected = GOOD.expected
    assert find_flaw(Counted(expected[0], np.int64(3)), expected) is None
    assert find_flaw(Counted(expected[0], np.int64(-3)), expected) == (Code.NEGATIVE, "Counted.rows is -3")
