"""Has a column drifted, and has the window?"""

from collections.abc import Mapping, Sequence
from functools import partial
from math import isnan

from millrace.domain.config import DriftSection
from millrace.domain.drift.pairs import ColumnPair
from millrace.domain.drift.rules import judge_by_rule
from millrace.domain.drift.significance import adjusted_chances, chance_of
from millrace.domain.listing import name_some
from millrace.domain.monitoring.attempt import attempt
from millrace.domain.monitoring.findings import ColumnFinding, DriftFindings, Watched
from millrace.domain.profile import Reference
from millrace.domain.verdict import Outcome, Verdict, worst_of

NAMED_COLUMNS = 5
"""So many columns are named in a reason."""


def judge_by_rules(pairs: Sequence[ColumnPair], policy: DriftSection) -> dict[str, ColumnFinding]:
    """Judge the columns for which no distance is needed, or can be had, by label."""
    found = {pair.label: _judge_by_rule(pair, policy, len(pairs)) for pair in pairs}
    return {label: finding for label, finding in found.items() if finding is not None}


def _judge_by_rule(pair: ColumnPair, policy: DriftSection, columns: int) -> ColumnFinding | None:
    judged = attempt(partial(judge_by_rule, pair, policy, columns))
    return pair.find(Outcome.INCONCLUSIVE, judged) if isinstance(judged, str) else judged


def judge_columns(
    pairs: Sequence[ColumnPair],
    ruled: Mapping[str, ColumnFinding],
    scores: Mapping[str, float | str],
    policy: DriftSection,
) -> tuple[ColumnFinding, ...]:
    """Judge every column that no rule has judged by its distance.

    A column has drifted when its distance reaches the threshold and its chance, adjusted for the number of
    columns, is at most `1 - policy.confidence`. A distance that reaches it and may be an accident is
    inconclusive, as is one that could not be had, or whose chance could not.

    Parameters
    ----------
    pairs
        The columns in both windows.
    ruled
        What rules have found, by label: see `judge_by_rules`.
    scores
        The distance of each other column by label, or why there is none.
    policy
        Tests, thresholds, and how sure one has to be.
    """
    known = {pair.label: _chance(pair) for pair in pairs if pair.label not in ruled}
    scores = {**scores, **{label: chance for label, chance in known.items() if isinstance(chance, str)}}
    chances = adjusted_chances(
        {label: chance for label, chance in known.items() if isinstance(chance, float)}
    )
    return tuple(
        ruled.get(pair.label)
        or _judge_distance(
            pair, scores.get(pair.label, "was not measured"), chances.get(pair.label), policy.confidence
        )
        for pair in pairs
    )


def judge_window(
    findings: tuple[ColumnFinding, ...], counted: Reference, policy: DriftSection
) -> DriftFindings:
    """Judge a window by what became of its columns; `counted` is the window.

    Data drift fails when more than `policy.max_column_share` of the inputs that could be judged have drifted.
    It passes when the share would not be larger had all others drifted too; else nothing is decided.
    Predictions and the target fail with any column of theirs.
    """
    inputs = [one for one in findings if one.part is Watched.DATA]
    judged = [one for one in inputs if one.outcome is not Outcome.INCONCLUSIVE]
    drifted = [one for one in judged if one.outcome is Outcome.FAIL]
    return DriftFindings(
        rows=counted.inputs.rows,
        columns=findings,
        share=len(drifted) / len(judged) if judged else None,
        verdicts=(
            _judge_data(inputs, judged, drifted, counted.inputs.rows, policy),
            _judge_part(Watched.PREDICTIONS, findings, counted.answers.rows, "answer"),
            _judge_part(Watched.TARGET, findings, counted.target.rows, "label"),
        ),
    )


def _chance(pair: ColumnPair) -> float | str | None:
    """Return the chance, None where there are too few values for one, or why it could not be had."""
    if pair.reference is None or pair.current is None:
        return None
    chance = attempt(partial(chance_of, pair.reference, pair.current))
    return "its chance is no number" if isinstance(chance, float) and isnan(chance) else chance


def _judge_distance(
    pair: ColumnPair, score: float | str, chance: float | None, confidence: float
) -> ColumnFinding:
    if isinstance(score, str):
        return pair.find(Outcome.INCONCLUSIVE, score, chance=chance)
    found = f"{pair.test.test} {score:.3g}, threshold {pair.test.threshold:g}"
    if score < pair.test.threshold:
        return pair.find(Outcome.PASS, found, score, chance)
    if chance is None:
        return pair.find(Outcome.INCONCLUSIVE, f"{found}: too few values to tell it from an accident", score)
    found = f"{found}, by accident with chance {chance:.2g}, at most {1 - confidence:.2g} counts as none"
    return pair.find(Outcome.FAIL if chance <= 1 - confidence else Outcome.INCONCLUSIVE, found, score, chance)


def _judge_data(
    inputs: list[ColumnFinding],
    judged: list[ColumnFinding],
    drifted: list[ColumnFinding],
    rows: int,
    policy: DriftSection,
) -> Verdict:
    if rows < policy.min_rows:
        return Verdict(Watched.DATA, Outcome.INCONCLUSIVE, f"{rows:,} of {policy.min_rows:,} rows")
    unknown = len(inputs) - len(judged)
    most, allowed = len(drifted) + unknown, policy.max_column_share
    found = f"{len(drifted)} of {len(judged)} columns have drifted{_named(drifted)}"
    if judged and len(drifted) / len(judged) > allowed:
        return Verdict(Watched.DATA, Outcome.FAIL, f"{found}: a share of {allowed:g} is allowed")
    if not judged or most / len(inputs) > allowed:
        undecided = f"{found}, {unknown} could not be judged{_named(_unjudged(inputs))}"
        return Verdict(Watched.DATA, Outcome.INCONCLUSIVE, f"{undecided}: a share of {allowed:g} is allowed")
    return Verdict(Watched.DATA, Outcome.PASS, f"{found}, a share of {allowed:g} is allowed")


def _judge_part(part: Watched, findings: tuple[ColumnFinding, ...], rows: int, word: str) -> Verdict:
    if rows == 0:
        return Verdict(part, Outcome.INCONCLUSIVE, f"no {word} came")
    worst = worst_of(Verdict(one.column, one.outcome, one.reason) for one in findings if one.part is part)
    return Verdict(part, worst.outcome, f"{worst.rule}: {worst.reason}")


def _unjudged(inputs: list[ColumnFinding]) -> list[ColumnFinding]:
    return [one for one in inputs if one.outcome is Outcome.INCONCLUSIVE]


def _named(columns: list[ColumnFinding]) -> str:
    return f" ({name_some([one.column for one in columns], NAMED_COLUMNS)})" if columns else ""
