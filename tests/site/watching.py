"""Looks at models in production, as a test wants them: what was found is kept, then recorded."""

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from millrace.adapters.models import find_model
from millrace.adapters.window_store import keep_window
from millrace.domain.facts import (
    Action,
    AttentionAsked,
    ChampionPromoted,
    ChampionRolledBack,
    DecisionMade,
    Inputs,
    ReportKept,
    WindowMonitored,
)
from millrace.domain.monitoring.findings import (
    ColumnFinding,
    DriftFindings,
    GroupLoss,
    PerformanceFindings,
    Watched,
    WindowFindings,
)
from millrace.domain.monitoring.window import Window, conclude
from millrace.domain.profile import NumericCounts, Profile, Reference
from millrace.domain.verdict import Outcome, Verdict
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.monitoring.look import list_looks
from tests.conftest import Home
from tests.site.reading import Seen, see
from tests.site.told import ACTOR, HOSTILE, RunningSite, Told, entered

EXAMPLE = PROJECT_ROOT / "millrace/site/templates/monitoring_example.toml.j2"
"""What the page of a model that is not monitored says to add to its `model.toml`."""

LOOKS = 40
HOUR = timedelta(hours=1)
THRESHOLD, LEVEL = 0.1, 1.3
ROWS = 2_000
NOTHING = Profile(0, (), ())
REPORT = "0123456789abcdef0123456789abcdef"


def column(name: str, score: float | None, part: Watched = Watched.DATA) -> ColumnFinding:
    """Find that a column lies so far from what was learned; None is one of which nothing can be said."""
    if score is None:
        outcome, reason = Outcome.INCONCLUSIVE, f"{name}: all null {HOSTILE}"
    else:
        outcome = Outcome.FAIL if score >= THRESHOLD else Outcome.PASS
        reason = f"{score:.3g} of {THRESHOLD:g} {HOSTILE}"
    return ColumnFinding(part, name, "wasserstein", THRESHOLD, score, 0.0, outcome, reason)


def drift_of(*columns: ColumnFinding) -> DriftFindings:
    inputs = [one for one in columns if one.part is Watched.DATA]
    failed = sum(one.outcome is Outcome.FAIL for one in inputs)
    outcome = Outcome.FAIL if failed > 0.3 * len(inputs) else Outcome.PASS
    verdict = Verdict(Watched.DATA, outcome, f"{failed} of {len(inputs)} columns have drifted {HOSTILE}")
    return DriftFindings(ROWS, columns, failed / len(inputs), (verdict,))


def losses_of(start: datetime, loss: float | None, *slices: GroupLoss) -> PerformanceFindings:
    """Find that so much is lost on what was answered from `start` on, give or take 0.1."""
    bounds = (None, None) if loss is None else (loss - 0.1, loss + 0.1)
    outcome = Outcome.INCONCLUSIVE
    if loss is not None:
        outcome = Outcome.FAIL if loss - 0.1 > LEVEL + 0.05 else Outcome.PASS
    verdict = Verdict(Watched.PERFORMANCE, outcome, f"mae {loss}, {LEVEL + 0.05} allowed")
    return PerformanceFindings(
        start, start + HOUR, ROWS, 600, "mae", LEVEL, GroupLoss("all", 600, loss, *bounds), slices, (verdict,)
    )  # fmt: skip


def counted(*counts: int) -> Reference:
    """Count the values 0, 1, 2 and so on of one column."""
    edges = tuple(float(value) for value in range(len(counts)))
    numbers = NumericCounts("distance_km", edges, counts, counts, 0, 0, 0, 0)
    return Reference(Profile(sum(counts), (numbers,), ()), NOTHING, NOTHING)


