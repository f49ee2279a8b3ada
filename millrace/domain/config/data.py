"""Where do a model's rows come from, which columns may it see, and what must they satisfy?"""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from millrace.domain.config.section import Cron, Duration, Section, Share
from millrace.domain.kinds import ColumnType


class DataSection(Section):
    """Where rows come from, and which columns have a role.

    `block` is the length of one block of `time`, `group` the column that is one where
    there is no time. With neither, rows are blocks.
    """

    source: Literal["files", "python"]
    target: str
    inbox: str | None = None
    key: tuple[str, ...] = Field(default=(), strict=False)
    time: str | None = None
    block: Duration | None = None
    group: str | None = None
    label_delay: Duration | None = None
    schedule: Cron | None = None

    @model_validator(mode="after")
    def _roles_fit(self) -> Self:
        if (self.time is None) != (self.block is None):
            raise ValueError("time and block go together: name both or neither")
        if self.block is not None and not self.block:
            raise ValueError("block is 0 long: a day, 1d, is usual")
        if self.time is not None and self.group is not None:
            raise ValueError("group is for data without time: name one of the two")
        if self.source == "files" and self.schedule is not None:
            raise ValueError('schedule is for source = "python": what lies in an inbox is taken in at once')
        if self.source == "files" and self.inbox is None:
            raise ValueError('source = "files" needs inbox, such as "inbox/churn/*.parquet"')
        return self


class FeaturesSection(Section):
    """The columns a model may see, by kind."""

    numeric: tuple[str, ...] = Field(default=(), strict=False)
    categorical: tuple[str, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise ValueError(f"{', '.join(repeated)}: named more than once, a feature has one kind")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.numeric, *self.categorical)


class ColumnContract(Section):
    """What the values of one column must satisfy."""

    type: Annotated[ColumnType, Field(strict=False)]
    max_null_share: Share = 0.0
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] | None = Field(default=None, strict=False)
    pattern: str | None = None

    @model_validator(mode="after")
    def _clauses_fit(self) -> Self:
        is_number = self.type in (ColumnType.FLOAT, ColumnType.INT)
        if (self.min is not None or self.max is not None) and not is_number:
            raise ValueError(f"min and max are for float and int columns, this one is {self.type}")
        if self.pattern is not None and self.type is not ColumnType.STRING:
            raise ValueError(f"pattern is for string columns, this one is {self.type}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value satisfies both")
        return self

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from error
        return pattern


class ContractSection(Section):
    """What a batch must satisfy: each column, and the batch as a whole."""

    min_rows: int = Field(ge=1)
    max_duplicate_share: Share
    min_label_share: Share
    columns: dict[str, ColumnContract]
