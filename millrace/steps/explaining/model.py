"""What does a version answer by, on rows it has not learned from, and where is it weak?"""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import InputColumn
from millrace.domain.config import ModelConfig
from millrace.domain.explanation import (
    Dependence,
    ModelExplanation,
    find_weak_spots,
    measure_dependence,
    measure_importance,
)
from millrace.domain.kinds import Task
from millrace.domain.losses import block_loss
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.explaining.kept import MAX_ROWS, find_hidden, keep
from millrace.steps.explaining.sample import MIN_ROWS, UnseenRows, is_numeric, sample_unseen
from millrace.steps.lineage import UnknownBundleError, find_lineage
from millrace.steps.progress import announce
from millrace.steps.rows import load_rows
from millrace.steps.stores import ensure_known, ledger, model_config

if TYPE_CHECKING:
    from millrace.adapters.scorer import Scorer
    from millrace.domain.explanation.asked import Asked

DEPENDENCE_ROWS = 2_000
"""A mean over so many rows is known to a fiftieth of their spread."""
REPEATS = 5
SHOWN = 6
"""So many columns, the most important, get a curve."""


class SmallSampleError(MillraceError):
    """So few rows say nothing."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        super().__init__(f"--rows {rows} came, needed are {MIN_ROWS} or more: of fewer all is chance")


class NoVersionError(MillraceError):
    """There is no version to explain."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(
            f"{model}: found no champion, needed one, or --version. `millrace retrain {model}` trains one"
        )


def explain_model(
    model: str, version: str | None, now: datetime, max_rows: int = MAX_ROWS
) -> ModelExplanation:
    """Measure what a version, by default the champion, answers by, and keep it.

    Raises
    ------
    NoVersionError, UnknownBundleError
        If there is no such version.
    SmallSampleError, NoUnseenRowsError
        If it should be measured on too few rows, or there are no more.
    """
    from millrace.adapters.bundle import verify_bundle
    from millrace.adapters.scorer import load_scorer

    ensure_known(model)
    if max_rows < MIN_ROWS:
        raise SmallSampleError(max_rows)
    config, digest = model_config(model), _find_digest(model, version)
    bundles = bundles_folder(load_settings().channel)
    verify_bundle(bundles, digest)
    scorer = load_scorer(bundles / digest)
    announce("reading the judged rows")
    split = load_rows(model, current_dataset(model).version, now)
    asked = sample_unseen(model, scorer, split, max_rows)
    found = _measure(config, scorer, asked, split.dataset, now)
    keep(found)
    return found


def _find_digest(model: str, version: str | None) -> str:
    if version is None:
        champion = ledger().serving(model).champion
        if champion is None:
            raise NoVersionError(model)
        return champion
    lineage = find_lineage(version)
    if lineage.model != model:
        raise UnknownBundleError(version)
    return lineage.trained.digest


def _measure(
    config: ModelConfig, scorer: "Scorer", rows: UnseenRows, dataset: str, now: datetime
) -> ModelExplanation:
    from millrace.domain.explanation.asked import Asked

    gate, schema, seed = config.gate, scorer.schema, scorer.manifest.seed
    metric = config.followed_metric
    asked = Asked(scorer.answer)
    importance = measure_importance(
        asked, rows.features, rows.labels, rows.blocks, metric,
        repeats=REPEATS, confidence=gate.confidence, rounds=gate.rounds, seed=seed,
        told=partial(announce, "shuffling columns"),
    )  # fmt: skip
    answers = asked.predict(rows.features)
    by_name = {column.name: column for column in schema.inputs}
    ranked = [by_name[one.name] for one in importance]
    hidden = find_hidden(config)
    shown = [one for one in ranked if one.name not in hidden]
    announce("looking for weak spots")
    weak = find_weak_spots(
        rows.features[[column.name for column in shown]], rows.labels, answers, rows.blocks, metric,
        numeric=[one.name for one in shown if is_numeric(one)],
        categorical=[one.name for one in shown if one.categorical],
        confidence=gate.confidence, min_blocks=gate.min_blocks,
    )  # fmt: skip
    classes = schema.classes if schema.task is Task.MULTICLASS else ()
    curved = [one for one in shown if not one.text][:SHOWN]
    return ModelExplanation(
        model=config.name, digest=scorer.digest, at=now, dataset=dataset,
        task=schema.task, classes=schema.classes, target=config.data.target,
        metric=metric, loss=block_loss(metric, rows.labels, answers, rows.blocks).point,
        rows=len(rows.labels), rows_there=rows.rows_there, blocks=len(np.unique(rows.blocks)),
        repeats=REPEATS, confidence=gate.confidence, seed=seed,
        importance=importance, weak=weak,
        dependence=_measure_curves(asked, rows, curved, classes, seed),
        left_out=tuple(_tell_left_out(ranked, hidden)),
    )  # fmt: skip


def _tell_left_out(columns: list[InputColumn], hidden: frozenset[str]) -> Iterator[str]:
    for one in columns:
        if one.name in hidden:
            yield (
                f"{one.name} has no curve and no slices: [serving] of model.toml hides its values, "
                "and this is for everybody to read"
            )
        elif one.text:
            yield f"{one.name} is text, which has no curve and no slices"


def _measure_curves(
    asked: "Asked", rows: UnseenRows, columns: list[InputColumn], classes: tuple[str, ...], seed: int
) -> tuple[Dependence, ...]:
    features = rows.features
    if len(features) > DEPENDENCE_ROWS:
        chosen = np.random.default_rng(seed).choice(len(features), DEPENDENCE_ROWS, replace=False)
        features = features.iloc[np.sort(chosen)].reset_index(drop=True)
    found = []
    for done, column in enumerate(columns):
        announce("drawing curves", done, len(columns))
        numeric = is_numeric(column)
        found.append(measure_dependence(asked, features, column.name, is_numeric=numeric, classes=classes))
    return tuple(one for one in found if one is not None)
