"""Do two bundles answer the same rows alike, whatever their bytes?"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.parts import read_parts
from millrace.adapters.scorer import PROOF_TOLERANCE, load_scorer
from millrace.domain.answers import FloatArray
from millrace.domain.bundle import Manifest
from millrace.domain.dataset import Dataset, Part
from millrace.errors import MillraceError
from millrace.settings import load_settings

NEWEST_ROWS = 10_000
"""Of the dataset's last parts: enough to meet every branch of a tree that many rows meet."""


@dataclass(frozen=True)
class AnswersAgain:
    """How far the answers of two bundles are apart; `trouble` says why that cannot be told."""

    rows: int
    largest_difference: float | None
    differing_rows: int | None
    trouble: str | None = None

    @property
    def are_same(self) -> bool:
        """Whether every answer is the same, but for what float32 may round otherwise."""
        return self.rows > 0 and self.differing_rows == 0

    @property
    def told(self) -> str:
        if self.trouble is not None:
            return f"answers cannot be compared: {self.trouble}"
        return (
            f"answers to {self.rows:,} rows differ by at most {self.largest_difference:.3g}, "
            f"on {self.differing_rows:,} of them by more than rounding"
        )


def compare_scorers(
    old: Manifest, new: Manifest, store: Path, dataset: Dataset, damage: str | None
) -> AnswersAgain | None:
    """Let the recorded bundle and the one in `store` answer the same rows; None for the same bytes."""
    if old.files[old.engine.file_name] == new.files.get(old.engine.file_name):
        return None
    if damage is not None:
        return AnswersAgain(0, None, None, "the recorded bundle is damaged")
    try:
        return _compare(bundles_folder(load_settings().channel) / old.digest, store / new.digest, dataset)
    except (MillraceError, KeyError, ValueError) as error:
        return AnswersAgain(0, None, None, " ".join(str(error).split()))


def _compare(old: Path, new: Path, dataset: Dataset) -> AnswersAgain:
    rows = read_parts(load_settings().data / dataset.model, _newest_parts(dataset)).tail(NEWEST_ROWS)
    before, after = (load_scorer(folder).answer(rows) for folder in (old, new))
    return compare_answers(before, after)


def compare_answers(before: FloatArray, after: FloatArray) -> AnswersAgain:
    """Say how far two scorers' answers to the same rows are apart."""
    rows = len(before)
    if before.shape != after.shape:
        return AnswersAgain(rows, None, None, f"they have the shapes {before.shape} and {after.shape}")
    close = np.isclose(after, before, rtol=PROOF_TOLERANCE, atol=PROOF_TOLERANCE)
    differing = ~close.reshape(rows, -1 if rows else 1).all(axis=1)
    apart = np.abs(after - before)
    return AnswersAgain(rows, float(apart.max(initial=0.0)), int(differing.sum()))


def _newest_parts(dataset: Dataset) -> list[Part]:
    rows, parts = 0, list[Part]()
    for part in reversed(dataset.parts):
        parts.append(part)
        rows += part.rows
        if rows >= NEWEST_ROWS:
            break
    return parts[::-1]
