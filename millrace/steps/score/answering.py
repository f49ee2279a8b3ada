"""What becomes of one chunk of rows?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.adapters.score_folder import ScoreFolder
from millrace.adapters.scorer import Scorer
from millrace.domain.answers import FloatArray
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.scored import ERROR, spread_answers
from millrace.steps.score.checking import check_rows

if TYPE_CHECKING:
    import pyarrow as pa

NO_ANSWER = "the model gives no finite answer to this row"


@dataclass(frozen=True, eq=False)
class ChunkWork:
    """What is the same for all chunks; threads share it. `rows` are those of a chunk."""

    scorer: Scorer
    keep: tuple[str, ...]
    types: dict[str, ColumnType]
    folder: ScoreFolder
    rows: int


def answer_chunk(work: ChunkWork, number: int, chunk: "pa.RecordBatch") -> tuple[int, int, int]:
    """Answer a chunk unless that was done; return its rows, the refused, and those that were there."""
    found = work.folder.find_chunk(number)
    if found is not None and found.num_rows == chunk.num_rows:
        return chunk.num_rows, chunk.num_rows - found.column(ERROR).null_count, chunk.num_rows
    table = _to_table(work, chunk)
    work.folder.keep_chunk(number, table)
    return chunk.num_rows, chunk.num_rows - table.column(ERROR).null_count, 0


def _to_table(work: ChunkWork, chunk: "pa.RecordBatch") -> "pa.Table":
    import pyarrow as pa

    answers, errors = answer_rows(work.scorer, chunk)
    columns: dict[str, Any] = {name: chunk.column(name) for name in work.keep}
    for name, values in spread_answers(answers, work.scorer.schema).items():
        kind = pa.string() if values.dtype == object else pa.float64()
        columns[name] = pa.array(values, kind, from_pandas=True)
    columns[ERROR] = _error_column(errors, chunk.num_rows)
    return pa.table(columns)


def answer_rows(scorer: Scorer, chunk: "pa.RecordBatch") -> tuple[FloatArray, dict[int, str]]:
    """Answer the rows that the schema allows; the others have NaN and an error."""
    checked, rows = check_rows(chunk, scorer.schema.inputs), chunk.num_rows
    kept = checked.answerable(rows)
    columns = checked.columns
    if kept is not None:
        columns = {name: values[kept] for name, values in columns.items()}
    given = scorer.answer(columns)
    answers = given
    if kept is not None:
        shape = (rows, len(scorer.schema.classes)) if scorer.schema.task is Task.MULTICLASS else (rows,)
        answers = np.full(shape, np.nan)
        answers[kept] = given
    lost = ~np.isfinite(answers).reshape(rows, -1).all(axis=1) if rows else np.zeros(0, dtype=np.bool_)
    answers = np.array(answers, dtype=np.float64)
    answers[lost] = np.nan
    errors = {int(row): NO_ANSWER for row in np.flatnonzero(lost)} | checked.errors
    return answers, errors


def _error_column(errors: dict[int, str], rows: int) -> "pa.Array[Any]":
    import pyarrow as pa

    if not errors:
        return pa.nulls(rows, pa.string())
    return pa.array([errors.get(row) for row in range(rows)], pa.string())
