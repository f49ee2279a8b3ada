"""Which rows are trained on, which judge, and which no run may ever learn from?"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from millrace.domain.config import ModelConfig

ROW_BUCKETS = 4096
"""Rows without time or group share this many blocks, so that a manifest can list them all."""

_EPOCH = pd.Timestamp(0, tz="UTC")


@dataclass(frozen=True)
class Split:
    """The blocks of a dataset by their use; no block has two."""

    training: frozenset[str]
    recent: frozenset[str]
    golden: frozenset[str]


def hashed_share(salt: str, block: str) -> float:
    """Place `block` in [0, 1) by a stable hash, the same in every process and version."""
    digest = hashlib.sha256(f"{salt}:{block}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def name_blocks(frame: pd.DataFrame, config: ModelConfig) -> npt.NDArray[np.str_]:
    """Name the block of each row.

    Returns
    -------
    shape (n_rows,)
        With time, the UTC start of the row's block (`2013-01-05`, or with the hour for
        blocks shorter than a day); with a group, its value; else one of `ROW_BUCKETS`
        buckets by a hash of the row's key, so that equal rows are never apart.
    """
    if config.data.time is not None:
        assert config.data.block is not None
        return _time_blocks(frame[config.data.time], config.data.block)
    if config.data.group is not None:
        return frame[config.data.group].astype(str).to_numpy(dtype=np.str_)
    return _row_buckets(frame[list(row_identity(config))])


def row_identity(config: ModelConfig) -> tuple[str, ...]:
    """Return the columns whose values make two rows the same row: the key, else all of the contract's."""
    return config.data.key or tuple(sorted(config.contract.columns))


def _time_blocks(times: "pd.Series[pd.Timestamp]", length: timedelta) -> npt.NDArray[np.str_]:
    starts = (times - _EPOCH) // length
    unique, positions = np.unique(starts.to_numpy(), return_inverse=True)
    names = [_block_name(length * int(start)) for start in unique]
    return np.asarray(names, dtype=np.str_)[positions]


def _block_name(since_epoch: timedelta) -> str:
    start = datetime(1970, 1, 1, tzinfo=UTC) + since_epoch
    return start.strftime("%Y-%m-%d" if start.time() == datetime.min.time() else "%Y-%m-%dT%H:%M:%S")


def _row_buckets(rows: pd.DataFrame) -> npt.NDArray[np.str_]:
    plain = rows.astype(dict.fromkeys(rows.select_dtypes("datetimetz"), "int64"))
    names = [
        f"r{int(hashed_share('row', repr(row)) * ROW_BUCKETS):03x}"
        for row in plain.itertuples(index=False, name=None)
    ]
    return np.asarray(names, dtype=np.str_)


def split_blocks(blocks: frozenset[str], newest: datetime | None, config: ModelConfig) -> Split:
    """Give every block one use, or none where it lies outside the training window.

    The hash decides alone, so a block keeps its place as data arrives: a judged block of
    the newest weeks becomes a training block when it leaves them, a golden one only when golden is renewed.

    Parameters
    ----------
    blocks
        The names of all blocks of the dataset.
    newest
        The newest time in the dataset; None for a model without time.
    """
    golden = frozenset(block for block in blocks if _is_golden(block, config))
    recent = frozenset(block for block in blocks - golden if _is_judged(block, newest, config))
    training = frozenset(block for block in blocks - golden - recent if _in_window(block, newest, config))
    return Split(training, recent, golden)


def sample_blocks(sizes: Mapping[str, int], rows: int, salt: str) -> frozenset[str]:
    """Choose whole blocks in the order of a hash until they hold `rows` rows, or all there are.

    Parameters
    ----------
    sizes
        How many rows each block has.
    salt
        Another salt chooses others; the same one always the same, and with more rows more of them.
    """
    chosen, held = set[str](), 0
    for block in sorted(sizes, key=lambda name: hashed_share(salt, name)):
        if held >= rows:
            break
        chosen.add(block)
        held += sizes[block]
    return frozenset(chosen)


def _is_golden(block: str, config: ModelConfig) -> bool:
    until, generation = config.golden.until, config.golden.generation
    in_time = until is None or block < until.isoformat()
    salt = f"golden:{config.name}:{generation}" if generation else f"golden:{config.name}"
    return in_time and hashed_share(salt, block) < config.golden.share


def _is_judged(block: str, newest: datetime | None, config: ModelConfig) -> bool:
    return _within(block, newest, config.recent.window) and (
        hashed_share(f"recent:{config.name}", block) < config.recent.share
    )


def _in_window(block: str, newest: datetime | None, config: ModelConfig) -> bool:
    return _within(block, newest, config.training.window)


def _within(block: str, newest: datetime | None, window: timedelta | None) -> bool:
    return window is None or newest is None or block > (newest - window).strftime("%Y-%m-%d")
