"""`millrace reproduce`: does a version come out the same when it is trained again?"""

import signal
import sys
from typing import TYPE_CHECKING

from millrace.cli.output import console, print_json, short, table, watched

if TYPE_CHECKING:
    from millrace.steps.reproduce import Prepared, Reproduced

DIFFERS, DAMAGED = 3, 5
SHOWN = 48
"""Characters of a recorded value: a digest is known by its first ones."""


def reproduce(version: str, *, json: bool = False, keep: bool = False) -> None:
    """Train a version again, by the code of its commit on its own data, and compare it byte for byte.

    It works in a folder under var/reproduce, changes nothing that serves, and records what came of it.
    It exits with 0 when the bundle is identical (or, for a skops scorer, gives the same answers), with 3
    when something differs, with 5 when the recorded bundle itself is damaged, whatever came of it, and with 1
    when it could not be tried.

    Examples: `millrace reproduce churn`, `millrace reproduce churn/3`, `millrace reproduce 70656c36 --keep`.

    Parameters
    ----------
    version
        The first characters of a digest, MODEL for its champion, or MODEL/NUMBER.
    json
        Write it as JSON.
    keep
        Leave the folder, with the code, the log and the new bundles.
    """
    from millrace.adapters.clock import now
    from millrace.domain.facts import Reproduction
    from millrace.steps import reproduce as step

    # what a cancelled job is sent ends it as Ctrl-C does: its process and its folder are put away
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with step.prepared(version, keep=keep) as ready:
        if not json:
            show_before(ready)
        with watched(f"{ready.lineage.model} · reproduce"):
            found = step.train_again(ready, keep=keep, now=now())
    if json:
        print_json(found)
    else:
        _show(found)
    if found.damage is not None:
        sys.exit(DAMAGED)
    sys.exit(DIFFERS if found.result is Reproduction.DIFFERS else 0)


def show_before(ready: "Prepared") -> None:
    """Tell what is trained again, and what is known to be other before it is."""
    out, trained = console(), ready.lineage.trained
    at = f"commit {short(ready.commit)}" if ready.commit else "no commit of it is here"
    out.print(
        f"{ready.lineage.model} {short(trained.digest)}: {at}, dataset {short(ready.dataset.version)} "
        f"({ready.dataset.rows:,} rows)"
    )
    out.print(f"  as of {ready.now:%Y-%m-%d %H:%M} UTC: of later labels it knew nothing")
    if ready.damage is not None:
        out.print(f"  THE RECORDED BUNDLE IS DAMAGED: {ready.damage}", soft_wrap=True)
    for origin, names in () if ready.commit else ready.origins.items():
        out.print(f"  {', '.join(names)} as in training: found in {origin}", soft_wrap=True)
    for piece in ready.uncommitted if ready.commit else ():
        found = f"taken from {piece.origin}" if piece.is_exact else f"{piece.origin} has what is nearest"
        out.print(f"  {piece.name} is not in that commit as it was in training: {found}", soft_wrap=True)
    for change in ready.packages:
        there = f"{change.new} here" if change.new else "not installed here"
        out.print(f"  {change.name} was {change.old}, {there}: the manifest will differ")
    if ready.packages and ready.commit:
        commit, python = short(ready.commit), "then/bin/python"
        out.print("  The versions of then, in an environment beside this one:")
        out.print(f"    git show {commit}:requirements.lock > then.lock && uv venv then")
        out.print(f"    uv pip sync --python {python} then.lock")
        out.print(f"  and with them: PYTHONPATH=. {python} -m millrace reproduce {short(trained.digest)}")


def _show(found: "Reproduced") -> None:
    out = console()
    if found.differences:
        shown = table("what", "recorded", "now")
        for change in found.differences:
            shown.add_row(change.name, *(_cut(value) for value in (change.old, change.new)))
        out.print(shown)
    if found.kept is not None:
        out.print(f"kept: {found.kept}", soft_wrap=True)
    # one line: scripts show the last one
    out.print(f"{found.model} {short(found.digest)}: {found.reason}", soft_wrap=True)


def _cut(value: object) -> str:
    text = "none" if value is None else str(value)
    return short(text) if len(text) > SHOWN else text
