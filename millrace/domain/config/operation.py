"""When is a model retrained, watched, tried after a change, and how is it served?"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from millrace.domain.config.section import Cron, Duration, Section
from millrace.domain.pointer import Durability


class RetrainSection(Section):
    """When a retraining is due, and what holds it back. Schedules are cron, in UTC.

    At `refit_schedule` the model is fitted anew with the hyperparameters that the last full training has
    found; the full ones, which search, are at `schedule` then, and no longer whenever there are new rows.
    `cooldown` and `budget_per_day` are for full trainings.
    """

    min_new_rows: int = Field(ge=0)
    cooldown: Duration
    budget_per_day: int = Field(ge=1)
    schedule: Cron | None = None
    refit_schedule: Cron | None = None

    @model_validator(mode="after")
    def _refits_have_full_trainings(self) -> Self:
        if self.refit_schedule is not None and self.schedule is None:
            raise ValueError("refit_schedule needs schedule, which says when hyperparameters are searched")
        return self


class SilenceSection(Section):
    """For how long nothing may happen before people are told.

    `requests` and `labels` are what a look at the model finds of them, `monitor` is the look itself.
    """

    data: Duration
    decision: Duration
    requests: Duration | None = None
    labels: Duration | None = None
    monitor: Duration | None = None

    @property
    def seen_by_looks(self) -> tuple[str, ...]:
        """Name what is asked for that only a look can tell."""
        return tuple(name for name in ("requests", "labels", "monitor") if getattr(self, name) is not None)


class CheckSection(Section):
    """How a change of code, configuration or data is tried before it is merged.

    `max_excess_loss` is in units of the gate's metric as a loss, lower is better.
    """

    rows: int = Field(ge=100)
    max_excess_loss: float = Field(ge=0.0)


class ServingSection(Section):
    """How prediction services treat the model's requests, and what they write down of them.

    Equal values of `sticky_key` go to the same version. Of the columns in `hash` the log has a
    keyed hash only, of those in `leave_out` nothing. `retention` is how long it keeps rows.
    """

    durability: Annotated[Durability, Field(strict=False)]
    sticky_key: str | None = None
    hash: tuple[str, ...] = Field(default=(), strict=False)
    leave_out: tuple[str, ...] = Field(default=(), strict=False)
    retention: Duration | None = None

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
