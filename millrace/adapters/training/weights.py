"""How much does each row count when a model learns?"""

import numpy as np

from millrace.domain.answers import FloatArray
from millrace.domain.config import ModelConfig
from millrace.domain.features import Columns, number_values
from millrace.errors import MillraceError


class RowWeightError(MillraceError):
    """The column of `training.sample_weight` holds values that are no weights."""

    def __init__(self, column: str, found: str) -> None:
        self.column, self.found = column, found
        super().__init__(
            f"training.sample_weight is {column!r}: found {found}, needed are finite numbers of 0 or more, "
            f"some of them above 0. Forbid the others in [contract.columns.{column}] of model.toml, "
            "or take training.sample_weight out"
        )


def row_weights(columns: Columns, config: ModelConfig) -> FloatArray | None:
    """Return the weights of the rows, shape (n_rows,); None where the model does not ask for any.

    Raises
    ------
    RowWeightError
        If the column is missing, a weight is null, infinite or negative, or all are 0.
    """
    name = config.training.sample_weight
    if name is None:
        return None
    if name not in columns:
        raise RowWeightError(name, "no column of this name in the training rows")
    weights = number_values(columns[name], name)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0.0)))
    if wrong.size:
        raise RowWeightError(name, f"{weights[wrong[0]]:g} in {wrong.size:,} of {weights.size:,} rows")
    if not weights.any():
        raise RowWeightError(name, f"0 in all of {weights.size:,} rows")
    return weights
