"""In which parts does every training row get an answer from a fit that has not seen its block?"""

import numpy as np
import numpy.typing as npt

from millrace.domain.answers import FloatArray
from millrace.errors import MillraceError

Rows = npt.NDArray[np.intp]

PARTS = 5
FEWEST_PARTS = 2


class NoPartsError(MillraceError):
    """The training blocks cannot be parted so that a fit without any one part still sees every class."""

    def __init__(self, blocks: int, missing: str | None, *, is_parted_twice: bool = False) -> None:
        self.blocks, self.missing, self.is_parted_twice = blocks, missing, is_parted_twice
        only = "" if missing is None else f", class {missing!r} in those of one part only"
        twice = ", and again within each part, as both are set" if is_parted_twice else ""
        super().__init__(
            f"training.calibration and training.threshold ask training rows by fits that have not seen their "
            f"blocks: found {blocks} blocks{only}, needed two parts of the blocks, every class in "
            f"both{twice}. Widen training.window, or take the two out of model.toml"
        )


def part_rows(
    labels: FloatArray,
    blocks: npt.NDArray[np.str_],
    *,
    is_timed: bool,
    is_classes: bool,
    classes: tuple[str, ...] = (),
) -> list[tuple[Rows, Rows]]:
    """Return rows to learn from and rows to answer, for each part; every row is answered once.

    With time a part is a stretch of it: neighbouring blocks are alike. Other than the folds of a search
    these may answer the past from the future: a calibrator needs an answer to every row. `classes` are the
    names of the labels, for the error.

    Raises
    ------
    NoPartsError
        If there are fewer than two blocks, or a class is in a single part.
    """
    from millrace.domain.blocks import hashed_share  # it brings pandas, and who asks what is due has no time

    names, places = np.unique(blocks, return_inverse=True)
    if len(names) < FEWEST_PARTS:
        raise NoPartsError(len(names), None)
    order = np.arange(len(names))
    if not is_timed:
        shares = [hashed_share("parts", str(name)) for name in names]
        order = np.argsort(shares, kind="stable")
    part_of = np.empty(len(names), dtype=np.intp)
    for part, held in enumerate(np.array_split(order, min(PARTS, len(names)))):
        part_of[held] = part
    parts = part_of[places]
    if is_classes:
        _check_classes(labels, parts, len(names), classes)
    return [(np.flatnonzero(parts != one), np.flatnonzero(parts == one)) for one in np.unique(parts)]


def _check_classes(labels: FloatArray, parts: Rows, blocks: int, classes: tuple[str, ...]) -> None:
    for place in np.unique(labels):
        if len(np.unique(parts[labels == place])) < FEWEST_PARTS:
            raise NoPartsError(blocks, classes[int(place)] if classes else f"{place:g}")
