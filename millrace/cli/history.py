"""`millrace history`: what happened to a model."""

from millrace.cli.output import console, print_json, table


def history(model: str, *, last: int = 40, json: bool = False) -> None:
    """Show what happened to a model, and why, newest last.

    Examples: `millrace history churn`, `millrace history churn --last 5 --json`.

    Parameters
    ----------
    model
        A folder under models/.
    last
        How many entries.
    json
        Write the whole entries as JSON.
    """
    from millrace.domain.narration import tell
    from millrace.steps.stores import ledger, model_config

    model_config(model)
    entries = ledger().entries(model)[-last:]
    if json:
        print_json(entries)
        return
    shown = table("seq", "at (UTC)", "by", "what happened")
    for entry in entries:
        shown.add_row(str(entry.seq), f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.actor, tell(entry.fact))
    console().print(shown)
