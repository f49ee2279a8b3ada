"""How does a person read a judgement?"""

from collections.abc import Iterable

from millrace.domain.facts import ChallengerJudged
from millrace.domain.gate.report import is_asked
from millrace.domain.verdict import Verdict


def gate_table(judged: ChallengerJudged) -> str:
    """Write the verdicts as a Markdown table, the decision first; what was not asked for is one line."""
    rows = [
        f"| {one.rule} | {tell_outcome(one)} | {_one_cell(one.reason)} |"
        for one in judged.verdicts
        if is_asked(one)
    ]
    decision = f"**{judged.outcome}**: {judged.reason}"
    told = [decision, "", "| rule | outcome | reason |", "|---|---|---|", *rows, ""]
    line = tell_not_asked(judged.verdicts)
    return "\n".join([*told, line, ""] if line else told)


def tell_outcome(verdict: Verdict) -> str:
    """Write an outcome, and whether it decides."""
    return f"{verdict.outcome}, dry run" if verdict.dry_run else str(verdict.outcome)


def tell_not_asked(verdicts: Iterable[Verdict]) -> str:
    """Name the rules that the policy asked nothing; empty where there are none."""
    names = [one.rule for one in verdicts if not is_asked(one)]
    return f"not asked for: {', '.join(names)}" if names else ""


def _one_cell(text: str) -> str:
    return text.replace("|", "/")
