"""How is a rollout told: one line for each turn it took, with what was seen?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from millrace.domain.facts import (
    ApprovalAsked,
    ChampionFact,
    ChampionPromoted,
    ChampionRolledBack,
    Fact,
    ProbationEnded,
    RolloutAborted,
    RolloutAdvanced,
    RolloutFact,
    StepFailed,
)
from millrace.domain.ledger import Entry
from millrace.domain.narration import tell
from millrace.domain.rollout.evidence import ArmEvidence, Evidence
from millrace.domain.rollout.state import Rollout, rollout_after
from millrace.domain.verdict import Outcome, Verdict

_WITH_EVIDENCE = (
    ApprovalAsked
    | ChampionPromoted
    | ChampionRolledBack
    | ProbationEnded
    | RolloutAborted
    | RolloutAdvanced
    | StepFailed
)


@dataclass(frozen=True)
class Turn:
    """One thing that happened to a rollout, and what answered from then on.

    `outcome` is that of a probation that ended here.
    """

    seq: int
    at: datetime
    actor: str
    kind: str
    told: str
    after: Rollout
    verdicts: tuple[Verdict, ...]
    evidence: Evidence | None
    outcome: Outcome | None = None


def is_turn(fact: Fact) -> bool:
    """Whether a fact belongs to a rollout: a champion that was made without one is none of its turns."""
    if isinstance(fact, ChampionFact):
        return _evidence_of(fact) is not None
    return isinstance(fact, RolloutFact)


def list_turns(model: str, entries: Iterable[Entry]) -> Iterator[Turn]:
    """Yield the turns of rollouts, oldest first, from entries that begin where one did."""
    rollout = Rollout(model)
    for entry in entries:
        if isinstance(entry.fact, RolloutFact):
            rollout = rollout_after(rollout, entry.fact, entry.at)
            verdicts = entry.fact.verdicts if isinstance(entry.fact, _WITH_EVIDENCE) else ()
            yield Turn(
                entry.seq, entry.at, entry.actor, entry.kind, tell(entry.fact), rollout, verdicts,
                _evidence_of(entry.fact),
                entry.fact.outcome if isinstance(entry.fact, ProbationEnded) else None,
            )  # fmt: skip


def _evidence_of(fact: RolloutFact) -> Evidence | None:
    return fact.evidence if isinstance(fact, _WITH_EVIDENCE) else None


def timeline_table(turns: Iterable[Turn]) -> str:
    """Write turns as a Markdown table for people."""
    head = "| at (UTC) | by | what happened | phase | weight | champion | challenger | judges |"
    rows = [head, "|---|---|---|---|---|---|---|---|"]
    for turn in turns:
        seen = turn.evidence.overall if turn.evidence else None
        cells = (
            f"{turn.at:%Y-%m-%d %H:%M:%S}",
            turn.actor,
            turn.told,
            turn.after.phase,
            f"{turn.after.weight} %",
            tell_arm(seen.champion) if seen else "",
            tell_arm(seen.challenger) if seen else "",
            ", ".join(f"{one.rule} {one.outcome}" for one in turn.verdicts),
        )
        rows.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join([*rows, ""])


def tell_arm(arm: ArmEvidence) -> str:
    """Write what one arm did in a few words."""
    parts = [f"{arm.requests:,} requests", f"{arm.errors} errors"]
    if arm.p95 is not None:
        parts.append(f"p95 {arm.p95 / 1000:.3g} ms")
    if arm.losses.n:
        parts.append(f"loss {arm.losses.mean:.4g} on {arm.losses.n:,} labels")
    return ", ".join(parts)
