"""How well must answers hold when rows are a little otherwise?"""

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from millrace.domain.config.section import Section, Share
from millrace.domain.kinds import Task

Excess = Annotated[float, Field(ge=0.0)]
Part = Annotated[float, Field(gt=0.0, le=1.0)]


class Direction(StrEnum):
    """Which way an answer may go while one feature rises."""

    RISING = "rising"
    FALLING = "falling"


class NoisePolicy(Section):
    """Every number is off by a little."""

    share: Part
    """The standard deviation of the noise, as a share of each feature's spread."""
    max_excess_loss: Excess
    """How much more may be lost with it, in units of the gate's metric."""


class ReplacedPolicy(Section):
    """Some values are not there, or are none that was ever seen."""

    share: Part
    """The share of the values that are replaced, in every column that can be asked about."""
    max_excess_loss: Excess
    """How much more may be lost then, in units of the gate's metric."""


class MonotonePolicy(Section):
    """An answer that may only go one way while a feature rises, and everything else stays."""

    columns: dict[str, Annotated[Direction, Field(strict=False)]] = Field(min_length=1)
    """Which way it may go, for each feature of which you know."""
    rows: int = Field(ge=10)
    """Judged rows that are tried."""
    steps: int = Field(ge=2)
    """Steps that the feature takes, from its smallest usual value to its largest."""
    tolerance: float = Field(ge=0.0)
    """A step back of so much is none, in units of the answer."""
    max_wrong_share: Share
    """The largest share of steps that may go the wrong way."""


class AttackPolicy(Section):
    """Somebody looks for a row nearby that is decided otherwise, and sees only answers."""

    rows: int = Field(ge=10)
    """Judged rows that are attacked."""
    queries: int = Field(ge=1)
    """How often each may be asked about."""
    share: Part
    """How far each number may be moved, as a share of its spread."""
    shift: float | None = Field(default=None, gt=0.0)
    """For a regression: an answer that moved by so much is another one."""
    max_flip_rate: Share | None = None
    """The largest share of rows for which one may be found; without it the share is told, no more."""


class RobustnessPolicy(Section):
    """What a challenger must stand. Invariances and extreme values are always asked for."""

    rows: int = Field(ge=100)
    """Judged rows that noise, missing values and unknown categories are tried on, at most."""
    noise: NoisePolicy | None = None
    """Numbers that are off by a little."""
    missing: ReplacedPolicy | None = None
    """Values that are not there, in the columns that may have none."""
    unknown: ReplacedPolicy | None = None
    """Categories that were never seen, in the columns that may have such."""
    monotone: MonotonePolicy | None = None
    """Features with which an answer may only rise, or only fall."""
    attack: AttackPolicy | None = None
    """A search for rows nearby that are decided otherwise."""

    def find_misfit(self, task: Task, numeric: Collection[str]) -> str | None:
        """Say what it asks for that a model of this task, with these features that are numbers, has not."""
        if self.monotone is not None:
            if task is Task.MULTICLASS:
                return "gate.robustness.monotone is for one number, and several classes have a share each"
            for column in self.monotone.columns:
                if column not in numeric:
                    return f"gate.robustness.monotone names {column!r}, which is not in features.numeric"
        if self.attack is not None and (self.attack.shift is None) == (task is Task.REGRESSION):
            needed = "needs" if task is Task.REGRESSION else "has"
            return f"gate.robustness.attack {needed} a shift: it is for regressions, and needed there"
        return None
