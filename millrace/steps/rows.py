"""The rows of a dataset version, verified, labelled, and split by blocks."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from millrace.adapters.parts import read_parts
from millrace.domain.blocks import name_blocks, row_identity, split_blocks
from millrace.domain.config import ModelConfig
from millrace.domain.dataset import Dataset
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray, StrArray
from millrace.domain.schema import check_class_count, class_names, label_values
from millrace.settings import load_settings
from millrace.steps.dataset import find_dataset_version
from millrace.steps.stores import model_config

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows with a label, each with its block; the three are paired by position."""

    frame: "pd.DataFrame"
    labels: FloatArray
    blocks: StrArray

    @property
    def block_names(self) -> frozenset[str]:
        return frozenset(np.unique(self.blocks).tolist())

    def in_blocks(self, blocks: frozenset[str]) -> "LabelledRows":
        """Return the rows of `blocks` only."""
        kept = np.isin(self.blocks, sorted(blocks))
        return LabelledRows(self.frame[kept], self.labels[kept], self.blocks[kept])

    def without_blocks(self, blocks: frozenset[str]) -> "LabelledRows":
        """Return the rows of all other blocks."""
        return self.in_blocks(self.block_names - blocks)


@dataclass(frozen=True, eq=False)
class SplitRows:
    """A dataset version as a run sees it: what it learns from, and the two sets that judge.

    `classes` are those that training rows have; `unlearned` come after them, and only judged rows have them.
    Labels are positions in both together.
    """

    dataset: str
    classes: tuple[str, ...]
    training: LabelledRows
    recent: LabelledRows
    golden: LabelledRows
    unlearned: tuple[str, ...] = ()

    @property
    def all_classes(self) -> tuple[str, ...]:
        return self.classes + self.unlearned


@dataclass(frozen=True)
class BlockCounts:
    """How much there is to train and judge on."""

    rows: int
    recent_blocks: int
    golden_blocks: int


def load_rows(model: str, version: str, now: datetime) -> SplitRows:
    """Read every byte of a dataset version against its manifest, then split the labelled rows by blocks.

    Raises
    ------
    MissingPartError, CorruptPartError
        If a part is not, byte for byte, what the dataset lists.
    """
    return split_rows(model_config(model), find_dataset_version(model, version), now)


def split_rows(config: ModelConfig, dataset: Dataset, now: datetime) -> SplitRows:
    """Do so for a dataset wherever it comes from: what trains without a ledger reads it from its file."""
    # Every column, not only today's features: the champion may have been trained on others.
    frame = _read_labelled(config, dataset, None, now)
    classes = class_names(frame, config)
    rows = LabelledRows(frame, label_values(frame, config, classes), name_blocks(frame, config))
    split = split_blocks(rows.block_names, _newest(frame, config), config)
    found = SplitRows(
        dataset.version, classes,
        rows.in_blocks(split.training), rows.in_blocks(split.recent), rows.in_blocks(split.golden),
    )  # fmt: skip
    return learned_first(found, config)


def learned_first(split: SplitRows, config: ModelConfig) -> SplitRows:
    """Put the classes that training rows have before the others: a bundle answers for those alone.

    Raises
    ------
    ClassCountError
        If the training rows have fewer than two classes.
    """
    if config.model.task is Task.REGRESSION or not len(split.training.labels):
        return split
    names = split.all_classes
    learned = np.unique(split.training.labels).astype(np.intp)
    check_class_count(tuple(names[at] for at in learned), config)
    others = np.setdiff1d(np.arange(len(names)), learned)
    order = [*learned.tolist(), *others.tolist()]
    places = np.argsort(order).astype(np.float64)

    def placed(rows: LabelledRows) -> LabelledRows:
        return replace(rows, labels=places[rows.labels.astype(np.intp)])

    return replace(
        split,
        classes=tuple(names[at] for at in order[: learned.size]),
        unlearned=tuple(names[at] for at in order[learned.size :]),
        training=placed(split.training),
        recent=placed(split.recent),
        golden=placed(split.golden),
    )


def when_all_labels_are_due(config: ModelConfig, dataset: Dataset) -> datetime:
    """Return a `now` that follows from the data alone: its newest row, and the delay of that row's label."""
    newest = max((part.last_time for part in dataset.parts if part.last_time), default=None)
    if config.data.time is None or newest is None:
        return datetime.max.replace(tzinfo=UTC)
    return newest + (config.data.label_delay or timedelta(0))


def count_blocks(config: ModelConfig, dataset: Dataset, now: datetime) -> BlockCounts:
    """Count rows and judged blocks, from the few columns that decide them."""
    if not dataset.parts:
        return BlockCounts(0, 0, 0)
    frame = _read_labelled(config, dataset, sorted(_role_columns(config)), now)
    blocks = frozenset(np.unique(name_blocks(frame, config)).tolist())
    split = split_blocks(blocks, _newest(frame, config), config)
    return BlockCounts(len(frame), len(split.recent), len(split.golden))


def _role_columns(config: ModelConfig) -> set[str]:
    data = config.data
    blocks = {data.time} if data.time else {data.group} if data.group else set(row_identity(config))
    return {data.target, *filter(None, blocks)}


def _read_labelled(
    config: ModelConfig, dataset: Dataset, columns: list[str] | None, now: datetime
) -> "pd.DataFrame":
    frame = read_parts(load_settings().data / config.name, dataset.parts, columns)
    has_label = frame[config.data.target].notna()
    if config.data.time is not None:
        # A row whose label was not due yet at `now` must not be known to a run at `now`.
        delay = config.data.label_delay or timedelta(0)
        has_label &= frame[config.data.time] + delay <= now
    return frame if has_label.all() else frame[has_label].reset_index(drop=True)


def _newest(frame: "pd.DataFrame", config: ModelConfig) -> datetime | None:
    if config.data.time is None or not len(frame):
        return None
    newest: pd.Timestamp = frame[config.data.time].max()
    return newest.to_pydatetime()
