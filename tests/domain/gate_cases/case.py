"""What does the suite need to know of a rule?"""

from dataclasses import dataclass

from millrace.domain.gate.evidence import GateEvidence


@dataclass(frozen=True)
class GateCase:
    """Of a rule: what it says of good evidence, and evidence that gets worse, is too little, is no number."""

    rule: str
    reason: str
    worse: tuple[GateEvidence, ...]
    starved: GateEvidence
    poisoned: tuple[GateEvidence, ...]
