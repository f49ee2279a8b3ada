"""How does a table of the log become a frame?"""

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from millrace.adapters.prediction_log.tables import INPUT

_ANSWER = "answer"


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Return a table as a frame, with `answer` as a column of numbers, or one for each class.

    Whole numbers with nulls stay exact, as objects, until `settle`: they may be keys.
    """
    frame: pd.DataFrame = table.drop_columns([_ANSWER] if _ANSWER in table.column_names else []).to_pandas(
        integer_object_nulls=True
    )
    if _ANSWER in table.column_names:
        place = list(frame.columns).index("latency_us")
        for offset, (name, values) in enumerate(_answers(table[_ANSWER])):
            frame.insert(place + offset, name, values.to_pandas())
    return frame


def _answers(answers: pa.ChunkedArray) -> list[tuple[str, pa.ChunkedArray]]:
    lengths = pc.list_value_length(answers)
    width = pc.max(lengths).as_py() or 1
    names = [_ANSWER] if width == 1 else [f"{_ANSWER}_{position}" for position in range(width)]
    if pc.min(lengths).as_py() not in (None, width):
        # a model that changed its classes
        rows = [[*(row or ()), *[None] * width][:width] for row in answers.to_pylist()]
        columns = [pa.chunked_array([pa.array(column, pa.float64())]) for column in zip(*rows, strict=True)]
        return list(zip(names, columns, strict=True))
    return [(name, pc.list_element(answers, position)) for position, name in enumerate(names)]


def answer_columns(frame: pd.DataFrame) -> list[str]:
    """Name the columns of the answer."""
    return [name for name in frame.columns if name == _ANSWER or name.startswith(f"{_ANSWER}_")]


def inputs_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the inputs alone, under their own names."""
    names = [name for name in frame.columns if name.startswith(INPUT)]
    return frame[names].rename(columns=lambda name: name.removeprefix(INPUT))


def settle(frame: pd.DataFrame) -> pd.DataFrame:
    """Make whole numbers and truths with nulls float64, as in the dataset."""
    objects = [name for name in frame.columns if types.is_object_dtype(frame[name].dtype)]
    kinds = {name: types.infer_dtype(frame[name], skipna=True) for name in objects}
    numbers = [name for name, kind in kinds.items() if kind in {"integer", "boolean", "floating"}]
    return frame.assign(**{name: frame[name].astype("float64") for name in numbers})
