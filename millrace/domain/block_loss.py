"""What is a loss that can be drawn again, block by block?"""

from abc import ABC, abstractmethod

import numpy as np

from millrace.domain.answers import FloatArray


class BlockLoss(ABC):
    """The loss of one model as a function of how often each block is drawn. Lower is better."""

    @property
    @abstractmethod
    def blocks(self) -> int:
        """The number of blocks, after merging."""

    @abstractmethod
    def resampled(self, weights: FloatArray) -> FloatArray:
        """Return one loss per round, NaN where it is undefined.

        Parameters
        ----------
        weights : shape (rounds, blocks)
            How often each round draws each block.
        """

    @property
    def point(self) -> float:
        """The loss on the rows as they are."""
        return float(self.resampled(np.ones((1, self.blocks)))[0])
