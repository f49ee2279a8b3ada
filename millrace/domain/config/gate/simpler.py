"""What is a larger model worth?"""

from pydantic import Field

from millrace.domain.config.section import Section


class SimplerPolicy(Section):
    """By how much a challenger must be better than what is smaller than it."""

    min_gain: float = Field(ge=0.0)
    """So much less it must surely lose than each of them, in units of the gate's metric."""
