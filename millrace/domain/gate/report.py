"""What did the gate find of a challenger, so that somebody can answer for it years later?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from millrace.domain.facts import ChallengerJudged
from millrace.domain.gate.code import Code
from millrace.domain.gate.finding import Finding
from millrace.domain.verdict import Outcome, Verdict

_WORST_FIRST = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)


@dataclass(frozen=True)
class JudgedRows:
    """Rows that judged. `values` are the gate's metric of each role on them, as people read it.

    What is not known any more is None.
    """

    name: str
    set_id: str
    values: dict[str, float]
    rows: int | None = None
    blocks: int | None = None
    first_block: str | None = None
    last_block: str | None = None
    looks: int | None = None


@dataclass(frozen=True)
class GateReport:
    """A judgement with all it rests on.

    `policy` is the `[gate]` of model.toml as it was, `questions` what each rule asks. What is not
    `is_recorded` was asked for by a person, decided nothing and was not counted as a look.
    """

    model: str
    at: datetime
    run_key: str
    digest: str
    champion: str | None
    outcome: Outcome
    reason: str
    findings: tuple[Finding, ...]
    sets: tuple[JudgedRows, ...]
    metric: str
    generation: int | None = None
    best: str | None = None
    baseline: str | None = None
    dataset: str | None = None
    model_files: str | None = None
    policy: dict[str, Any] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_recorded: bool = True

    @property
    def deciding(self) -> tuple[Finding, ...]:
        """The rules with the outcome that is the gate's; all that passed, where it passed."""
        return tuple(one for one in self._asked if not one.dry_run and one.outcome is self.outcome)

    @property
    def missed(self) -> tuple[Finding, ...]:
        """The rules that kept it from passing, what failed first."""
        found = (one for one in self._asked if not one.dry_run and one.outcome is not Outcome.PASS)
        return tuple(sorted(found, key=lambda one: _WORST_FIRST.index(one.outcome)))

    @property
    def passed(self) -> tuple[Finding, ...]:
        return tuple(one for one in self._asked if not one.dry_run and one.outcome is Outcome.PASS)

    @property
    def dry_runs(self) -> tuple[Finding, ...]:
        """The rules that were measured and told, and decided nothing; the worst first."""
        found = (one for one in self._asked if one.dry_run)
        return tuple(sorted(found, key=lambda one: _WORST_FIRST.index(one.outcome)))

    @property
    def not_asked(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if not is_asked(one))

    @property
    def _asked(self) -> Iterator[Finding]:
        return (one for one in self.findings if is_asked(one))


def is_asked(verdict: Verdict) -> bool:
    """Whether the policy asked the rule anything."""
    return verdict.code != Code.NOT_ASKED


def to_findings(verdicts: Iterable[Verdict]) -> tuple[Finding, ...]:
    """Return verdicts as findings; those that are none have no bars."""
    return tuple(
        one if isinstance(one, Finding) else Finding(one.rule, one.outcome, one.reason, one.code, one.dry_run)
        for one in verdicts
    )


def report_of_fact(
    model: str, judged: ChallengerJudged, values: dict[str, dict[str, float]], metric: str, at: datetime
) -> GateReport:
    """Return what the ledger alone still knows: of a judgement without a report, or whose report is lost."""
    ids = {"recent": judged.recent_set, "golden": judged.golden_set}
    return GateReport(
        model=model,
        at=at,
        run_key=judged.run_key,
        digest=judged.digest,
        champion=judged.champion,
        outcome=judged.outcome,
        reason=judged.reason,
        findings=to_findings(judged.verdicts),
        sets=tuple(JudgedRows(name, id_, values.get(name, {})) for name, id_ in ids.items()),
        metric=metric,
        generation=judged.generation,
        notes=("The report of this judgement is not kept here: what follows is what the ledger says.",),
    )
