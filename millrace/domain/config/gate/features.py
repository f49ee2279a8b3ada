"""What must each feature bring?"""

from pydantic import Field

from millrace.domain.config.section import Section, Share


class FeaturesPolicy(Section):
    """What is asked of each feature, by how much more is lost with its values shuffled.

    It is lost of the metric that the model is followed by: the gate's, or the task's usual one where the
    gate's needs a threshold, a quantile or code of your own.
    """

    repeats: int = Field(ge=1, le=20)
    """How often each is shuffled; more makes the figures steadier, and takes as much longer."""
    min_gain: float = Field(gt=0.0)
    """A feature that surely brings less than this helps nothing, in units of that metric."""
    max_harm: float = Field(ge=0.0)
    """How much less may be lost without a feature, in units of that metric: more is harmful."""
    max_idle_features: int | None = Field(default=None, ge=0)
    """So many features may help nothing; without it they are told only."""
    max_idle_share: Share | None = None
    """Such a share of the features may help nothing; without it they are told only."""
