"""Which bar must a challenger clear, and in which metric?"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from millrace.domain.config.gate.metric import Metric
from millrace.domain.config.gate.rule import Rule
from millrace.domain.config.section import Section, Share


class Comparison(StrEnum):
    """What a challenger owes the champion on the recent set."""

    SUPERIOR = "superior"
    NON_INFERIOR = "non_inferior"


class GateSection(Section):
    """The bar a challenger must clear. Margins and floors are in units of their metric."""

    metric: Annotated[Metric, Field(strict=False)]
    """What models are compared by."""
    comparison: Annotated[Comparison, Field(strict=False)]
    """Whether a challenger must surely gain on the champion, or surely not lose more than the margin."""
    margin: float = Field(ge=0.0)
    """How much it must gain, or may lose, on recent rows."""
    golden_margin: float = Field(ge=0.0)
    """How much it may lose on golden rows against the best champion there ever was."""
    baseline_margin: float = Field(ge=0.0)
    """How much worse than the plain linear model it may be."""
    confidence: float = Field(gt=0.5, lt=1.0)
    """How sure each comparison must be."""
    rounds: int = Field(ge=200)
    """Draws of the bootstrap over blocks."""
    min_blocks: int = Field(ge=14)
    """The fewest blocks from which anything is concluded."""
    max_looks: int = Field(ge=1)
    """After so many judgements the golden set is worn out and has to be renewed."""
    floors: dict[Annotated[Metric, Field(strict=False)], float]
    """A number for each metric that a challenger must reach by itself; of an error it is a ceiling."""
    agreement_tolerance: float = Field(gt=0.0)
    """How far the exported model's answer may be from the fitted pipeline's, in units of the answer."""
    max_disagreeing_share: Share
    """The largest share of rows that may be farther apart than that."""
    dry_run: tuple[Annotated[Rule, Field(strict=False)], ...] = ()
    """Rules that are measured and told, and decide nothing."""
