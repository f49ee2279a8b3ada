"""Can the champion be asked about the rows of a batch?"""

from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import load_scorer
from millrace.domain.bundle import Schema
from millrace.domain.config import ModelConfig
from millrace.domain.kinds import ColumnType
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.stores import ledger

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = {ColumnType.INT, ColumnType.FLOAT}


class OtherFeaturesError(MillraceError):
    """The champion has learned from columns that the contract has no more, or has with another type."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        super().__init__(
            f"the champion has other features: it wants {', '.join(columns)} as they were. "
            "It is asked again once there is a champion of the new ones"
        )


class NoAnswerError(MillraceError):
    """The champion has no number for some rows: the surest cannot be told, and nothing is contradicted."""

    def __init__(self, rows: int, of: int) -> None:
        self.rows, self.of = rows, of
        super().__init__(f"the champion answers {rows:,} of {of:,} rows with no finite number")


class Champion(Protocol):
    """What answers rows: a scorer."""

    @property
    def schema(self) -> Schema: ...

    def answer(self, frame: "pd.DataFrame", /) -> npt.NDArray[np.float64]: ...


def find_champion(model: str) -> Champion | None:
    """Open the model's champion, None where it has none."""
    champion = ledger().serving(model).champion
    return None if champion is None else load_scorer(bundles_folder(load_settings().channel) / champion)


def answer_all(champion: Champion, frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
    """Return its answer to each row.

    Raises
    ------
    NoAnswerError
        If one of them is no finite number.
    """
    answers = np.asarray(champion.answer(frame))
    odd = ~np.isfinite(answers.reshape(len(frame), -1)).all(axis=1)
    if odd.any():
        raise NoAnswerError(int(odd.sum()), len(frame))
    return answers


def ensure_same_features(config: ModelConfig, champion: Champion) -> None:
    """Refuse a champion of columns that the contract has not.

    Raises
    ------
    OtherFeaturesError
        If a column is gone or of another type; whole and other numbers are one.
    """
    columns = config.contract.types
    other = tuple(
        one.name for one in champion.schema.inputs
        if (kind := columns.get(one.name)) != one.type and not {kind, one.type} <= _NUMBERS
    )  # fmt: skip
    if other:
        raise OtherFeaturesError(other)
