"""Which estimator suits the rows, how good is it, and how much is chance? Fitted out of fold on a sample."""

import textwrap
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from millrace.adapters.search import list_folds
from millrace.adapters.training import build_pipeline, constant_answer, fill_unknown, fit_pipeline
from millrace.domain.answers import answers_of
from millrace.domain.blocks import hashed_share, name_blocks, split_blocks
from millrace.domain.config import ModelConfig
from millrace.domain.features import feature_frame
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray, StrArray
from millrace.domain.proposal.bar import BOOSTING, LINEAR, METRIC_OF
from millrace.domain.proposal.findings import Draft, Probe
from millrace.domain.proposal.probing import choose_estimator, conclude, has_many_more, measure_losses
from millrace.domain.proposal.whole import complete, config_of, labelled_sample
from millrace.domain.schema import class_names, schema_of
from millrace.errors import MillraceError
from millrace.steps.progress import announce

if TYPE_CHECKING:
    import pandas as pd

Rows = npt.NDArray[np.intp]

MOST_CELLS = 1_000_000
"""Numbers a fit may see: rows by features by classes. So each takes about a second."""

LEAST_PROBED = 500
MANY_ROWS = 3000
MANY_COLUMNS = 200
SMALL_CELLS = 200_000
TWIN_SHARE = 0.8
TWIN_BLOCKS = 0.67
USUAL: Mapping[str, object] = {}
LONGER: Mapping[str, object] = {"max_iter": 300}
LEAST_FOR_LONGER = 1000
CLEARLY = 0.98
TOLD_LETTERS = 300


class NotProbedError(MillraceError):
    """No candidate could be fitted to a sample, so no number of the gate is of these data."""

    def __init__(self, reason: str) -> None:
        self.reason = textwrap.shorten(reason, TOLD_LETTERS, placeholder=" ...")
        super().__init__(
            f"nothing could be fitted to a sample ({self.reason}): the margins and the floor are "
            "placeholders, and none but a perfect model passes"
        )


def probe(draft: Draft) -> Probe:
    """Fit the candidates out of fold to rows that will teach.

    Raises
    ------
    NotProbedError
        If no fold has every class, or a fit refuses the rows.
    """
    config = config_of(complete(draft, None))
    frame, labels, blocks = _learned_rows(draft, config)
    features = feature_frame(frame, schema_of(config, class_names(frame, config)).inputs)
    folds = list(_folds(config, labels, blocks))
    if not folds:
        found = f"{labels.size:,} rows in {np.unique(blocks).size:,} blocks"
        each = "" if draft.target.task is Task.REGRESSION else " with every class among the rows that teach"
        raise NotProbedError(f"{found} give no fold{each}")
    judged = np.concatenate([rows for _, rows in folds])
    with warnings.catch_warnings(), _threads(features):
        warnings.simplefilter("ignore")
        try:
            answers = {name: _answer(config, name, features, labels, folds) for name in (LINEAR, BOOSTING)}
            constant = _constants(config, labels, folds)
            losses = measure_losses(draft, labels[judged], answers)
            more = has_many_more(draft, judged.size)
            chosen = choose_estimator(losses, METRIC_OF[draft.target.task], has_many_more=more)
            longer = (
                _try_longer(config, draft, answers, (features, labels, folds)) if chosen == BOOSTING else {}
            )
            fewer = [(_fewer(train, blocks, draft), rows) for train, rows in folds]
            twin = _answer(config, chosen, features, labels, fewer, longer)
        except (MillraceError, ValueError) as error:
            raise NotProbedError(str(error)) from error
    return replace(
        conclude(draft, labels[judged], blocks[judged], answers, twin, constant), parameters=longer
    )


def _try_longer(
    config: ModelConfig,
    draft: Draft,
    answers: dict[str, FloatArray],
    rows: "tuple[pd.DataFrame, FloatArray, list[tuple[Rows, Rows]]]",
) -> dict[str, object]:
    """Let trees go on three times as long where there are rows for it; taken where it is clearly better."""
    features, labels, folds = rows
    if labels.size < LEAST_FOR_LONGER:
        return {}
    tried = _answer(config, BOOSTING, features, labels, folds, LONGER)
    judged = labels[np.concatenate([rows for _, rows in folds])]
    losses = measure_losses(draft, judged, {"usual": answers[BOOSTING], "longer": tried})
    if losses["longer"] >= CLEARLY * losses["usual"]:
        return {}
    answers[BOOSTING] = tried
    return dict(LONGER)


