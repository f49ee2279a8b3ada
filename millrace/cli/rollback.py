"""`millrace rollback`: go back one champion."""

import sys
from dataclasses import asdict

from millrace.cli.output import console, print_json, short
from millrace.errors import UnavailableError


def rollback(model: str, *, reason: str, offline: bool = False, json: bool = False) -> None:
    """Make the champion before the current one answer again.

    It needs the ledger and the channel only: Prefect and MLflow may be down. With --offline the ledger may
    be down or lost, too: the services go back at once, and `millrace reconcile` enters it afterwards.

    Example: `millrace rollback churn --reason "answers 1.0 for every customer of Bern"`.

    Parameters
    ----------
    model
        A folder under models/; with --offline, a model that was published.
    reason
        Why; it goes to the ledger and into the alert.
    offline
        Write to the channel alone. What the pointer there names as earlier champions is gone back to, at
        most three.
    json
        Write the result as JSON.
    """
    if offline:
        _roll_back_offline(model, reason, json)
    else:
        _roll_back(model, reason, json)


def _roll_back(model: str, reason: str, json: bool) -> None:
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


def _roll_back_offline(model: str, reason: str, json: bool) -> None:
    from millrace.adapters import clock
    from millrace.steps.offline_rollback import roll_back_offline
    from millrace.steps.serve import send_to_remote

    made = roll_back_offline(model, reason, clock.now())
    after = f"the ledger does not know of it, and nobody was told; `millrace reconcile {model}` enters it"
    if json:
        print_json({**asdict(made), "in_ledger": False, "next": after})
    else:
        console().print(
            f"{model}: {short(made.withdrawn)} withdrawn, {short(made.digest)} answers again in the channel"
        )
        console().print(after)
    send_to_remote(model)
