"""Registering: the judged bundle becomes a version in the catalogue, with all that led to it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from millrace.adapters.bundle import read_manifest
from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import Scorer, load_scorer
from millrace.domain.answers import spread_shares
from millrace.domain.canonical import readable_json
from millrace.domain.claim import Claim
from millrace.domain.config import Metric, ModelConfig
from millrace.domain.facts import ChallengerJudged, ChallengerTrained, VersionRegistered
from millrace.domain.gate.table import gate_table
from millrace.domain.losses import FloatArray, StrArray, block_loss, metric_value
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.claims import ensure_held
from millrace.steps.gate_reports import find_gate_report
from millrace.steps.rows import LabelledRows, SplitRows
from millrace.steps.stores import catalogue, ledger, model_config

if TYPE_CHECKING:
    from millrace.adapters.catalogue import TrainingRecord

EXAMPLE_ROWS = 20


def register_version(
    model: str,
    rows: SplitRows,
    trained: ChallengerTrained,
    judged: ChallengerJudged,
    claim: Claim,
    now: datetime,
) -> VersionRegistered:
    """Write the training into the catalogue as one run and one version; done again, it is found again."""
    for entry in ledger().entries(model, (VersionRegistered,)):
        if isinstance(entry.fact, VersionRegistered) and entry.fact.run_key == trained.run_key:
            return entry.fact
    ensure_held(claim)  # the catalogue knows no claims: two runs at once would write two versions
    registered = catalogue().record(_training_record(model, rows, trained, judged, now))
    catalogue().set_alias(model, "challenger", registered.version)
    fact = VersionRegistered(trained.run_key, trained.digest, registered.version, registered.run_id)
    ledger().append(model, fact, now, current_actor(), claim)
    return fact


def find_run_page(run_id: str) -> str | None:
    """Return the address of a run in MLflow's UI, None where the installation has none."""
    ui = load_settings().mlflow_ui
    return f"{ui.rstrip('/')}/{catalogue().page_of(run_id)}" if ui else None


def _training_record(
    model: str, rows: SplitRows, trained: ChallengerTrained, judged: ChallengerJudged, now: datetime
) -> "TrainingRecord":
    from millrace.adapters.catalogue import TrainingRecord
    from millrace.adapters.gate_page import render_gate

    config, report = model_config(model), find_gate_report(model, judged, now)
    bundle_dir = bundles_folder(load_settings().channel) / trained.digest
    scorer = load_scorer(bundle_dir)
    example = rows.golden.frame[list(config.features.names)].head(EXAMPLE_ROWS)
    return TrainingRecord(
        model=model,
        run_key=trained.run_key,
        digest=trained.digest,
        bundle_dir=bundle_dir,
        parameters={
            "estimator": config.training.estimator,
            "seed": config.training.seed,
            **trained.parameters,
        },
        metrics=_metrics(config.gate.metric, trained, judged),
        monthly=_monthly(
            config, rows, _answers(scorer, rows, rows.recent), _answers(scorer, rows, rows.golden)
        ),
        tags=_tags(trained, judged),
        tables={
            "gate.html": render_gate(report),
            "gate.json": readable_json(report),
            "gate.md": gate_table(judged),
            "inputs.json": readable_json(trained.inputs),
            "manifest.json": readable_json(read_manifest(bundle_dir)),
        },
        trials=trained.trials,
        example=example,
        answers=scorer.answer(example),
        at=now,
    )


def _answers(scorer: Scorer, rows: SplitRows, judged: LabelledRows) -> FloatArray:
    answers = scorer.answer(judged.frame)
    return answers if answers.ndim == 1 else spread_shares(answers, scorer.schema.classes, rows.all_classes)


def _metrics(metric: Metric, trained: ChallengerTrained, judged: ChallengerJudged) -> dict[str, float]:
    values = {
        f"{name}/{role}/{metric.value}": metric_value(metric, loss)
        for name, losses in judged.losses.items()
        for role, loss in losses.items()
    }
    return {**values, "rows": float(trained.rows), "seconds": trained.seconds}


def _tags(trained: ChallengerTrained, judged: ChallengerJudged) -> Mapping[str, str]:
    tags = {
        "outcome": judged.outcome.value,
        "reason": judged.reason,
        "engine": trained.engine,
        "git_commit": trained.git_commit or "none",
    }
    return tags | {f"inputs.{name}": digest for name, digest in asdict(trained.inputs).items()}


def _monthly(
    config: ModelConfig, rows: SplitRows, recent: FloatArray, golden: FloatArray
) -> dict[str, dict[str, float]]:
    """Return the metric of every month among the judged rows; nothing for a model without time."""
    time, metric = config.data.time, config.followed_metric
    if time is None:
        return {}
    judged = pd.concat([rows.recent.frame[time], rows.golden.frame[time]])
    months = judged.dt.strftime("%Y-%m").to_numpy(dtype=np.str_)
    answers = np.concatenate([recent, golden])
    labels, blocks = _joined(rows.recent, rows.golden)
    values = {}
    for month in np.unique(months):
        of_month = months == month
        loss = block_loss(metric, labels[of_month], answers[of_month], blocks[of_month]).point
        if np.isfinite(loss):
            values[str(month)] = metric_value(metric, loss)
    return {metric.value: values}


def _joined(recent: LabelledRows, golden: LabelledRows) -> tuple[FloatArray, StrArray]:
    return np.concatenate([recent.labels, golden.labels]), np.concatenate([recent.blocks, golden.blocks])
