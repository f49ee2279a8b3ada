"""`millrace doctor`: what is wrong, and what to do."""

import sys

from millrace.cli.output import console, print_json, table

SICK = 5


def doctor(*, json: bool = False) -> None:
    """Say what is wrong with this installation, and what to do.

    Example: `millrace doctor`. It exits with 5 when something is wrong.

    Parameters
    ----------
    json
        Write the findings as JSON.
    """
    from millrace.steps.doctor import Health, examine

    findings = examine()
    if json:
        print_json(findings)
    else:
        shown = table("what", "", "found")
        for one in findings:
            shown.add_row(one.subject, one.health, one.finding)
        console().print(shown)
    if any(one.health is Health.WRONG for one in findings):
        sys.exit(SICK)
