"""What can have happened to the golden set?"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class GoldenPolicy:
    """Which blocks are golden: `[golden]` of model.toml. `until` is a day, as 2013-05-01."""

    share: float
    until: str | None = None
    generation: int = 0


@dataclass(frozen=True)
class GoldenRenewed:
    """A person gave a model another golden set, after so many `looks` at the old one.

    Champion and best champion were judged once on both: `losses` are by `old` and `new`, then by role
    (`champion`, `best`), in `metric`, lower is better. A set is known by the blocks of it that neither has
    learned from, `old_blocks` and `new_blocks` of them. `written_over` is what model.toml said then, where
    somebody had changed it by hand.
    """

    reason: str
    old: GoldenPolicy
    new: GoldenPolicy
    looks: int
    dataset: str
    metric: str
    champion: str | None = None
    best: str | None = None
    old_set: str = ""
    new_set: str = ""
    old_blocks: int = 0
    new_blocks: int = 0
    losses: dict[str, dict[str, float]] = field(default_factory=dict)
    written_over: GoldenPolicy | None = None
    terms: str = ""
    """What the metric is defined by besides its name, such as a quantile; an older fact does not say."""
