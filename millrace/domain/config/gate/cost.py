"""What may an answer cost?"""

from typing import Self

from pydantic import Field, model_validator

from millrace.domain.config.section import Section


class CostPolicy(Section):
    """What a challenger may cost by itself, and against the champion in the same run."""

    max_milliseconds_one: float | None = Field(default=None, gt=0.0)
    """How long one row may take, in the middle of many."""
    max_milliseconds_thousand: float | None = Field(default=None, gt=0.0)
    """How long 1,000 rows may take."""
    max_megabytes: float | None = Field(default=None, gt=0.0)
    """How large the bundle may be on disk."""
    max_memory_megabytes: float | None = Field(default=None, gt=0.0)
    """How much more memory a fresh process may need, once the bundle is open and has answered 1,000 rows."""
    max_latency_ratio: float | None = Field(default=None, gt=0.0)
    """So many times as long as the champion it may take, for one row and for 1,000."""
    max_size_ratio: float | None = Field(default=None, gt=0.0)
    """So many times as large as the champion's bundle it may be."""
    max_memory_ratio: float | None = Field(default=None, gt=0.0)
    """So many times as much memory as the champion it may need."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if all(limit is None for limit in self.model_dump().values()):
            raise ValueError(f"has no limit, needed is one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def asks_memory(self) -> bool:
        """Whether memory has to be measured: it takes a process of its own."""
        return self.max_memory_megabytes is not None or self.max_memory_ratio is not None
