"""`millrace status`: what serves, and what waits for a person."""

from millrace.cli.output import console, print_json, short, table


def status(model: str | None = None, *, json: bool = False) -> None:
    """Show which version of each model serves, and what waits for a person.

    Examples: `millrace status`, `millrace status churn --json`.

    Parameters
    ----------
    model
        A folder under models/; without it, all of them.
    json
        Write everything as JSON.
    """
    from millrace.steps.status import list_status

    found = list_status(model)
    if json:
        print_json(found)
        return
    shown = table(
        "model", "champion", "since", "dataset", "rows", "last decision", "last verdict", "quarantine"
    )
    for one in found:
        shown.add_row(
            one.model,
            short(one.champion),
            f"{one.since:%Y-%m-%d %H:%M}" if one.since else "",
            short(one.dataset) if one.rows else "none",
            f"{one.rows:,}",
            one.last_decision.action if one.last_decision else "",
            one.last_judged.outcome if one.last_judged else "",
            str(one.quarantined or ""),
        )
    out = console()
    out.print(shown)
    for one in found:
        if one.offline:
            out.print(f"{one.model}: {one.offline}: run `millrace reconcile {one.model}`", soft_wrap=True)
        if one.paused:
            out.print(f"{one.model}: automatic work is paused: {one.paused}", soft_wrap=True)
        for parked in one.parked:
            told = f"{one.model}: {parked.flow} is parked after {parked.attempts} attempts: {parked.reason}"
            out.print(told, soft_wrap=True)
