"""Which rows of a window are alike, because they were answered at about the same time?"""

from datetime import timedelta

import numpy as np

from millrace.domain.losses import IntArray
from millrace.domain.monitoring.answered import MicrosArray

MIN_STRETCHES = 14
"""As many as the gate needs blocks at least: an interval over fewer is not to be trusted."""
STRETCHES = 28
"""Into so many a window is divided that has too few blocks by itself."""
HOUR = timedelta(hours=1)
"""A block of models whose data has no time."""


def find_stretches(at: MicrosArray, block: timedelta) -> IntArray | None:
    """Give each row the block of time in which it was answered; None where there are fewer than 14 rows.

    A window with too few blocks is divided into `STRETCHES` of about equally many rows in the order of time,
    rows of one moment together; and one of too few moments, as where a day's rows are asked about at once, by
    chance. That costs certainty: rows of one day are alike, so bounds from within a few days are too narrow
    for what the next ones will bring. They say how it was then, and no more.

    Parameters
    ----------
    at : shape (n_rows,)
        When each row was answered, in microseconds since 1970.
    block
        The length of a block of the model, above zero.

    Returns
    -------
    shape (n_rows,)
        The number of each row's block: later ones are larger.
    """
    blocks = at // (block // timedelta(microseconds=1))
    if np.unique(blocks).size >= MIN_STRETCHES:
        return blocks
    by_moment = np.searchsorted(np.sort(at), at) * STRETCHES // max(1, at.size)
    if np.unique(by_moment).size >= MIN_STRETCHES:
        return by_moment
    if at.size < MIN_STRETCHES:
        return None
    return np.random.default_rng(0).permutation(at.size) * STRETCHES // at.size
