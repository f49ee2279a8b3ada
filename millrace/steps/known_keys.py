"""Which rows does the dataset hold already, and which of them are golden?"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from millrace.adapters.parts import read_parts
from millrace.domain.batch_rules import Hashes, key_hashes
from millrace.domain.blocks import name_blocks, row_identity, split_blocks
from millrace.domain.config import ModelConfig
from millrace.domain.dataset import Part
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset

if TYPE_CHECKING:
    import pandas as pd

TimeBounds = dict[str, tuple[datetime, datetime]]


@dataclass(frozen=True, eq=False)
class KnownKeys:
    """Hashes of the keys that stand in the dataset."""

    all: Hashes
    golden: Hashes


def find_known_keys(config: ModelConfig, bounds: TimeBounds) -> KnownKeys:
    """Hash the keys of the parts that a batch with these time bounds could repeat.

    Where the key holds the time column, a part of another time cannot hold the same key.
    """
    parts = [part for part in current_dataset(config.name).parts if may_repeat(part, config, bounds)]
    columns = sorted({*row_identity(config), *filter(None, (config.data.time, config.data.group))})
    rows = read_parts(load_settings().data / config.name, parts, columns)
    hashes = key_hashes(rows, row_identity(config))
    return KnownKeys(hashes, hashes[is_golden(rows, config)] if len(rows) else hashes)


def may_repeat(part: Part, config: ModelConfig, bounds: TimeBounds) -> bool:
    """Whether a part can hold a key whose times are within bounds."""
    time = config.data.time
    if time is None or time not in config.data.key or time not in bounds:
        return True
    if part.first_time is None or part.last_time is None:
        return True
    first, last = bounds[time]
    return part.first_time <= last and first <= part.last_time


def is_golden(rows: "pd.DataFrame", config: ModelConfig) -> "pd.Series[bool]":
    """Say of each row whether its block is golden."""
    import pandas as pd

    blocks = name_blocks(rows, config)
    golden = split_blocks(frozenset(blocks.tolist()), None, config).golden
    return pd.Series(blocks).isin(golden)
