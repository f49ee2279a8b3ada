"""What did a version answer, and what became true of it?"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from millrace.domain.losses import FloatArray
from millrace.domain.rollout.measure import BoolArray, Sliced

MicrosArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AnsweredRows:
    """Rows that one version answered, in any order.

    `at` and `labelled_at` are in microseconds since 1970, the latter -1 where there is no label yet.
    Answers have shape (n_rows,), or (n_rows, n_classes), and are NaN where none was given; `labels` are the
    value, the class 0 or 1, or the number of the class, and NaN where there is none. `latency_us` is that of
    the whole request, of which a row `is_first` or not. `failed` is where an error came instead of an answer.
    """

    at: MicrosArray
    answers: FloatArray
    labels: FloatArray
    labelled_at: MicrosArray
    latency_us: FloatArray
    failed: BoolArray
    is_first: BoolArray
    slices: Mapping[str, Sliced] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.at.size

    def take(self, chosen: BoolArray) -> "AnsweredRows":
        """Return the chosen rows."""
        return AnsweredRows(
            self.at[chosen], self.answers[chosen], self.labels[chosen], self.labelled_at[chosen],
            self.latency_us[chosen], self.failed[chosen], self.is_first[chosen],
            {name: Sliced(one.names, one.codes[chosen]) for name, one in self.slices.items()},
        )  # fmt: skip

    @property
    def has_answer(self) -> BoolArray:
        """Where a finite answer was given; shape (n_rows,)."""
        is_finite: BoolArray = np.isfinite(self.answers)
        return is_finite if self.answers.ndim == 1 else np.asarray(is_finite.all(axis=1))

    @property
    def labelled(self) -> "AnsweredRows":
        """Return the rows that were answered and have a label."""
        return self.take(self.has_answer & np.isfinite(self.labels))
