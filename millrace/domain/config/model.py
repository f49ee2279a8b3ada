"""What does a whole `model.toml` say, and do its sections fit each other?"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from millrace.domain.config.data import ContractSection, DataSection, FeaturesSection
from millrace.domain.config.gate import METRICS_OF, GateSection, Metric, followed_metric
from millrace.domain.config.gate.grouping import find_strange
from millrace.domain.config.monitoring import (
    DriftSection,
    DriftTest,
    HealthSection,
    MonitorSection,
    PerformanceSection,
)
from millrace.domain.config.operation import CheckSection, RetrainSection, ServingSection, SilenceSection
from millrace.domain.config.poisoning import PoisoningSection
from millrace.domain.config.rollout import RolloutSection
from millrace.domain.config.section import Name, Section
from millrace.domain.config.training import GoldenSection, RecentSection, TrainingSection
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.pointer import ServingSettings
from millrace.domain.rollout.bounds import least_upper
from millrace.domain.rollout.policy import Strategy


class ModelSection(Section):
    """Who the model is, for people."""

    name: Name
    """The name of the folder under `models/`."""
    task: Annotated[Task, Field(strict=False)]
    """What is predicted: one of two classes, one of several, or a number."""
    owner: str
    """Who answers for the model, for people."""
    purpose: str
    """The question that the model answers, for people."""


class ModelConfig(Section):
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
    poisoning: PoisoningSection | None = None
    silence: SilenceSection | None = None
    check: CheckSection | None = None
    serving: ServingSection | None = None
    rollout: RolloutSection | None = None
    monitor: MonitorSection | None = None
    drift: DriftSection | None = None
    performance: PerformanceSection | None = None
    health: HealthSection | None = None

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def followed_metric(self) -> Metric:
        """By what the model is followed after the gate: its metric, or the usual one of the task."""
        return followed_metric(self.gate.metric, self.model.task)

    @property
    def hidden(self) -> frozenset[str]:
        """The columns whose values stand in no log and on no page, by `[serving]`."""
        return frozenset((*self.serving.hash, *self.serving.leave_out) if self.serving else ())

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
        if self.gate.staleness is not None and self.data.time is None:
            raise ValueError("gate.staleness needs data.time: without it no row is older than another")
        if self.retrain.refit_schedule is not None and self.training.search is None:
            raise ValueError("retrain.refit_schedule needs training.search: without it every training refits")
        return self

    @model_validator(mode="after")
    def _training_fits(self) -> Self:
        training, columns = self.training, self.contract.columns
        if self.model.task is Task.REGRESSION and (training.class_weight or training.calibration):
            raise ValueError("training.class_weight and training.calibration are for classes, not numbers")
        if training.threshold is not None and self.model.task is not Task.BINARY:
            raise ValueError(f"training.threshold is for two classes, this is a {self.model.task} model")
        weight = training.sample_weight
        if weight is not None and (weight not in columns or not columns[weight].is_number):
            raise ValueError(f"training.sample_weight names {weight!r}, no number of [contract.columns]")
        if weight is not None and weight in (*self.features.names, self.data.target):
            raise ValueError(f"training.sample_weight names {weight!r}, a feature or the target")
        for column in self.features.text:
            if columns[column].type is not ColumnType.STRING:
                raise ValueError(f"features.text names {column!r}, which is of type {columns[column].type}")
        return self

    @model_validator(mode="after")
    def _poisoning_fits(self) -> Self:
        for column in self.poisoning.columns if self.poisoning else ():
            if column not in self.contract.columns:
                raise ValueError(f"poisoning names {column!r}, which is not in [contract.columns]")
            if column == self.data.target:
                raise ValueError(f"poisoning names {column!r}, the target: name columns that come with it")
            if column in self.hidden:
                raise ValueError(
                    f"poisoning names {column!r}, and serving hides it: its values would stand in the ledger"
                )
        return self

    @model_validator(mode="after")
    def _source_fits(self) -> Self:
        mark = self.data.sql.watermark if self.data.sql else None
        named = (*filter(None, [mark]), *self.data.format.times)
        for column in named:
            if column not in self.contract.columns:
                raise ValueError(f"[data] names {column!r}, which is not in [contract.columns]")
        return self

    @model_validator(mode="after")
    def _serving_fits(self) -> Self:
        sent = (*self.features.names, *self.data.key)  # all that a request carries
        for column in self.serving.columns if self.serving else ():
            if column not in sent:
                raise ValueError(f"serving names {column!r}, which is neither a feature nor in data.key")
        return self

    @model_validator(mode="after")
    def _groups_fit(self) -> Self:
        for name, policy in (("slices", self.gate.slices), ("fairness", self.gate.fairness)):
            if policy is None:
                continue
            if strange := find_strange(name, policy, self.contract.columns, self.data.target):
                raise ValueError(strange)
        fairness, task = self.gate.fairness, self.model.task
        if fairness is not None and (odd := fairness.strange_to(task)):
            raise ValueError(f"gate.fairness.{odd[0]} means nothing for a {task} model")
        return self

    @model_validator(mode="after")
    def _leakage_fits(self) -> Self:
        asked, columns, names = self.gate.leakage, self.contract.columns, self.features.names
        if asked is None:
            return self
        if misfit := asked.find_misfit(names, columns, self.data.time, self.followed_metric):
            raise ValueError(misfit)
        return self

    @model_validator(mode="after")
    def _robustness_fits(self) -> Self:
        asked = self.gate.robustness
        if asked is not None and (misfit := asked.find_misfit(self.model.task, self.features.numeric)):
            raise ValueError(misfit)
        return self

    @model_validator(mode="after")
    def _rollout_fits(self) -> Self:
        if self.rollout is None:
            return self
        settings, sent = self.serving_settings, {*self.features.names, *self.data.key}
        if strange := [column for column in self.rollout.slices if column not in sent]:
            raise ValueError(f"rollout.slices names {strange[0]!r}, which is no feature and not in data.key")
        if unlogged := [column for column in self.rollout.slices if column in settings.left_out]:
            raise ValueError(f"rollout.slices names {unlogged[0]!r}, and serving.leave_out keeps it unlogged")
        hidden = sorted({*settings.hashed, *settings.left_out} & {*self.features.names})
        if self.rollout.strategy is Strategy.DIRECT and hidden:
            raise ValueError(f"rollout.strategy is direct, and serving hides {', '.join(hidden)}")
        return self

    @model_validator(mode="after")
    def _skew_can_pass(self) -> Self:
        if self.health is None:
            return self
        rows, allowed = self.health.skew_rows, self.health.max_skew_share
        shown = least_upper(rows, 1.0 - self.gate.confidence)
        if shown > allowed:
            raise ValueError(
                f"health.max_skew_share is {allowed:g}, and {rows} rows without a difference show at best "
                f"{shown:.2g} at gate.confidence: take more health.skew_rows, or allow more"
            )
        return self

    @model_validator(mode="after")
    def _monitoring_fits(self) -> Self:
        watched = {"drift": self.drift, "performance": self.performance, "health": self.health}
        named = [name for name, section in watched.items() if section is not None]
        if self.monitor is None and named:
            raise ValueError(f"[{named[0]}] needs [monitor], which says when somebody looks")
        if self.monitor is None and self.silence is not None and self.silence.seen_by_looks:
            what = self.silence.seen_by_looks[0]
            raise ValueError(f"silence.{what} needs [monitor], which says when somebody looks")
        if self.performance is None and self.silence is not None and self.silence.labels is not None:
            raise ValueError("silence.labels needs [performance], by which labels are looked at")
        for column, test in self.drift.columns.items() if self.drift else ():
            if column not in self.features.names:
                raise ValueError(f"drift.columns names {column!r}, which is no feature")
            if column in self.features.categorical and test.test is DriftTest.WASSERSTEIN:
                raise ValueError(f"drift.columns.{column} has categories, and wasserstein needs numbers")
        sent, left_out = {*self.features.names, *self.data.key}, self.serving_settings.left_out
        grouped = (*self.performance.slices, *self.performance.sensitive) if self.performance else ()
        for column in grouped:
            if column not in sent:
                raise ValueError(f"performance names {column!r}, which is no feature and not in data.key")
            if column in left_out:
                raise ValueError(f"performance names {column!r}, and serving.leave_out keeps it unlogged")
        return self

    @model_validator(mode="after")
    def _calibration_fits(self) -> Self:
        asks_calibration = self.performance is not None and self.performance.max_calibration_error is not None
        if self.gate.metric is Metric.PINBALL and asks_calibration:
            raise ValueError(
                "performance.max_calibration_error compares answers with the mean of what comes, and with "
                "pinball they are a quantile of it: take the line out"
            )
        return self
