"""`millrace reconcile`: put right whatever differs from the ledger."""

import sys
from typing import TYPE_CHECKING

from millrace.cli.output import console, print_json

if TYPE_CHECKING:
    from millrace.steps.reconcile import Reconciled


def reconcile(model: str | None = None, *, json: bool = False) -> None:
    """Put right whatever differs from the ledger: dataset file and pin, pointer, alias, unsent alerts.

    Versions that another installation has offered by `millrace promote-to` are taken in last, a few at once.

    Examples: `millrace reconcile`, `millrace reconcile churn`.

    Parameters
    ----------
    model
        A folder under models/; without it, all of them.
    json
        Write what was repaired as JSON.
    """
    from uuid import uuid4

    from millrace.adapters import clock
    from millrace.adapters.models import list_models
    from millrace.errors import MillraceError
    from millrace.settings import load_settings
    from millrace.steps.reconcile import reconcile_model

    models = [model] if model else list_models(load_settings().models)
    run_id = f"reconcile {uuid4()}"
    done, failed = [], []
    for name in models:
        try:
            done.append(reconcile_model(name, run_id, clock.now()))
        except (MillraceError, OSError) as error:
            if model is not None:
                raise
            failed.append(f"{name}: {error}")
    if json:
        print_json(done)
    else:
        _show(done)
    for words in failed:
        print(f"error: {words}", file=sys.stderr)
    if failed:
        sys.exit(1)


def _show(done: "list[Reconciled]") -> None:
    from millrace.domain.narration import tell

    out = console()
    for one in done:
        for fact in one.received:
            out.print(f"{one.model}: {tell(fact)}")
        for repair in one.repaired:
            out.print(f"{one.model}: {repair.mirror} repaired, it was: {repair.found}")
        if one.unsent:
            out.print(f"{one.model}: {one.unsent} alerts could not be sent")
        if not one.repaired and not one.unsent and not one.received:
            out.print(f"{one.model}: as the ledger says")
