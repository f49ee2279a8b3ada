"""`millrace audit`: prove that nobody changed the ledger."""

from cyclopts import App

from millrace.cli.output import console, print_json

audit = App(name="audit", help="Prove that nobody changed the ledger.")


@audit.command
def verify(*, json: bool = False) -> None:
    """Recompute every hash of the ledger, and hold it against pointers, bundles and the reports of the gate.

    Example: `millrace audit verify`.

    Parameters
    ----------
    json
        Write JSON instead of text.
    """
    from millrace.steps.audit import verify_everything

    audited = verify_everything()
    if json:
        print_json(audited)
        return
    out = console()
    out.print(f"ledger: {audited.entries:,} entries, every hash follows from the one before it")
    out.print(f"head: {audited.head}", soft_wrap=True)
    out.print(f"pointers: {audited.pointers} name an entry of this ledger")
    out.print(f"bundles: {audited.bundles} of standing champions, every byte as judged")
    gone = f"; {audited.missing_reports} are not kept here" if audited.missing_reports else ""
    out.print(f"reports: {audited.reports} of the gate, every byte as the ledger names it{gone}")
