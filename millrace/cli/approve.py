"""`millrace approve`: what a person says to a challenger that waits for approval."""

from millrace.cli.rollout import say


def approve(model: str, *, reason: str, json: bool = False) -> None:
    """Let the challenger that waits for approval go on; the next look carries it on.

    A rollout waits after each step where `approval = "manual"` stands under [rollout] of model.toml.

    Example: `millrace approve churn --reason "read 50 of its answers"`.

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

    say(model, Act.APPROVE, reason, json)
