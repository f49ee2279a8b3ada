"""Of what must people be told?"""

from dataclasses import dataclass

from millrace.domain.facts import BatchQuarantined, ChallengerJudged, ChampionRolledBack
from millrace.domain.ledger import Entry
from millrace.domain.verdict import Outcome

ALERTING_KINDS = (BatchQuarantined, ChallengerJudged, ChampionRolledBack)
"""The kinds of entry that can be worth an alert."""


@dataclass(frozen=True)
class Alert:
    """What people read: one line, then what to do."""

    title: str
    body: str


def alert_about(entry: Entry) -> Alert | None:
    """Return what to tell people about `entry`, None when it is nothing they must know."""
    model = entry.model
    match entry.fact:
        case BatchQuarantined() as fact:
            broken = "\n".join(violation.message for violation in fact.violations)
            after = f"`millrace quarantine show {model} {fact.batch_digest[:12]}` shows the rows."
            return Alert(f"{model}: batch {fact.batch} is in quarantine", f"{broken}\n{after}")
        case ChallengerJudged() as fact if fact.outcome is not Outcome.PASS:
            after = f"The champion is untouched. `millrace why {fact.digest[:12]}` shows its lineage."
            return Alert(f"{model}: challenger {fact.digest[:12]} was refused", f"{fact.reason}\n{after}")
        case ChampionRolledBack() as fact:
            body = f"{fact.withdrawn[:12]} was withdrawn: {fact.reason}"
            return Alert(f"{model}: rolled back to {fact.digest[:12]}", body)
        case _:
            return None
