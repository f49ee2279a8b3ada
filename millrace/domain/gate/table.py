"""How does a person read a judgement?"""

from millrace.domain.facts import ChallengerJudged


def gate_table(judged: ChallengerJudged) -> str:
    """Write the verdicts as a Markdown table, the decision first."""
    rows = [f"| {one.rule} | {one.outcome} | {one.reason.replace('|', '/')} |" for one in judged.verdicts]
    decision = f"**{judged.outcome}**: {judged.reason}"
    return "\n".join([decision, "", "| rule | outcome | reason |", "|---|---|---|", *rows, ""])
