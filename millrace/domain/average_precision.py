"""How much is lost of the area under a curve of precision against recall?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from millrace.domain.answers import FloatArray
from millrace.domain.block_loss import BlockLoss

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RankedBlockLoss(BlockLoss):
    """1 - average precision: of each positive row, the precision down to it. A round goes through the rows.

    Rows stand by falling answer, and `places` has the block of each. For each positive row `hits` has its
    position, `tied_until` that of the last row with the same answer, and `tied_hits` how many positive rows
    there are down to that. Weights are whole numbers, so all sums of them are exact, and the value
    is that of the rows repeated as they were drawn.
    """

    places: IntArray
    hits: IntArray
    tied_until: IntArray
    tied_hits: IntArray
    n_blocks: int

    @property
    def blocks(self) -> int:
        return self.n_blocks

    def resampled(self, weights: FloatArray) -> FloatArray:
        if not self.hits.size or self.hits.size == self.places.size:
            return np.full(len(weights), np.nan)
        # one round after the other, in the same few arrays: they stay in the processor's cache
        rows, counted = np.empty((2, self.places.size), dtype=np.intp)
        hit, found, above, below = np.empty((4, self.hits.size), dtype=np.intp)
        places, hit_places, tied_hits = self.places, self.places[self.hits], self.tied_hits - 1
        lost = np.full(len(weights), np.nan)
        for at, drawn in enumerate(weights.astype(np.intp)):
            np.cumsum(np.take(drawn, places, out=rows, mode="clip"), out=counted)
            np.cumsum(np.take(drawn, hit_places, out=hit, mode="clip"), out=found)
            if 0 < found[-1] < counted[-1]:
                np.take(found, tied_hits, out=above, mode="clip")
                np.take(counted, self.tied_until, out=below, mode="clip")
                # where nothing was drawn down to a row, the row was not drawn, and has no part in the sum
                lost[at] = 1.0 - (hit * (above / np.maximum(below, 1))).sum() / found[-1]
        return lost


def ranked_loss(
    labels: FloatArray, answers: FloatArray, positions: IntArray, n_blocks: int
) -> RankedBlockLoss:
    """Sort the rows once; undefined is a round that draws one class only.

    Parameters
    ----------
    labels : shape (n_rows,)
        0 and 1.
    positions : shape (n_rows,)
        The block of each row, below `n_blocks`.

    References
    ----------
    As scikit-learn's `average_precision_score`: the sum of precision times the recall that is gained, which
    does not interpolate.
    """
    order = np.argsort(-answers, kind="stable")
    falling = -answers[order]
    hits = np.flatnonzero(labels[order] == 1.0)
    tied_until = np.searchsorted(falling, falling[hits], side="right") - 1
    tied_hits = np.searchsorted(hits, tied_until, side="right")
    return RankedBlockLoss(positions[order], hits, tied_until, tied_hits, n_blocks)
