"""What do some metrics need to know besides labels and answers?"""

from collections.abc import Callable
from dataclasses import dataclass

from millrace.domain.answers import FloatArray
from millrace.errors import MillraceError

RowLoss = Callable[[FloatArray, FloatArray], FloatArray]
"""A user's own: labels and answers in, one loss for each row out, lower is better."""

HALF = 0.5
"""At which probability a bundle without a threshold decides."""


class MissingTermError(MillraceError):
    """A metric was asked for without what it is defined by."""

    def __init__(self, metric: str, needed: str) -> None:
        self.metric, self.needed = metric, needed
        super().__init__(f"{metric} cannot be measured: found no {needed}, needed one")


@dataclass(frozen=True)
class Terms:
    """The `quantile` of a pinball loss, the `threshold` that decides between two classes, the user's `own`.

    None where it is not known: a metric that needs it then raises `MissingTermError`.
    """

    quantile: float | None = None
    threshold: float | None = None
    own: RowLoss | None = None


NO_TERMS = Terms()
