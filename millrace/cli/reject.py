"""`millrace reject`: what a person says to a challenger that waits for approval."""

from millrace.cli.rollout import say


def reject(model: str, *, reason: str, json: bool = False) -> None:
    """Take back the challenger that waits for approval; the champion answers everything again.

    A rollout waits after each step where `approval = "manual"` stands under [rollout] of model.toml.

    Example: `millrace reject churn --reason "it cannot explain Bern"`.

    Parameters
    ----------
    model
        A folder under models/.
    reason
        Why; it goes to the ledger with who said it.
    json
        Write the result as JSON.
    """
    from millrace.steps.rollout import Act

    say(model, Act.REJECT, reason, json)
