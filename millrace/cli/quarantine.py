"""`millrace quarantine`: batches that broke the contract."""

from cyclopts import App

from millrace.cli.output import console, print_json, short, table

quarantine = App(name="quarantine", help="Batches that broke the contract: list, show, release.")


@quarantine.command(name="list")
def list_batches(model: str | None = None, *, json: bool = False) -> None:
    """List what waits in quarantine. Example: `millrace quarantine list`.

    Parameters
    ----------
    model
        A folder under models/; without it all of them.
    json
        Write JSON instead of text.
    """
    from millrace.steps.quarantine import list_quarantined

    waiting = list_quarantined(model)
    if json:
        print_json([one.entry for one in waiting])
        return
    shown = table("model", "batch", "digest", "since (UTC)", "why")
    for one in waiting:
        reasons = "; ".join(violation.message for violation in one.fact.violations)
        since = f"{one.entry.at:%Y-%m-%d %H:%M}"
        shown.add_row(one.entry.model, one.fact.batch, short(one.fact.batch_digest), since, reasons)
    console().print(shown if waiting else "nothing is in quarantine")


@quarantine.command
def show(model: str, digest: str, *, json: bool = False) -> None:
    """Show what a batch broke, with examples. Example: `millrace quarantine show churn 9c1e`.

    Parameters
    ----------
    model
        A folder under models/.
    digest
        The beginning of the batch's SHA-256, as `millrace quarantine list` shows it.
    json
        Write JSON instead of text.
    """
    from millrace.steps.quarantine import find_quarantined

    found = find_quarantined(model, digest)
    if json:
        print_json(found.fact)
        return
    out = console()
    out.print(f"{model} batch {found.fact.batch}  {found.fact.batch_digest}")
    out.print(f"bytes: {found.file}", soft_wrap=True)
    for violation in found.fact.violations:
        where = f"column {violation.column}: " if violation.column else ""
        waivable = "" if violation.waivable else "  (cannot be released)"
        out.print(f"{violation.clause}: {where}{violation.message}{waivable}", soft_wrap=True)
        for example in violation.examples:
            out.print(f"    {example}", soft_wrap=True)


@quarantine.command
def release(model: str, digest: str, *, reason: str, json: bool = False) -> None:
    """Accept a batch although it broke the contract; the reason goes to the ledger.

    Example: `millrace quarantine release churn 9c1e --reason "the sale was real"`.

    Parameters
    ----------
    model
        A folder under models/.
    digest
        The beginning of the batch's SHA-256, as `millrace quarantine list` shows it.
    reason
        Why its rows are right although the contract says otherwise.
    json
        Write JSON instead of text.
    """
    from millrace.adapters import clock
    from millrace.steps.release import release_batch

    result = release_batch(model, digest, reason, "by hand", clock.now())
    if json:
        print_json(result)
        return
    console().print(f"{result.outcome}: batch {result.batch}, {result.rows:,} rows")
