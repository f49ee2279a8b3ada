"""What must no feature know, and no training have seen?"""

from collections.abc import Collection, Mapping
from typing import Self

from pydantic import Field, model_validator

from millrace.domain.config.data import ColumnContract
from millrace.domain.config.gate.metric import HIGHER_IS_BETTER, Metric
from millrace.domain.config.section import Section, Share
from millrace.domain.kinds import ColumnType


class LeakagePolicy(Section):
    """What a feature may know of the target by itself, and a training of the rows that judge it."""

    max_single_feature: float = Field(gt=0.0)
    """The best figure that a feature alone may reach; of an error it is the least, a score is below 1. It is
    of the metric that the model is followed by: the gate's, or the task's usual one."""
    max_copied_share: Share
    """The largest share of judged rows that may be among the training rows too, beyond what chance brings."""
    allowed: tuple[str, ...] = Field(default=(), strict=False)
    """Features that may be as good as they are: a person has looked, and they are known in time."""
    known_at: dict[str, str] = Field(default_factory=dict)
    """For a feature, the column of times that says when its value was known: not after `data.time`."""
    max_late_share: Share | None = None
    """The largest share of a feature's values that may have been known later, or nobody knows when."""

    @model_validator(mode="after")
    def _lateness_has_a_limit(self) -> Self:
        if bool(self.known_at) != (self.max_late_share is not None):
            raise ValueError("known_at and max_late_share go together: name both or neither")
        return self

    def find_misfit(
        self,
        features: Collection[str],
        columns: Mapping[str, ColumnContract],
        time: str | None,
        followed: Metric,
    ) -> str | None:
        """Say what of it is not about this model, None where all is."""
        if followed in HIGHER_IS_BETTER and self.max_single_feature >= 1.0:
            found = f"gate.leakage.max_single_feature is {self.max_single_feature:g}"
            return f"{found}, which no {followed} is above: nothing would be too good. Give one below 1"
        if strange := [name for name in (*self.allowed, *self.known_at) if name not in features]:
            return f"gate.leakage names {strange[0]!r}, which is no feature"
        if self.known_at and time is None:
            return "gate.leakage.known_at needs data.time: without it nothing is late"
        for name, column in self.known_at.items():
            if column not in columns or columns[column].type is not ColumnType.TIMESTAMP:
                return f"gate.leakage.known_at.{name} names {column!r}, no timestamp of [contract.columns]"
        return None
