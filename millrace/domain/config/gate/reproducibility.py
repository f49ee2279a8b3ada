"""Must the same training give the same model?"""

from datetime import timedelta

from pydantic import Field

from millrace.domain.config.section import Duration, Section


class ReproducibilityPolicy(Section):
    """Whether the same rows, hyperparameters and seed must give the same scorer in another process."""

    timeout: Duration = Field(gt=timedelta(0))
    """How long training it again may take; longer, and nothing is known."""
    exact: bool
    """Whether every byte must be the same (of a skops file every answer), or answers within
    `agreement_tolerance` are enough, but for `max_disagreeing_share` of the rows."""
