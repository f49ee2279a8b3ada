"""What is there to measure of a challenger before the gate?"""

from dataclasses import dataclass
from functools import cached_property

from millrace.domain.config import ModelConfig
from millrace.domain.facts import ChallengerTrained
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.measurement import Source
from millrace.steps.gate.comparing import Compared
from millrace.steps.rows import LabelledRows, SplitRows


@dataclass(frozen=True, eq=False)
class Case:
    """A challenger before the gate: its bundle and those it is compared with, opened, and all rows."""

    config: ModelConfig
    split: SplitRows
    compared: Compared
    trained: ChallengerTrained
    evidence: GateEvidence

    @cached_property
    def recent(self) -> LabelledRows:
        """The rows of `evidence.recent`, in its order."""
        return self.split.recent.without_blocks(self.compared.learned_blocks)

    @cached_property
    def golden(self) -> LabelledRows:
        """The rows of `evidence.golden`, in its order."""
        return self.split.golden.without_blocks(self.compared.learned_blocks)

    @property
    def on_recent(self) -> Source:
        return self.evidence.expected[0]
