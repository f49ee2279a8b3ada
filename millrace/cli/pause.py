"""`millrace pause`: stop automatic work on a model."""

from millrace.cli.output import console, print_json


def pause(model: str, *, reason: str, json: bool = False) -> None:
    """Stop all automatic work on a model: nothing starts by itself until `millrace resume`.

    What runs goes on to its end, and what a person asks for by a verb is still done. The champion
    goes on answering, and its pointer is still kept as the ledger says.

    Example: `millrace pause churn --reason "the agency resends May"`.

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
    from millrace.steps.automation import pause_model

    fact = pause_model(model, reason, clock.now())
    if json:
        print_json(fact)
    else:
        console().print(f"{model}: automatic work paused, {fact.reason}")
