"""The command line: what a person can do, in the order a person does it."""

import os
import sys
from importlib.metadata import version
from pathlib import Path

from cyclopts import App, Group

from millrace.errors import MillraceError
from millrace.settings import load_settings

START = Group("Begin", sort_key=1)
DATA = Group("Data", sort_key=2)
TRAIN = Group("Train and judge", sort_key=3)
ROLL_OUT = Group("Roll out and go back", sort_key=4)
ANSWER = Group("Answer", sort_key=5)
WATCH = Group("Look", sort_key=6)
OPERATE = Group("Operate", sort_key=7)
OPTIONS = Group("Options", sort_key=8)

OWNER_ONLY = 0o700
"""Prefect's database holds the parameters and messages of all runs, and the key to its server."""

EPILOGUE = """\
Exit codes: 0 done, or nothing to do; 1 an error; 2 wrong usage; 3 the gate refused the challenger, a
change did not pass its check, or a reproduced version or a contract differs; 4 a batch is in quarantine;
5 something is wrong with this installation; 6 a model in production is not as it should be; 7 no such
answer is in the log; 8 some rows could not be scored; 130 stopped by Ctrl-C: the same command goes on from
there."""

VERBS = {
    "demo": START,
    "new": START,
    "init": START,
    "up": START,
    "ingest": DATA,
    "data": DATA,
    "quarantine": DATA,
    "contract": DATA,
    "retrain": TRAIN,
    "gate": TRAIN,
    "golden": TRAIN,
    "check-change": TRAIN,
    "diff": TRAIN,
    "reproduce": TRAIN,
    "replay": TRAIN,
    "rollout": ROLL_OUT,
    "approve": ROLL_OUT,
    "reject": ROLL_OUT,
    "rollback": ROLL_OUT,
    "promote-to": ROLL_OUT,
    "serve": ANSWER,
    "score": ANSWER,
    "log": ANSWER,
    "status": WATCH,
    "ui": WATCH,
    "monitor": WATCH,
    "history": WATCH,
    "why": WATCH,
    "explain": WATCH,
    "pause": OPERATE,
    "resume": OPERATE,
    "controller": OPERATE,
    "deploy": OPERATE,
    "reconcile": OPERATE,
    "audit": OPERATE,
    "doctor": OPERATE,
    "token": OPERATE,
    "stage": OPERATE,
}
"""Each verb is a file of this folder with a function, or an App, of its name; `-` is `_` there."""

OURS = ("millrace", "flows", "tasks")

app = App(
    name="millrace",
    help="Continuous delivery for machine-learning models.",
    help_epilogue=EPILOGUE,
    version=lambda: version("millrace"),
    suppress_keyboard_interrupt=False,  # `main` says that nothing is lost
)
app.register_install_completion_command(
    help="Complete verbs and options in this shell, from its next start on."
)
for flag in ("--help", "--version", "--install-completion"):
    app[flag].group = (OPTIONS,)
for verb, group in VERBS.items():
    file = verb.replace("-", "_")
    app.command(f"millrace.cli.{file}:{file}", name=verb, group=group)


class UnwritableHomeError(MillraceError):
    """The folder of this installation cannot be written."""

    def __init__(self, home: Path, reason: str) -> None:
        self.home, self.reason = home, reason
        super().__init__(f"{home}: {reason}. MILLRACE_HOME must be a folder that can be written")


def main() -> None:
    """Run one verb; an error we understand is one line, and the exit code says what kind it is."""
    try:
        if sys.argv[1:2] != [
            "serve"
        ]:  # a prediction service knows no Prefect, and may have no home to write to
            _keep_prefect_here()
        if sys.argv[1:2] in ([], ["-h"], ["--help"]):
            load_verbs()
        app()
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in OURS:
            raise
        print(f"error: {error.name} is not installed. {_extra_for(sys.argv[1:2])}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)


def _extra_for(verb: list[str]) -> str:
    extra = "serve" if verb == ["serve"] else "control"
    return f'`pip install "millrace[{extra}]"` brings what this verb needs; in a clone, `make setup`'


def load_verbs() -> None:
    """Import the file of every verb: the overview of all shows the first line of each."""
    for verb in VERBS:
        app[verb]


def _keep_prefect_here() -> None:
    """Flows run in this process, on a Prefect database of this installation, and speak by our own output."""
    settings = load_settings()
    prefect_home = settings.var / "prefect"
    try:
        prefect_home.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableHomeError(settings.home, error.strerror or str(error)) from error
    os.environ.setdefault("PREFECT_HOME", str(prefect_home))
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
