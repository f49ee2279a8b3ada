"""`millrace rollback`: go back one champion."""

import sys

from millrace.cli.output import console, print_json, short
from millrace.errors import UnavailableError


def rollback(model: str, *, reason: str, json: bool = False) -> None:
    """Make the champion before the current one answer again.

    It needs the ledger and the channel only: Prefect and MLflow may be down.

    Example: `millrace rollback churn --reason "answers 1.0 for every customer of Bern"`.

    Parameters
    ----------
    model
        A folder under models/.
    reason
        Why; it goes to the ledger and into the alert.
    json
        Write the result as JSON.
    """
    from millrace.adapters import clock
    from millrace.steps.alerts import send_alerts
    from millrace.steps.serve import mirror_champion, publish_model_pointer, roll_back, send_to_remote

    now = clock.now()
    fact = roll_back(model, reason, now)
    publish_model_pointer(model, now)
    if json:
        print_json(fact)
    else:
        console().print(f"{model}: {short(fact.withdrawn)} withdrawn, {short(fact.digest)} answers again")
    send_to_remote(model)
    try:
        mirror_champion(model)
    except UnavailableError as error:
        print(f"the alias in the catalogue is to follow by `millrace reconcile`: {error}", file=sys.stderr)
    send_alerts(model, "by hand", now)
