"""The command line: what a person can do, in the order a person does it."""

import os
import sys
from importlib.metadata import version

from cyclopts import App, Group

from millrace.errors import MillraceError
from millrace.settings import load_settings

LOOP = Group("The loop", sort_key=1)
LOOK = Group("Looking", sort_key=2)
CARE = Group("Care", sort_key=3)

EPILOGUE = """\
Exit codes: 0 done, or nothing to do; 1 an error; 2 wrong usage; 3 the gate refused the challenger;
4 a batch is in quarantine; 5 something is wrong with this installation."""

VERBS = {
    "ingest": (LOOP, "Take in files, or whatever the inbox or source of a model has."),
    "retrain": (LOOP, "Decide, train, judge, and publish the challenger if it proved itself."),
    "rollback": (LOOP, "Make the champion before the current one answer again."),
    "demo": (LOOP, "January to June of 2013: arrive, judge, publish, in a folder of its own."),
    "status": (LOOK, "Which version of each model serves, and what waits for a person."),
    "history": (LOOK, "What happened to a model, and why."),
    "why": (LOOK, "The whole lineage of one version."),
    "data": (LOOK, "The dataset versions of a model: list, show, checkout, restore."),
    "quarantine": (CARE, "Batches that broke the contract: list, show, release."),
    "reconcile": (CARE, "Put right whatever differs from the ledger."),
    "audit": (CARE, "Prove that nobody changed the ledger."),
    "doctor": (CARE, "What is wrong with this installation, and what to do."),
}
"""Each verb is a file of this folder with a function, or an App, of its name."""

app = App(
    name="millrace",
    help="Continuous delivery for machine-learning models.",
    help_epilogue=EPILOGUE,
    version=lambda: version("millrace"),
)
for verb, (group, summary) in VERBS.items():
    app.command(f"millrace.cli.{verb}:{verb}", name=verb, group=group, help=summary)


def main() -> None:
    """Run one verb; an error we understand is one line, and the exit code says what kind it is."""
    # Flows run in this process, on a Prefect database of this installation, and speak through our own output.
    prefect_home = load_settings().var / "prefect"
    prefect_home.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(prefect_home))
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    try:
        app()
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
