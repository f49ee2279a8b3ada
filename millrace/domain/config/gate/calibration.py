"""How far may what is predicted be from what comes?"""

from pydantic import Field

from millrace.domain.config.section import Section


class CalibrationPolicy(Section):
    """How honest the answers must be. Distances are in units of the answer."""

    max_error: float = Field(gt=0.0)
    """The largest mean distance, over tenths of the answers, between what is predicted and what comes."""
    max_harm: float | None = Field(default=None, ge=0.0)
    """How much larger than the champion's it may be; without it the champion's is not looked at."""
