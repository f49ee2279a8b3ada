"""How long does a person wait for `millrace --help` and `millrace status`?

Whole processes, in a home with two models and two hundred ledger entries.
"""

import statistics
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.process import MILLRACE, environment, seconds_of
from benchmarks.report import Figure, Report, make_report, run
from millrace.domain.canonical import sha256_of
from millrace.domain.dataset import Part
from millrace.domain.facts import Action, BatchAccepted, DecisionMade, Inputs, RuleFinding

ROUNDS = 10
MOST_SECONDS = 0.5
ENTRIES = 200
MODELS = ("flights", "progression")
PACKAGES = ("cyclopts", "sqlalchemy", "pydantic", "rich")

START = datetime(2013, 1, 1, tzinfo=UTC)


def fill_ledger(home: Path) -> None:
    """Write two hundred entries, every tenth a batch, the others decisions to wait."""
    from millrace.adapters.ledger import Ledger

    ledger = Ledger(f"sqlite:///{home / 'var' / 'ledger.sqlite'}")
    for number in range(ENTRIES):
        model = MODELS[number % len(MODELS)]
        fact = _batch(number) if number % 20 in {0, 1} else _decision(model, number)
        ledger.append(model, fact, START + timedelta(hours=number), "benchmark")
    ledger.close()


def _batch(number: int) -> BatchAccepted:
    digest = sha256_of(f"batch {number}")
    return BatchAccepted(digest, Part(digest, f"batch-{number}", 25_000, 1_000_000, START, START), None)


def _decision(model: str, number: int) -> DecisionMade:
    finding = RuleFinding("cooldown", f"trained {number} minutes ago, 6 hours needed", Action.SKIP)
    inputs = Inputs(*(sha256_of(f"{model} {what}") for what in ("dataset", "model files", "lock")))
    return DecisionMade(sha256_of(number), Action.SKIP, finding.finding, (finding,) * 8, inputs)


def measure(rounds: int) -> Report:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        fill_ledger(home)
        env = environment(MILLRACE_HOME=str(home))
        taken: dict[str, list[float]] = {"--help": [], "status": []}
        for verb in taken:
            seconds_of([MILLRACE, verb], env)
        for _ in range(rounds):
            for verb, seconds in taken.items():
                seconds.append(seconds_of([MILLRACE, verb], env))
    figures = tuple(
        Figure(f"millrace {verb}", round(statistics.median(seconds), 3), "s", MOST_SECONDS)
        for verb, seconds in taken.items()
    )
    title = f"the command line: {ENTRIES} ledger entries, {rounds} rounds in turn, medians"
    return make_report("cli", title, figures, PACKAGES)


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