@dataclass
class Watching:
    """The looks at a model, an hour apart; `seqs` are their entries."""

    home: Home
    model: str
    champion: str
    now: datetime
    seqs: list[int] = field(default_factory=list)

    @classmethod
    def over(cls, told: Told, looks: int, model: str = "fares") -> "Watching":
        """Let a model be monitored, one like `fares` where it is another; so many looks end now."""
        folder = told.home.models / model
        if not folder.exists():
            shutil.copytree(told.home.models / "fares", folder)
            told.home.rewrite(model, 'name = "fares"', f'name = "{model}"')
        path = folder / "model.toml"
        if "[monitor]" not in (text := path.read_text("utf-8")):
            path.write_text(f"{text}\n{EXAMPLE.read_text('utf-8')}", "utf-8")
        now = datetime.now(UTC).replace(microsecond=0) - looks * HOUR
        watching = cls(told.home, model, told.first, now)
        if model != "fares":
            watching.promote(told.first)
        return watching

    @property
    def folder(self) -> Path:
        return self.home.path / "var/monitoring" / self.model

    @property
    def page(self) -> str:
        return f"/models/{self.model}/monitoring"

    def look(
        self,
        drift: DriftFindings | None = None,
        performance: PerformanceFindings | None = None,
        health: tuple[Verdict, ...] = (),
        rows: int = ROWS,
        counts: Reference | None = None,
    ) -> WindowMonitored:
        """Look at what came since the last look, as the flow does: keep what was found, then record it."""
        with entered(self.home):
            config, past = find_model(self.home.models, self.model), list_looks(self.model)
            goes_on = bool(past) and past[-1].next_start == past[-1].start
            start, self.now = past[-1].start if goes_on else self.now, self.now + HOUR
            window = Window(self.champion, start, self.now, start - 24 * HOUR, start - 23 * HOUR)
            found = WindowFindings(self.model, self.champion, start, self.now, drift, performance, health)
            counts = counts or Reference(NOTHING, NOTHING, NOTHING)
            kept = keep_window(load_settings().monitoring, found, counts, counts)
            looked = conclude(window, found, rows, kept, past, config)
            self.seqs.append(self.home.ledger.append(self.model, looked, self.now, "monitor").seq)
        return looked

    def promote(self, digest: str) -> None:
        with entered(self.home):
            serving = self.home.serving(self.model)
        fact = ChampionPromoted(digest, serving.champion, serving.generation + 1, f"better {HOSTILE}")
        self._crown(fact)

    def roll_back(self, digest: str) -> None:
        with entered(self.home):
            serving = self.home.serving(self.model)
        withdrawn, reason = str(serving.champion), f"worse {HOSTILE}"
        self._crown(ChampionRolledBack(digest, withdrawn, serving.generation + 1, reason))

    def _crown(self, fact: ChampionPromoted | ChampionRolledBack) -> None:
        self.champion = fact.digest
        with entered(self.home):
            self.home.ledger.change_serving(self.model, fact, self.now, ACTOR, seen=fact.generation - 1)

    def decide(self, action: Action, reason: str, *, answers_look: bool = True) -> None:
        """Answer the last look, or decide for another reason."""
        inputs, answers = Inputs("d", "m", "l"), (self.seqs[-1],) if answers_look else ()
        self.append(DecisionMade("r", action, reason, (), inputs, answers=answers))

    def append(self, fact: DecisionMade | ReportKept | AttentionAsked) -> None:
        with entered(self.home):
            self.home.ledger.append(self.model, fact, self.now, ACTOR)

    def findings_of(self, look: WindowMonitored) -> Path:
        [path] = self.folder.glob(f"{look.start:%Y%m%dT%H%M%S}*.findings.json")
        return path


def watch_all(told: Told, looks: int = LOOKS, model: str = "fares") -> Watching:
    """Tell of looks at a model in which all that a page can show has happened, the newest just now."""
    watching = Watching.over(told, looks, model)
    watching.promote(told.second)
    for number in range(looks):
        if number == looks // 4:
            watching.roll_back(told.first)
        start = watching.now - 24 * HOUR
        watching.look(_drift_at(number, looks), _losses_at(start, number, looks), _health_at(number % 2))
        if number == looks * 3 // 4:
            watching.append(ReportKept(watching.now, REPORT))
            watching.decide(Action.TRAIN, f"drift since noon {HOSTILE}")
    watching.append(AttentionAsked(watching.now, f"a training on these rows was refused {HOSTILE}"))
    return watching


def _drift_at(number: int, looks: int) -> DriftFindings:
    """Let three of five inputs and the answers go away little by little, from two fifths on."""
    late = max(0.0, number / looks - 0.4)
    return drift_of(
        column("luggage", 0.02 + 0.01 * (number % 3)),
        column("noise", 0.02 + 0.01 * (number % 4)),
        column("distance_km", 0.03 + late),
        column(f"tariff {HOSTILE}", 0.05 + 0.1 * late),
        column("pressure_at_departure_in_mbar", None if number % 9 > 6 else 0.04 + 1.2 * late),
        column("answer", 0.04 + 0.2 * late, Watched.PREDICTIONS),
    )


def _losses_at(start: datetime, number: int, looks: int) -> PerformanceFindings:
    loss = None if number == looks // 3 else LEVEL + 0.02 * (number % 3) + max(0.0, number / looks - 0.6)
    return losses_of(
        start, loss,
        GroupLoss("tariff day", 300, 1.2, 1.12, 1.28),
        GroupLoss(f"tariff night {HOSTILE}", 300, 1.7, 1.4, 2.0),
        GroupLoss("tariff unknown", 0, None, None, None),
    )  # fmt: skip


def _health_at(slow: int) -> tuple[Verdict, ...]:
    outcome = Outcome.FAIL if slow else Outcome.PASS
    return (
        Verdict(Watched.STALENESS, Outcome.PASS, "the champion is 3 days old, 30 allowed"),
        Verdict(Watched.LATENCY, outcome, f"p95 {50 + 60 * slow} ms of 100 ms {HOSTILE}"),
        Verdict(Watched.SKEW, Outcome.INCONCLUSIVE, "0 rows of 1,000 to compare"),
    )


def page_of(site: RunningSite, watching: Watching) -> Seen:
    return see(site.get(watching.page))
