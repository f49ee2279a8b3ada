"""Which rows and answers does a bundle carry, to prove itself by?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.domain.answers import FloatArray
from millrace.domain.bundle import Examples, InputColumn, Schema
from millrace.domain.features import Columns
from millrace.domain.kinds import ColumnType

if TYPE_CHECKING:
    import pandas as pd

EXAMPLE_ROWS = 20


def make_examples(
    rows: "pd.DataFrame", schema: Schema, answering: Callable[[Columns], FloatArray]
) -> Examples:
    """Choose evenly spaced rows whose answers are finite, with the scorer's answers."""
    positions = np.unique(np.linspace(0, max(len(rows) - 1, 0), EXAMPLE_ROWS).astype(np.intp))
    chosen = rows.iloc[positions[: len(rows)]]
    columns = {column.name: _plain_values(chosen[column.name], column) for column in schema.inputs}
    answers = answering(columns)
    finite = np.isfinite(answers) if answers.ndim == 1 else np.isfinite(answers).all(axis=1)
    return Examples(
        rows=tuple({name: values[i] for name, values in columns.items()} for i in np.flatnonzero(finite)),
        answers=tuple(
            tuple(answer) if isinstance(answer, list) else answer for answer in answers[finite].tolist()
        ),
    )


def _plain_values(column: Any, wanted: InputColumn) -> list[object]:
    plain_types: dict[ColumnType, Callable[[Any], object]] = {
        ColumnType.FLOAT: float,
        ColumnType.INT: int,
        ColumnType.BOOL: bool,
    }
    plain = plain_types.get(wanted.type, str)
    values = column.to_numpy(dtype=object, na_value=None)
    return [None if value is None or not np.isfinite(_number(value)) else plain(value) for value in values]


def _number(value: object) -> float:
    return 0.0 if isinstance(value, str) else float(value)  # type: ignore[arg-type]
