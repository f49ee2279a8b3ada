"""How is a judgement told to somebody who has to answer for it?"""

from collections.abc import Callable

from millrace.domain.change import flatten_keys
from millrace.domain.gate.plot import place_bars, spell_interval, spell_limit, spell_number
from millrace.domain.gate.report import GateReport, JudgedRows
from millrace.domain.listing import count_things, name_some
from millrace.domain.losses import name_metric
from millrace.domain.verdict import Outcome

_SHORT = 12
_ROLES = ("challenger", "champion", "best", "baseline")
_NAMED = 3
"""So many deciding rules stand in the headline, and in the decision."""


def tell_rule(rule: str) -> str:
    """Name a rule for people.

    >>> tell_rule("golden_best")
    'golden best'
    """
    return rule.replace("_", " ")


def tell_headline(report: GateReport) -> str:
    """Say in some words what was decided, and by which rule."""
    return f"{report.model} {_short(report.digest)}: {_tell_outcome(report)}"


def tell_decision(report: GateReport) -> str:
    """Say in a sentence or two what was decided, by which rule and why."""
    if report.outcome is Outcome.PASS:
        count = len(report.passed)
        rules = "The one rule that decides" if count == 1 else f"All {count} rules that decide"
        return f"{rules} passed."
    if not report.deciding:
        return f"{report.reason}."
    told = [f"{tell_rule(one.rule)}: {one.reason}" for one in report.deciding[:_NAMED]]
    more = len(report.deciding) - len(told)
    return "; ".join([*told, f"and {count_things(more, 'more rule')}"] if more else told) + "."


def tell_consequence(report: GateReport) -> str:
    """Say what follows from it."""
    if not report.is_recorded:
        return "A comparison that somebody asked for: nothing was recorded, and no look at the rows counted."
    if report.outcome is Outcome.PASS:
        return "It may replace the champion." if report.champion else "It may be the first champion."
    stays = f"the champion {_short(report.champion)} stays" if report.champion else "nothing answers yet"
    return f"It may not answer; {stays}. Only a pass moves a model: what could not be decided is none."


def tell_against(report: GateReport) -> str:
    """Say what it was held against."""
    others = []
    if report.champion:
        of = f" of generation {report.generation:,}" if report.generation is not None else ""
        others.append(f"the champion {_short(report.champion)}{of}")
    if report.best and report.best != report.champion:
        others.append(f"the best champion ever on golden rows, {_short(report.best)}")
    if report.baseline and report.baseline not in {report.digest, report.champion}:
        others.append(f"the simple model {_short(report.baseline)}")
    if not report.champion:
        others.insert(0, "no champion, for nothing answered yet")
    return f"{', '.join(others)}, on the same rows"


def tell_rows(rows: JudgedRows) -> str:
    """Say which rows judged."""
    if rows.rows is None or rows.blocks is None:
        return f"{rows.name}: set {_short(rows.set_id)}"
    span = f", {rows.first_block} to {rows.last_block}" if rows.first_block and rows.last_block else ""
    told = f"{rows.name}: {rows.rows:,} rows of {rows.blocks:,} blocks{span}"
    return told if rows.looks is None else f"{told}; {_tell_looks(rows.looks)}"


def tell_counts(report: GateReport) -> str:
    """Say how many rules came to what."""
    failed = sum(one.outcome is Outcome.FAIL for one in report.missed)
    counts = (
        (len(report.passed), "passed"),
        (failed, "failed"),
        (len(report.missed) - failed, "could not decide"),
        (len(report.dry_runs), "in dry run, which decides nothing"),
        (len(report.not_asked), "not asked for"),
    )
    return ", ".join(f"{count} {told}" for count, told in counts if count)


def tell_policy(report: GateReport) -> str:
    """Say by which bar it was judged, in a line."""
    policy, metric = report.policy, name_metric(report.metric)
    if not {"comparison", "margin", "confidence"} <= policy.keys():
        return f"by {metric}"
    bar = str(policy["comparison"]).replace("_", "-")
    return f"{metric}, {bar} by a margin of {policy['margin']:g}, sure to {100 * policy['confidence']:g} %"


def list_policy(report: GateReport) -> list[tuple[str, str]]:
    """Return every number of the policy, by its key in model.toml."""
    flat = flatten_keys({"gate": report.policy})
    return [(name, _spell(value)) for name, value in flat.items() if value is not None]


def list_roles(report: GateReport) -> list[str]:
    """Name who was measured on any of the sets."""
    found = {role for rows in report.sets for role in rows.values}
    return [*(role for role in _ROLES if role in found), *sorted(found - set(_ROLES))]


def list_digests(report: GateReport) -> list[tuple[str, str]]:
    """Return by which digests and names all that took part is known."""
    named = (
        ("challenger", report.digest),
        ("champion", report.champion),
        ("best champion", report.best),
        ("simple model", report.baseline),
        ("dataset", report.dataset),
        ("model files", report.model_files),
        ("run key", report.run_key),
        *((f"{rows.name} set", rows.set_id) for rows in report.sets),
    )
    return [(name, value) for name, value in named if value]


def _tell_outcome(report: GateReport) -> str:
    rules = name_some([tell_rule(one.rule) for one in report.deciding], _NAMED)
    match report.outcome:
        case Outcome.PASS:
            return "passed"
        case Outcome.FAIL:
            return f"refused by {rules}" if rules else "refused"
        case Outcome.INCONCLUSIVE:
            return f"not decided by {rules}, so refused" if rules else "not decided, so refused"


def _spell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(_spell, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _tell_looks(looks: int) -> str:
    times = {1: "once", 2: "twice"}.get(looks, f"{looks:,} times")
    return f"looked at {times} before" if looks else "the first look at it"


def _short(digest: str | None) -> str:
    return digest[:_SHORT] if digest else "none"


SAY: dict[str, Callable[..., object]] = {
    one.__name__: one
    for one in (
        *(list_digests, list_policy, list_roles, name_metric),
        *(place_bars, spell_interval, spell_limit, spell_number),
        *(tell_against, tell_consequence, tell_counts, tell_decision),
        *(tell_headline, tell_policy, tell_rows, tell_rule),
    )
}
"""What a page tells a report by."""