def _threads(features: "pd.DataFrame") -> AbstractContextManager[object]:
    """Leave small fits to one thread: two wait for each other, ten times as long on a busy machine."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1) if features.size < SMALL_CELLS else nullcontext()


def _learned_rows(draft: Draft, config: ModelConfig) -> "tuple[pd.DataFrame, FloatArray, StrArray]":
    """Keep what a training would see: no golden rows and no recent ones."""
    frame, labels = labelled_sample(draft, config)
    blocks = name_blocks(frame, config)
    newest = frame[draft.time].max().to_pydatetime() if draft.time else None
    split = split_blocks(frozenset(np.unique(blocks).tolist()), newest, config)
    learned = np.flatnonzero(np.isin(blocks, sorted(split.training)))
    cells = max(1, len(draft.features)) * max(1, len(draft.target.classes) - 1)
    most = max(LEAST_PROBED, MOST_CELLS // cells)
    if learned.size > most:
        learned = learned[np.linspace(0, learned.size - 1, most).astype(np.intp)]
    return frame.iloc[learned].reset_index(drop=True), labels[learned], blocks[learned]


def _folds(config: ModelConfig, labels: FloatArray, blocks: StrArray) -> Iterator[tuple[Rows, Rows]]:
    from sklearn.model_selection import StratifiedKFold

    is_large = labels.size > MANY_ROWS or len(config.features.names) > MANY_COLUMNS
    count = 3 if is_large else 5
    # judged blocks lie among those that teach, with time too: so does the gate have them
    folds = list(list_folds(_without_time(config), count, labels, blocks))
    if not folds and config.model.task is not Task.REGRESSION:
        # a rare class is in few blocks: its rows are shared out by themselves
        rarest = int(np.unique(labels, return_counts=True)[1].min())
        if rarest > 1:
            folds = list(StratifiedKFold(min(count, rarest)).split(labels, labels))
    yield from folds


def _without_time(config: ModelConfig) -> ModelConfig:
    return config.model_copy(update={"data": config.data.model_copy(update={"time": None})})


def _answer(
    config: ModelConfig,
    estimator: str,
    features: "pd.DataFrame",
    labels: FloatArray,
    folds: list[tuple[Rows, Rows]],
    parameters: Mapping[str, object] = USUAL,
) -> FloatArray:
    answers = []
    for number, (train, judged) in enumerate(folds):
        announce(f"trying {estimator}", number + 1, len(folds))
        pipeline = build_pipeline(config, estimator, parameters, None)
        taught = fill_unknown(features.iloc[train])
        fit_pipeline(pipeline, taught, labels[train], config.training.seed)
        answers.append(answers_of(pipeline, features.iloc[judged], config.model.task))
    return np.concatenate(answers)


def _fewer(train: Rows, blocks: StrArray, draft: Draft) -> Rows:
    """Return what another version has learned from that is as good: most of the rows, or other blocks.

    What a retraining is compared with has learned from other days: a fifth of the rows of each day left out
    would make twins that are far more alike than that.
    """
    is_blocked = draft.time is not None or draft.group is not None
    names = blocks[train] if is_blocked else train.astype(str)
    share = TWIN_BLOCKS if is_blocked else TWIN_SHARE
    kept = [name for name in np.unique(names).tolist() if hashed_share("twin", name) < share]
    return train[np.isin(names, kept)]


def _constants(config: ModelConfig, labels: FloatArray, folds: list[tuple[Rows, Rows]]) -> FloatArray:
    metric = METRIC_OF[config.model.task]
    if config.model.task is Task.MULTICLASS:
        judged = np.concatenate([rows for _, rows in folds])
        classes = int(labels.max()) + 1
        shares = np.bincount(labels[judged].astype(np.intp), minlength=classes) / judged.size
        return np.tile(shares, (judged.size, 1))
    return np.concatenate(
        [
            np.full(rows.size, constant_answer(labels[train], config.model.task, metric))
            for train, rows in folds
        ]
    )
