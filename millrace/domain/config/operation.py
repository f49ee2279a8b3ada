"""When is a model retrained, watched, tried after a change, and how is it served?"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from millrace.domain.config.section import Cron, Duration, Section
from millrace.domain.pointer import Durability


class RetrainSection(Section):
    """When a retraining is due, and what holds it back."""

    min_new_rows: int = Field(ge=0)
    """So many new rows with a label are a reason to retrain."""
    cooldown: Duration
    """How long after a full training none is begun."""
    budget_per_day: int = Field(ge=1)
    """At most so many full trainings begin in 24 hours."""
    schedule: Cron | None = None
    """When it is decided whether to retrain whatever has come, cron in UTC."""
    refit_schedule: Cron | None = None
    """When it is fitted anew with the last full training's hyperparameters: only `schedule` searches then."""

    @model_validator(mode="after")
    def _refits_have_full_trainings(self) -> Self:
        if self.refit_schedule is not None and self.schedule is None:
            raise ValueError("refit_schedule needs schedule, which says when hyperparameters are searched")
        return self


class SilenceSection(Section):
    """For how long nothing may happen before people are told."""

    data: Duration
    """Without a batch."""
    decision: Duration
    """Without a decision on retraining."""
    requests: Duration | None = None
    """Without a request, as looks at the model find."""
    labels: Duration | None = None
    """Without a label, as looks at the model find."""
    monitor: Duration | None = None
    """Without a look at the model."""

    @property
    def seen_by_looks(self) -> tuple[str, ...]:
        """Name what is asked for that only a look can tell."""
        return tuple(name for name in ("requests", "labels", "monitor") if getattr(self, name) is not None)


class CheckSection(Section):
    """How a change of code, configuration or data is tried before it is merged."""

    rows: int = Field(ge=100)
    """On a sample of so many rows."""
    max_excess_loss: float = Field(ge=0.0)
    """So much more may the changed model lose, in units of the gate's metric."""


class ServingSection(Section):
    """How prediction services treat the model's requests, and what they write down of them."""

    durability: Annotated[Durability, Field(strict=False)]
    """Whether an answer is on the disk before it leaves (`durable`), or soon after (`fast`)."""
    sticky_key: str | None = None
    """Requests with the same value of this column go to the same version."""
    hash: tuple[str, ...] = Field(default=(), strict=False)
    """Columns of which the log has a keyed hash only."""
    leave_out: tuple[str, ...] = Field(default=(), strict=False)
    """Columns of which the log has nothing."""
    retention: Duration | None = None
    """How long the log keeps rows; without it for ever."""

    @model_validator(mode="after")
    def _clauses_fit(self) -> Self:
        if both := sorted({*self.hash} & {*self.leave_out}):
            raise ValueError(f"{', '.join(both)}: in hash and in leave_out, what is not written has no hash")
        if self.retention is not None and not self.retention:
            raise ValueError(
                "retention is 0 long: no prediction would be kept; leave it out to keep them all"
            )
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is named, for whatever it is."""
        return (*filter(None, [self.sticky_key]), *self.hash, *self.leave_out)
