"""How much of a model may be luck?"""

from pydantic import Field

from millrace.domain.config.section import Section


class StabilityPolicy(Section):
    """How far apart models may be that differ by luck: in the training blocks they got, and in their seed."""

    refits: int = Field(ge=5)
    """So many are fitted, each to training blocks drawn with replacement and by a seed of its own."""
    rows: int = Field(ge=100)
    """Each learns from about so many rows; fewer than the challenger had make more of luck, not less."""
    max_loss_spread: float = Field(ge=0.0)
    """The largest standard deviation of their losses, in units of the gate's metric."""
    max_answer_spread: float = Field(ge=0.0)
    """Of classes the largest share of decisions on which two of them differ; of numbers the largest standard
    deviation of the answers to one row, as a mean over the rows."""
