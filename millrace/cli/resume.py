"""`millrace resume`: let automatic work on a model go on."""

from millrace.cli.output import console, print_json


def resume(model: str, *, reason: str, json: bool = False) -> None:
    """Let automatic work on a model go on; what was parked after repeated failures is tried again.

    What had become due meanwhile is caught up on by one run.

    Example: `millrace resume churn --reason "May is in"`.

    Parameters
    ----------
    model
        A folder under models/.
    reason
        Why; it goes to the ledger.
    json
        Write the result as JSON.
    """
    from millrace.adapters import clock
    from millrace.steps.automation import resume_model

    fact = resume_model(model, reason, clock.now())
    if json:
        print_json(fact)
    else:
        console().print(f"{model}: automatic work resumed, {fact.reason}")
