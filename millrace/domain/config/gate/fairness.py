"""Must groups of people be treated alike?"""

from typing import Self

from pydantic import Field, model_validator

from millrace.domain.config.section import Section, Share
from millrace.domain.kinds import Task


class FairnessPolicy(Section):
    """How far the groups of a sensitive column may be apart; recent and golden rows are judged together.

    Decisions are those that people get: by the bundle's threshold, where it has none, from a half on.
    """

    columns: tuple[str, ...] = Field(min_length=1, strict=False)
    """Sensitive columns, features or not; `"a*b"` makes groups by two together."""
    max_parity_difference: Share | None = None
    """Of the shares decided positively (demographic parity)."""
    min_impact_ratio: Share | None = None
    """Of the smallest such share to the largest (disparate impact); four fifths is the known rule."""
    max_opportunity_difference: Share | None = None
    """Of the shares decided positively among the truly positive (equal opportunity)."""
    max_odds_difference: Share | None = None
    """Of those shares, and of those among the truly negative (equalised odds)."""
    max_error_difference: float | None = Field(default=None, ge=0.0)
    """Of the shares of errors; of a regression of the mean errors, as a share of that of all rows."""
    min_rows: int = Field(ge=1)
    """A group with fewer rows that count for a measure, or in fewer than min_blocks, is named, not judged."""
    min_share: Share
    """A group of this share of the rows must be shown to be within; of others only a sure miss counts."""
    bins: int | None = Field(default=None, ge=2)
    """A number is cut into so many parts that hold as many training rows each; needed where one is named."""

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are given, by name."""
        names = ("max_parity_difference", "min_impact_ratio", "max_opportunity_difference",
                 "max_odds_difference", "max_error_difference")  # fmt: skip
        return {name: limit for name in names if (limit := getattr(self, name)) is not None}

    def strange_to(self, task: Task) -> tuple[str, ...]:
        """Name the limits that mean nothing for a task."""
        is_error = {name: name == "max_error_difference" for name in self.limits}
        return tuple(name for name, of_errors in is_error.items() if of_errors is (task is Task.BINARY))

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if not self.limits:
            raise ValueError("no limit is given: nothing is asked of the groups")
        return self
