"""Deciding on a retraining, and marking it as done."""

from datetime import datetime

from millrace.domain.decision import Reason
from millrace.domain.facts import DecisionMade
from millrace.steps import decide
from tasks.retries import network_task
from tasks.run import run_id
from tasks.show import show_markdown, tell


@network_task("decide")
def decide_retraining(model: str, reason: Reason, force: bool, now: datetime, detail: str) -> decide.Decided:
    """Decide and record it, and show every rule with its numbers in the UI."""
    decided = decide.decide_retraining(model, reason, force, now, run_id(), detail)
    made = decided.decision
    told = f"{model}: {made.action}, {made.reason}"
    tell(told)
    show_markdown(model, "decision", _decision_table(made), told)
    return decided


def _decision_table(made: DecisionMade) -> str:
    rows = [f"| {one.rule} | {one.action or ''} | {one.finding} |" for one in made.findings]
    return "\n".join(
        [f"**{made.action}**: {made.reason}", "", "| rule | asks for | finding |", "|---|---|---|", *rows]
    )


finish_run = network_task("finish the run")(decide.finish_run)
