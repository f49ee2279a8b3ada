"""Which bar must a challenger clear, and in which metric?"""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from millrace.domain.config.gate.behaviour import BehaviourPolicy
from millrace.domain.config.gate.calibration import CalibrationPolicy
from millrace.domain.config.gate.cost import CostPolicy
from millrace.domain.config.gate.fairness import FairnessPolicy
from millrace.domain.config.gate.features import FeaturesPolicy
from millrace.domain.config.gate.leakage import LeakagePolicy
from millrace.domain.config.gate.metric import Metric
from millrace.domain.config.gate.reproducibility import ReproducibilityPolicy
from millrace.domain.config.gate.robustness import RobustnessPolicy
from millrace.domain.config.gate.rule import Rule
from millrace.domain.config.gate.simpler import SimplerPolicy
from millrace.domain.config.gate.slices import SlicesPolicy
from millrace.domain.config.gate.stability import StabilityPolicy
from millrace.domain.config.gate.staleness import StalenessPolicy
from millrace.domain.config.section import Section, Share


class Comparison(StrEnum):
    """What a challenger owes the champion on the recent set."""

    SUPERIOR = "superior"
    NON_INFERIOR = "non_inferior"


class GateSection(Section):
    """The bar a challenger must clear. Margins and floors are in units of their metric."""

    metric: Annotated[Metric, Field(strict=False)]
    """What models are compared by; `file:function` is your own, a loss in a file of the model's folder."""
    loss: str | None = Field(default=None, pattern=r"^[A-Za-z_]\w*:[A-Za-z_]\w*$")
    """The `file:function` of the metric `own`, where only floors are of it."""
    quantile: float | None = Field(default=None, gt=0.0, lt=1.0)
    """Which quantile answers are of, for the metric `pinball`."""
    comparison: Annotated[Comparison, Field(strict=False)]
    """Whether a challenger must surely gain on the champion, or surely not lose more than the margin."""
    margin: float = Field(ge=0.0)
    """How much it must gain, or may lose, on recent rows."""
    golden_margin: float = Field(ge=0.0)
    """How much it may lose on golden rows against the best champion there ever was."""
    baseline_margin: float = Field(ge=0.0)
    """How much worse than the plain linear model it may be."""
    confidence: float = Field(gt=0.5, lt=1.0)
    """How sure each comparison must be."""
    rounds: int = Field(ge=200)
    """Draws of the bootstrap over blocks."""
    min_blocks: int = Field(ge=14)
    """The fewest blocks from which anything is concluded."""
    max_looks: int = Field(ge=1)
    """After so many judgements the golden set is worn out and has to be renewed."""
    floors: dict[Annotated[Metric, Field(strict=False)], float]
    """A number for each metric that a challenger must reach by itself; of an error it is a ceiling."""
    agreement_tolerance: float = Field(gt=0.0)
    """How far the exported model's answer may be from the fitted pipeline's, in units of the answer."""
    max_disagreeing_share: Share
    """The largest share of rows that may be farther apart than that."""
    slices: SlicesPolicy | None = None
    """Whether each slice of the rows is answered well enough."""
    fairness: FairnessPolicy | None = None
    """Whether groups of people are treated alike."""
    simpler: SimplerPolicy | None = None
    """Whether it is worth more than what is smaller."""
    leakage: LeakagePolicy | None = None
    """Whether a feature knows the target, or the training the rows that judge."""
    features: FeaturesPolicy | None = None
    """Whether each feature brings something."""
    cost: CostPolicy | None = None
    """How long it may take, and how large it may be."""
    staleness: StalenessPolicy | None = None
    """How fast the model may go stale, and how old its rows may be."""
    stability: StabilityPolicy | None = None
    """How much of the model may be luck."""
    reproducibility: ReproducibilityPolicy | None = None
    """Whether the same training must give the same model."""
    robustness: RobustnessPolicy | None = None
    """Whether answers hold when rows are a little otherwise."""
    calibration: CalibrationPolicy | None = None
    """Whether what is predicted comes as often, or as much."""
    behaviour: BehaviourPolicy | None = None
    """Whether the tests in the model's folder hold."""
    dry_run: tuple[Annotated[Rule, Field(strict=False)], ...] = Field(default=(), strict=False)
    """Rules that are measured and told, and decide nothing."""

    @model_validator(mode="before")
    @classmethod
    def _own_metric(cls, values: Any) -> Any:
        """Read `metric = "file:function"` as the metric `own` with that function."""
        metric = values.get("metric") if isinstance(values, dict) else None
        if not isinstance(metric, str) or ":" not in metric:
            return values
        if values.get("loss") not in {None, metric}:
            raise ValueError(f"metric names {metric!r} and loss {values['loss']!r}: one of them is enough")
        return {**values, "metric": Metric.OWN, "loss": metric}

    @model_validator(mode="after")
    def _terms_fit(self) -> Self:
        asked = {self.metric, *self.floors}
        for metric, term, value in (
            (Metric.PINBALL, "quantile", self.quantile),
            (Metric.OWN, "loss", self.loss),
        ):
            if metric in asked and value is None:
                raise ValueError(f"the metric {metric} needs {term} in [gate]")
            if metric not in asked and value is not None:
                raise ValueError(f"{term} is for the metric {metric}, which [gate] does not ask for")
        if self.metric is Metric.PINBALL and self.calibration is not None:
            raise ValueError(
                "[gate.calibration] compares answers with the mean of what comes, and with pinball they are "
                "a quantile of it: take the section out, the metric itself says how good a quantile they are"
            )
        return self
