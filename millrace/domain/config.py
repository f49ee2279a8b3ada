"""What may a `model.toml` say? Frozen, strict, and without a default for any policy."""

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from millrace.domain.duration import parse_duration
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.pointer import Durability, ServingSettings
from millrace.domain.schedule import check_cron


def _duration(value: object) -> object:
    return value if isinstance(value, timedelta) else parse_duration(str(value))


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Cron = Annotated[str, AfterValidator(check_cron)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


class Metric(StrEnum):
    """The measures a gate can be asked for. Each is turned into a loss, lower is better."""

    AUC = "auc"
    LOG_LOSS = "log_loss"
    BRIER = "brier"
    MAE = "mae"
    RMSE = "rmse"


METRICS_OF = {
    Task.BINARY: (Metric.AUC, Metric.LOG_LOSS, Metric.BRIER),
    Task.MULTICLASS: (Metric.LOG_LOSS,),
    Task.REGRESSION: (Metric.MAE, Metric.RMSE),
}


class Comparison(StrEnum):
    """What a challenger owes the champion on the recent set."""

    SUPERIOR = "superior"
    NON_INFERIOR = "non_inferior"


class _Section(BaseModel):
    # an infinite margin or a NaN floor would be a gate that is off
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class ModelSection(_Section):
    """Who the model is, for people."""

    name: Name
    task: Annotated[Task, Field(strict=False)]
    owner: str
    purpose: str


class DataSection(_Section):
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


class FeaturesSection(_Section):
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


class ColumnContract(_Section):
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


class ContractSection(_Section):
    """What a batch must satisfy: each column, and the batch as a whole."""

    min_rows: int = Field(ge=1)
    max_duplicate_share: Share
    min_label_share: Share
    columns: dict[str, ColumnContract]


class SearchPolicy(_Section):
    """How hyperparameters are searched: seeded trials over ordered folds."""

    trials: int = Field(ge=1)
    folds: int = Field(ge=2)


class TrainingSection(_Section):
    """How a challenger is made."""

    estimator: str
    seed: int
    window: Duration | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    search: SearchPolicy | None = None


class GoldenSection(_Section):
    """The fixed holdout: a hashed share of the blocks, of those before `until` where there is time."""

    share: Share
    until: date | None = None


class RecentSection(_Section):
    """The judged share of the newest blocks, within `window` where there is time."""

    share: Share
    window: Duration | None = None


class GateSection(_Section):
    """The bar a challenger must clear. Margins and floors are in units of their metric."""

    metric: Annotated[Metric, Field(strict=False)]
    comparison: Annotated[Comparison, Field(strict=False)]
    margin: float = Field(ge=0.0)
    golden_margin: float = Field(ge=0.0)
    baseline_margin: float = Field(ge=0.0)
    confidence: float = Field(gt=0.5, lt=1.0)
    rounds: int = Field(ge=200)
    min_blocks: int = Field(ge=14)
    max_looks: int = Field(ge=1)
    floors: dict[Annotated[Metric, Field(strict=False)], float]
    agreement_tolerance: float = Field(gt=0.0)
    max_disagreeing_share: Share


class RetrainSection(_Section):
    """When a retraining is due, and what holds it back. `schedule` is cron, in UTC."""

    min_new_rows: int = Field(ge=0)
    cooldown: Duration
    budget_per_day: int = Field(ge=1)
    schedule: Cron | None = None


class SilenceSection(_Section):
    """For how long nothing may happen before people are told."""

    data: Duration
    decision: Duration


class CheckSection(_Section):
    """How a change of code, configuration or data is tried before it is merged.

    `max_excess_loss` is in units of the gate's metric as a loss, lower is better.
    """

    rows: int = Field(ge=100)
    max_excess_loss: float = Field(ge=0.0)


class ServingSection(_Section):
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


class ModelConfig(_Section):
    """Everything about one model: its `model.toml`."""

    model: ModelSection
    data: DataSection
    features: FeaturesSection
    contract: ContractSection
    training: TrainingSection
    golden: GoldenSection
    recent: RecentSection
    gate: GateSection
    retrain: RetrainSection
    silence: SilenceSection | None = None
    check: CheckSection | None = None
    serving: ServingSection | None = None

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def serving_settings(self) -> ServingSettings:
        """What services are told of `[serving]`."""
        section = self.serving
        if section is None:
            return ServingSettings()
        return ServingSettings(
            sticky_key=section.sticky_key,
            durability=section.durability,
            hashed=section.hash,
            left_out=section.leave_out,
            retention_seconds=section.retention.total_seconds() if section.retention else None,
        )

    @model_validator(mode="after")
    def _sections_fit(self) -> Self:
        roles = (self.data.target, self.data.time, self.data.group, *self.data.key)
        for column in (*self.features.names, *filter(None, roles)):
            if column not in self.contract.columns:
                raise ValueError(f"column {column!r} has a role but no [contract.columns.{column}]")
        if self.data.target in self.features.names:
            raise ValueError(f"the target {self.data.target!r} is among the features")
        allowed = METRICS_OF[self.model.task]
        for metric in (self.gate.metric, *self.gate.floors):
            if metric not in allowed:
                raise ValueError(
                    f"{metric} is not a metric of {self.model.task}: choose {', '.join(allowed)}"
                )
        if (self.data.time is None) != (self.golden.until is None) or (self.data.time is None) != (
            self.recent.window is None
        ):
            raise ValueError("golden.until and recent.window are for models with data.time, and needed there")
        return self

    @model_validator(mode="after")
    def _serving_fits(self) -> Self:
        sent = (*self.features.names, *self.data.key)  # all that a request carries
        for column in self.serving.columns if self.serving else ():
            if column not in sent:
                raise ValueError(f"serving names {column!r}, which is neither a feature nor in data.key")
        return self
