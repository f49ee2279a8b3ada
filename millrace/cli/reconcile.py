"""`millrace reconcile`: put right whatever differs from the ledger."""

from millrace.cli.output import console, print_json


def reconcile(model: str | None = None, *, json: bool = False) -> None:
    """Put right whatever differs from the ledger: dataset file and pin, pointer, alias, unsent alerts.

    Examples: `millrace reconcile`, `millrace reconcile churn`.

    Parameters
    ----------
    model
        A folder under models/; without it, all of them.
    json
        Write what was repaired as JSON.
    """
    from millrace.adapters import clock
    from millrace.adapters.models import list_models
    from millrace.settings import load_settings
    from millrace.steps.reconcile import reconcile_model

    models = [model] if model else list_models(load_settings().models)
    done = [reconcile_model(name, "reconcile", clock.now()) for name in models]
    if json:
        print_json(done)
        return
    out = console()
    for one in done:
        for repair in one.repaired:
            out.print(f"{one.model}: {repair.mirror} repaired, it was: {repair.found}")
        if one.unsent:
            out.print(f"{one.model}: {one.unsent} alerts could not be sent")
        if not one.repaired and not one.unsent:
            out.print(f"{one.model}: as the ledger says")
