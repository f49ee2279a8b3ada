"""A challenger before the gate, made of rows in memory: real bundles, real answers, no ledger."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from millrace.adapters.channel import bundles_folder
from millrace.adapters.training import constant_answer
from millrace.domain.blocks import name_blocks, split_blocks
from millrace.domain.config import ModelConfig
from millrace.domain.facts import ChallengerTrained, Inputs
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.judge import judge_rule
from millrace.domain.schema import class_names, label_values
from millrace.domain.verdict import Verdict
from millrace.settings import load_settings
from millrace.steps.gate.case import Case
from millrace.steps.gate.comparing import Compared, Marks, answer_rows, open_bundle
from millrace.steps.gate.grouping import make_grouping
from millrace.steps.gate.measuring import measure_rules
from millrace.steps.rows import LabelledRows, SplitRows
from millrace.steps.train import TrainedBundles, train_bundles

RUN = "a run"


def split_frame(config: ModelConfig, frame: pd.DataFrame) -> SplitRows:
    """Split rows as those of a dataset are."""
    classes = class_names(frame, config)
    blocks = name_blocks(frame, config)
    rows = LabelledRows(frame, label_values(frame, config, classes), blocks)
    newest = None if config.data.time is None else frame[config.data.time].max().to_pydatetime()
    split = split_blocks(rows.block_names, newest, config)
    parts = (rows.in_blocks(one) for one in (split.training, split.recent, split.golden))
    return SplitRows("d" * 64, classes, *parts)


def train_on(config: ModelConfig, rows: SplitRows) -> TrainedBundles:
    """Train challenger and baseline into the channel of this installation."""
    store = bundles_folder(load_settings().channel)
    return train_bundles(config, rows, store, lambda _done, _total: None, config.training.parameters)


def make_case(
    config: ModelConfig, rows: SplitRows, made: TrainedBundles | None = None, champion: str | None = None
) -> Case:
    """Bring a challenger before the gate; the champion is the best there was."""
    made = made or train_on(config, rows)
    task, gate = config.model.task, config.gate
    trained = ChallengerTrained(
        run_key=RUN,
        digest=made.digest,
        engine=made.exported.engine,
        baseline=made.baseline,
        constant=constant_answer(rows.training.labels, task, gate.metric),
        inputs=Inputs("d" * 64, "m" * 64, "l" * 64),
        rows=len(rows.training.labels),
        agreement=made.exported.agreement,
        parameters=dict(config.training.parameters),
        trials=(),
        seconds=0.0,
        git_commit=None,
        estimator=config.training.estimator,
    )
    compared = Compared(
        challenger=open_bundle(made.digest),
        baseline=open_bundle(made.baseline),
        champion=open_bundle(champion) if champion else None,
        best=open_bundle(champion) if champion else None,
    )
    marks = Marks(RUN, key=config.data.key, grouping=make_grouping(config, rows.training.frame))
    recent, golden = (
        answer_rows(one, compared, rows.all_classes, marks) for one in (rows.recent, rows.golden)
    )
    evidence = GateEvidence(
        run_key=RUN,
        champion_digest=champion,
        best_digest=champion,
        challenger_digest=made.digest,
        baseline_digest=made.baseline,
        recent=recent,
        golden=golden,
        constant=trained.constant,
        agreement=trained.agreement,
    )
    return Case(config, rows, compared, trained, evidence)


def judge_case(case: Case, rule: str) -> Verdict:
    """Measure what the policy asks for, and judge by one rule."""
    found = replace(case.evidence, measured=measure_rules(case))
    return judge_rule(rule, found, case.config.gate)  # type: ignore[arg-type]


def with_gate(config: ModelConfig, **sections: Mapping[str, Any]) -> ModelConfig:
    """Return the same model with these sections in its `[gate]`."""
    gate = type(config.gate).model_validate({**config.gate.model_dump(exclude_none=True), **sections})
    return config.model_copy(update={"gate": gate})


def with_columns(
    config: ModelConfig, numeric: Mapping[str, str], categorical: Mapping[str, str]
) -> ModelConfig:
    """Return the same model with more features, each with its type."""
    document = config.model_dump(exclude_none=True, mode="python")
    types = {**numeric, **categorical}
    document["contract"]["columns"] |= {
        name: {"type": kind, "max_null_share": 1.0} for name, kind in types.items()
    }
    for kind, names in (("numeric", numeric), ("categorical", categorical)):
        document["features"][kind] = (*document["features"][kind], *names)
    return ModelConfig.model_validate(document)
