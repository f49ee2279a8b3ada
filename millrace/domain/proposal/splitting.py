"""How are the rows divided, so that enough of them judge, and enough are left to learn from?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from millrace.domain.blocks import name_blocks, split_blocks
from millrace.domain.config import ModelConfig
from millrace.domain.kinds import Task
from millrace.domain.proposal.findings import Split, Target
from millrace.domain.proposal.scale import duration

if TYPE_CHECKING:
    import pandas as pd

    from millrace.domain.losses import FloatArray, StrArray

COUNTED_ROWS = 5000
"""As many blocks as there can be: more rows judge no better."""

LEAST_BLOCKS = 14
GOOD_BLOCKS = 30
LENGTHS = (
    timedelta(days=1),
    timedelta(hours=6),
    timedelta(hours=1),
    timedelta(minutes=10),
    timedelta(minutes=1),
)
ROOM = 1.2
"""Blocks beyond the least number: as time goes by, the hash may find a few less of them in the window."""

_SHARES = ((0.1, 0.1), (0.1, 0.2), (0.15, 0.3), (0.2, 0.35), (0.25, 0.4), (0.25, 0.5), (0.3, 0.5))
_SMALL = ((10_000, 0), (2_000, 1), (200, 2), (0, 3))
_WINDOWS = (
    (0.7, 0.2, 0.2),
    (0.7, 0.2, 0.3),
    (0.6, 0.2, 0.3),
    (0.6, 0.3, 0.35),
    (0.5, 0.3, 0.45),
    (0.5, 0.4, 0.5),
)
"""`until` as a share of the blocks, the golden share before it, and the share of the newest."""


@dataclass(frozen=True, eq=False)
class Divided:
    """A configuration tried on rows: how they fall."""

    config: ModelConfig
    training: "FloatArray"
    recent: "FloatArray"
    golden: "FloatArray"
    recent_blocks: int
    golden_blocks: int


def divide(config: ModelConfig, frame: "pd.DataFrame", labels: "FloatArray", target: Target) -> Split | None:
    """Find the split that keeps most rows to learn from while enough of them judge; None where there is none.

    Parameters
    ----------
    config
        With the roles of the columns; what it says of golden and recent is replaced.
    frame
        Rows with a label, in the contract's types.
    labels : shape (n_rows,)
    """
    if config.data.time is not None:
        return _divide_by_time(config, frame, labels, target)
    rows = frame if config.data.group is not None else frame.iloc[:COUNTED_ROWS]
    blocks, first = name_blocks(rows, config), next(at for least, at in _SMALL if target.rows >= least)
    for golden, recent in _SHARES[first:]:
        tried = _with(config, {"share": golden, "until": None}, {"share": recent, "window": None})
        found = _fall(tried, blocks, labels[: len(rows)], None)
        if _is_enough(found, target):
            return _split(found, target, None, len(rows))
    return None


def _divide_by_time(
    config: ModelConfig, frame: "pd.DataFrame", labels: "FloatArray", target: Target
) -> Split | None:
    times = frame[config.data.time]
    newest = times.max().to_pydatetime()
    for length in _lengths(times):
        timed = config.model_copy(update={"data": config.data.model_copy(update={"block": length})})
        blocks = name_blocks(frame, timed)
        for until, golden, window in _windows(blocks, newest.date()):
            recents = {"share": 0.5, "window": window}
            tried = _with(timed, {"share": golden, "until": until}, recents)
            found = _fall(tried, blocks, labels, newest)
            if _is_enough(found, target):
                return _split(found, target, duration(length), len(frame))
    return None


def _lengths(times: "pd.Series[pd.Timestamp]") -> Iterator[timedelta]:
    """Days where there are enough of them, for what happens on one is alike; else shorter blocks."""
    epoch = times.min().floor("D")
    counts = {length: ((times - epoch) // length).nunique() for length in LENGTHS}
    return iter([length for length in LENGTHS if counts[length] >= 4 * LEAST_BLOCKS])


def _windows(blocks: "StrArray", newest: date) -> Iterator[tuple[date, float, timedelta]]:
    names = np.unique(blocks)
    for before, share, judged in _WINDOWS:
        until = date.fromisoformat(names[min(int(names.size * before), names.size - 1)][:10])
        oldest = date.fromisoformat(names[int(names.size * (1.0 - judged))][:10])
        window = max((newest - oldest).days, 1)
        if newest - timedelta(days=window) >= until:
            yield until, share, timedelta(days=window)


def _with(config: ModelConfig, golden: dict[str, object], recent: dict[str, object]) -> ModelConfig:
    return config.model_copy(
        update={
            "golden": config.golden.model_copy(update=golden),
            "recent": config.recent.model_copy(update=recent),
        }
    )


def _fall(config: ModelConfig, blocks: "StrArray", labels: "FloatArray", newest: object) -> Divided:
    split = split_blocks(frozenset(np.unique(blocks).tolist()), newest, config)  # type: ignore[arg-type]
    training, recent, golden = (
        labels[np.isin(blocks, sorted(names))] for names in (split.training, split.recent, split.golden)
    )
    return Divided(config, training, recent, golden, len(split.recent), len(split.golden))


def _is_enough(found: Divided, target: Target) -> bool:
    least = _least_blocks(target, found)
    if min(found.recent_blocks, found.golden_blocks) < ROOM * least or found.training.size < 2 * LEAST_BLOCKS:
        return False
    if target.task is Task.REGRESSION:
        return True
    classes = len(target.classes)
    judged = min(np.unique(found.recent).size, np.unique(found.golden).size)
    learned = (
        np.unique(found.training).size
        == np.unique(np.concatenate([found.training, found.recent, found.golden])).size
    )
    return learned and judged >= min(2, classes)


def _least_blocks(target: Target, found: Divided) -> int:
    """Return how many blocks must judge: a row tells less than a day, so more of them."""
    return LEAST_BLOCKS if found.config.data.time or target.rows < 400 else GOOD_BLOCKS  # noqa: PLR2004


def _split(found: Divided, target: Target, block: str | None, counted: int) -> Split:
    config, scale = found.config, target.rows / counted
    window = config.recent.window
    return Split(
        golden_share=config.golden.share,
        recent_share=config.recent.share,
        recent=round(found.recent.size * scale),
        golden=round(found.golden.size * scale),
        recent_blocks=found.recent_blocks,
        golden_blocks=found.golden_blocks,
        training=round(found.training.size * scale),
        min_blocks=_least_blocks(target, found),
        block=block,
        until=config.golden.until,
        window=None if window is None else duration(window),
    )
