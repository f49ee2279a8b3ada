"""What is seen of leaks: features that know too much, rows that are judged and learned from?"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from millrace.adapters.training import answer_alone
from millrace.domain.batch_rules import Hashes, key_hashes
from millrace.domain.bootstrap import loss_interval
from millrace.domain.config import Metric, ModelConfig
from millrace.domain.features import feature_frame
from millrace.domain.gate.comparison import SEED
from millrace.domain.gate.leakage import Alone, Knowing, Late, Leakage, Share
from millrace.domain.kinds import Task
from millrace.domain.losses import block_loss
from millrace.domain.proposal.findings import Target
from millrace.domain.proposal.leaks import find_leaks
from millrace.domain.schema import schema_of
from millrace.steps.gate.case import Case
from millrace.steps.gate.sampling import merge_blocks, sample_rows
from millrace.steps.progress import announce
from millrace.steps.rows import LabelledRows

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 10_000
"""On so many a tree of each feature takes a hundredth of a second for each part of them."""


def measure_leakage(case: Case) -> Leakage:
    """Ask each feature alone out of fold on training rows, and look for judged rows among all of them."""
    own = frozenset(case.compared.challenger.manifest.training_blocks)
    config, training = case.config, case.split.training.in_blocks(own)
    sample = sample_rows(training, MOST_ROWS, config.gate.min_blocks)
    judged = [case.recent, case.golden]
    # the rows of a file may have no key, and then the judged set has none either
    key = list(config.data.key) if case.evidence.recent.keys is not None else []
    return Leakage(
        source=case.on_recent,
        metric=config.followed_metric,
        rows=len(sample.labels),
        features=tuple(_readable(config)),
        texts=len(config.features.text),
        has_key=bool(key),
        alone=tuple(_ask_alone(config, sample, case.split.classes)),
        knowing=_find_knowing(config, sample, case.split.classes),
        late=tuple(_count_late(config, [training, *judged])),
        judged_rows=sum(len(rows.labels) for rows in judged),
        same_keys=_count_same(judged, training, key) if key else None,
        **_share_copied(config, judged, training),
    )


def _readable(config: ModelConfig) -> list[str]:
    """Name the features but texts, whose words a small tree cannot read."""
    return [name for name in config.features.names if name not in config.features.text]


def _ask_alone(config: ModelConfig, rows: LabelledRows, classes: tuple[str, ...]) -> Iterator[Alone]:
    metric, names = config.followed_metric, _readable(config)
    if not names:
        return
    inputs = tuple(column for column in schema_of(config, classes).inputs if column.name in names)
    features, blocks = feature_frame(rows.frame, inputs), merge_blocks(rows.blocks)
    for done, name in enumerate(names):
        announce("asking features alone", done, len(names))
        answers = answer_alone(
            features[name], rows.labels, rows.blocks, config.model.task,
            is_timed=config.data.time is not None, seed=config.training.seed,
        )  # fmt: skip
        # of many features one is good by luck: so that it seldom is (Bonferroni)
        sure = 1.0 - (1.0 - config.gate.confidence) / len(names)
        loss = block_loss(metric, rows.labels, answers, blocks)
        found = loss_interval(loss, config.gate.rounds, sure, SEED)
        yield Alone(name, *(_finite(one) for one in (found.mean, found.lower, found.upper)))


def _find_knowing(config: ModelConfig, rows: LabelledRows, classes: tuple[str, ...]) -> tuple[Knowing, ...]:
    """Look as `millrace new` does: what it leaves out for a leak may have come by hand since."""
    task, data = config.model.task, config.data
    counted = [] if task is Task.REGRESSION else np.bincount(rows.labels.astype(np.intp)).tolist()
    names = zip(classes, counted, strict=False)
    common = tuple(sorted(names, key=lambda one: (-one[1], one[0])))
    target = Target(data.target, task, len(rows.labels), common, "[data].target")
    columns = _readable(config)
    found = find_leaks(_plain(rows.frame, columns), columns, target, rows.labels).found
    return tuple(Knowing(name, found.get(name)) for name in columns)


def _plain(frame: "pd.DataFrame", columns: list[str]) -> "pd.DataFrame":
    return frame[columns].reset_index(drop=True)


def _count_late(config: ModelConfig, all_rows: list[LabelledRows]) -> Iterator[Late]:
    limits, time = config.gate.leakage, config.data.time
    known_at = limits.known_at if limits is not None and time is not None else {}
    for name, column in known_at.items():
        values = late = 0
        for rows in all_rows:
            there = rows.frame[name].notna()
            known = rows.frame[column]
            values += int(there.sum())
            late += int((there & ~(known <= rows.frame[time])).sum())
        yield Late(name, values, late)


def _count_same(judged: list[LabelledRows], training: LabelledRows, columns: list[str]) -> int:
    learned = key_hashes(training.frame, columns)
    return sum(int(np.isin(key_hashes(rows.frame, columns), learned).sum()) for rows in judged)


def _share_copied(
    config: ModelConfig, judged: list[LabelledRows], training: LabelledRows
) -> "dict[str, Share]":
    """Return the share of judged rows equal to a training row, and that of training rows by chance."""
    columns = [*config.features.names, config.data.target]
    learned = key_hashes(training.frame, columns)
    copies = [np.isin(key_hashes(rows.frame, columns), learned) for rows in judged]
    blocks = np.concatenate([rows.blocks for rows in judged])
    return {
        "copied": _share(config, np.concatenate(copies), blocks),
        "copied_by_chance": _share(config, _is_elsewhere(learned, training.blocks), training.blocks),
    }


def _is_elsewhere(hashes: Hashes, blocks: "npt.NDArray[np.str_]") -> "npt.NDArray[np.bool_]":
    """Say of each row whether an equal one is in another block; shape (n_rows,)."""
    _, rows = np.unique(hashes, return_inverse=True)
    _, places = np.unique(blocks, return_inverse=True)
    lowest, highest = (np.full(rows.max(initial=0) + 1, start) for start in (places.size, -1))
    np.minimum.at(lowest, rows, places)
    np.maximum.at(highest, rows, places)
    elsewhere: npt.NDArray[np.bool_] = (lowest < highest)[rows]
    return elsewhere


def _share(config: ModelConfig, hits: "npt.NDArray[np.bool_]", blocks: "npt.NDArray[np.str_]") -> Share:
    # both bounds of a difference hold together
    sure = 1.0 - (1.0 - config.gate.confidence) / 2.0
    loss = block_loss(Metric.MAE, np.zeros(hits.size), hits.astype(np.float64), merge_blocks(blocks))
    found = loss_interval(loss, config.gate.rounds, sure, SEED)
    return Share(found.mean, _finite(found.lower), _finite(found.upper))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
