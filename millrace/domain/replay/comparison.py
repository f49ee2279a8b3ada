"""What would each policy have trained, promoted and refused, and at which loss and cost?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from millrace.domain.config import HIGHER_IS_BETTER, Metric
from millrace.domain.losses import metric_value, name_metric

NEVER, ALWAYS, OWN = "never", "always", "own"
"""Policies without a file: the first champion stays, all that is new is trained on, `model.toml` alone."""


@dataclass(frozen=True)
class Happening:
    """One thing that happened, and what came of it.

    `rows` arrived with it. `loss` is that of what answered since the happening before, lower is better,
    None where it cannot be told. `gate` is the outcome, or empty where nothing was judged.
    """

    at: datetime
    rows: int
    event: str
    decision: str
    reason: str
    gate: str
    before: str | None
    champion: str | None
    loss: float | None = None
    trained_rows: int = 0
    training_seconds: float = 0.0

    @property
    def is_promotion(self) -> bool:
        return self.champion != self.before

    @property
    def is_refusal(self) -> bool:
        return bool(self.gate) and not self.is_promotion


@dataclass(frozen=True)
class StretchLoss:
    """The loss of what answered in `[start, end)`, None where it cannot be told."""

    start: datetime
    end: datetime
    rows: int
    loss: float | None


@dataclass(frozen=True)
class AgeLoss:
    """What champions lose in the week that begins `weeks` weeks after their training.

    Means over the `champions` that have that week and their first one: `loss` in that week, `fresh` of the
    same champions in their first one, `served` of whoever served then, on the same rows. What `loss` is above
    `served` is due to age; what it is above `fresh`, to age and to the weeks themselves. `rows` are those of
    all of them together.
    """

    weeks: int
    champions: int
    rows: int
    loss: float
    fresh: float
    served: float


@dataclass(frozen=True)
class RefusedRows:
    """Rows of the replayed time that nobody is scored by: the model's own contract refuses their batch."""

    batch: str
    rows: int
    why: str


@dataclass(frozen=True)
class Asked:
    """Of which rows of the replayed time nothing is known that could be compared.

    `rows` are all of them but the refused ones. `unlabelled` have no label, `unknown` have one of a class
    that no champion of any policy knows.
    """

    rows: int = 0
    unlabelled: int = 0
    unknown: int = 0
    refused: tuple[RefusedRows, ...] = ()
    early: tuple[str, ...] = ()
    """Batches that the source named before their newest row had happened."""


@dataclass(frozen=True)
class Gap:
    """How much more a policy lost than the best one, over so many stretches; None where nothing bounds it."""

    mean: float
    lower: float | None
    upper: float | None
    stretches: int


@dataclass(frozen=True)
class PolicyResult:
    """What one policy would have done, and what its answers would have cost.

    `loss` is the mean over the stretches, each counted by the rows that are compared; None where it cannot be
    told. `behind` is how much more it is than the least loss of all, None for the policy that has it.
    """

    policy: str
    happenings: tuple[Happening, ...]
    stretches: tuple[StretchLoss, ...]
    ages: tuple[AgeLoss, ...]
    loss: float | None
    looks: int = 0
    detected: int = 0
    """So many of the looks found drift or decay."""
    answered: int = 0
    """So many of the rows with a label would have had an answer."""
    behind: Gap | None = None

    @property
    def trainings(self) -> int:
        return sum(one.trained_rows > 0 for one in self.happenings)

    @property
    def promotions(self) -> int:
        return sum(one.is_promotion for one in self.happenings)

    def promoted_before(self, end: datetime) -> list[Happening]:
        """List the promotions of another champion that answered for some time before `end`."""
        return [one for one in self.happenings if one.is_promotion and one.before and one.at < end]

    @property
    def refusals(self) -> int:
        return sum(one.is_refusal for one in self.happenings)

    @property
    def quarantines(self) -> int:
        return sum(one.event.startswith("quarantined") for one in self.happenings)

    @property
    def training_seconds(self) -> float:
        return sum(one.training_seconds for one in self.happenings)

    @property
    def trained_rows(self) -> int:
        return sum(one.trained_rows for one in self.happenings)


@dataclass(frozen=True)
class ReplayResult:
    """History of one model from `start` to `until`, under each policy. All losses are by `metric`.

    `rows` are those that every policy with an answer at all would have answered: over them they are compared.
    `label_delay_seconds` is how long a label takes, None where the model does not say; `confidence` that of
    the bounds of what a policy is behind.
    """

    model: str
    metric: Metric
    start: datetime
    until: datetime
    step_seconds: float
    rows: int
    policies: tuple[PolicyResult, ...]
    asked: Asked = Asked()
    label_delay_seconds: float | None = None
    confidence: float = 0.95

    def spell(self, loss: float | None) -> str:
        """Write a loss as people read it: an AUC, or a loss as it is."""
        return "—" if loss is None else f"{metric_value(self.metric, loss):.4g}"

    @property
    def metric_name(self) -> str:
        """Which metric it is, and which way is better."""
        return f"{self.short_name}, {'higher' if self.metric in HIGHER_IS_BETTER else 'lower'} is better"

    @property
    def short_name(self) -> str:
        """The metric as people write it."""
        return name_metric(self.metric)


def list_shown(happenings: Sequence[Happening]) -> list[Happening]:
    """Leave out the decisions that changed nothing and for which nothing had come: a schedule makes many."""
    return [one for one in happenings if one.rows or one.decision != "SKIP"]
