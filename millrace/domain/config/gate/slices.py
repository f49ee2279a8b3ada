"""Must each slice of the rows be answered well enough, and no worse than before?"""

from typing import Self

from pydantic import Field, model_validator

from millrace.domain.config.section import Section, Share


class SlicesPolicy(Section):
    """What each slice of the judged rows owes; recent and golden rows are judged together."""

    columns: tuple[str, ...] = Field(min_length=1, strict=False)
    """Columns, each value of which is a slice, features or not; `"a*b"` slices by two together."""
    floor: float | None = None
    """The metric's own figure that each slice must surely reach; of an error it is a ceiling."""
    max_harm: float | None = Field(default=None, ge=0.0)
    """How much more than the champion each slice may lose, in units of the metric."""
    min_blocks: int = Field(ge=14)
    """A slice with rows in fewer blocks is not judged, but named."""
    min_share: Share
    """A slice of this share of the rows must be shown to clear; of a smaller one only a sure miss counts."""
    bins: int | None = Field(default=None, ge=2)
    """A number is cut into so many parts that hold as many training rows each; needed where one is named."""

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if self.floor is None and self.max_harm is None:
            raise ValueError("neither floor nor max_harm is given: nothing is asked of a slice")
        return self
