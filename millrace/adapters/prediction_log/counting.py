"""What of a table of the log is counted: inputs, answers, labels?"""

from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millrace.adapters.prediction_log.parts import Span
from millrace.adapters.prediction_log.tables import INPUT, Kind
from millrace.adapters.prediction_log.thin import NUMBER, TEXT, codes_of, thinned
from millrace.adapters.prediction_log.values import answers_of_log, labels_of_log
from millrace.domain.bundle import Schema
from millrace.domain.canonical import value_text
from millrace.domain.features import NULL_TEXT
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.profile import Counted, Reference, Tally, add_answers, add_labels

CountTable = Callable[[pa.Table, Tally, Mapping[str, ColumnType]], None]
"""What counts the columns of a table: it can be sent to other processes."""


@dataclass(frozen=True)
class LogWindow:
    """What was asked of a model in `[start, end)`, what the version `digest` answered, and what labels came.

    It is counted over the `reference` of that version. `hidden` are inputs whose values are not in the log,
    each with the reason.
    """

    model: str
    digest: str
    start: datetime
    end: datetime
    reference: Reference
    schema: Schema
    hidden: Mapping[str, str] = field(default_factory=dict)

    @property
    def span(self) -> Span:
        return Span(self.model, self.start, self.end)

    @property
    def types(self) -> dict[str, ColumnType]:
        """The types of the inputs."""
        return {column.name: column.type for column in self.schema.inputs}


class LogTally:
    """Counts of a window, which grow. It can be sent to other processes, and back.

    Compaction makes a column that a version does not have one without a value. So of versions other than that
    of the window `blank` says in how many rows a column has no value, and `valued` which columns have one in
    any row: a version's column that has none is not there.
    """

    def __init__(self, window: LogWindow) -> None:
        self.inputs = Tally(window.reference.inputs)
        self.target = Tally(window.reference.target)
        self.answers = Tally(window.reference.answers)
        self.inputs.unreadable |= window.hidden
        self.blank: Counter[tuple[str, str]] = Counter()
        self.valued: set[tuple[str, str]] = set()
        self.damages = 0

    def merge(self, other: "LogTally") -> None:
        """Add what another tally of the same window has counted."""
        self.inputs.merge(other.inputs)
        self.target.merge(other.target)
        self.answers.merge(other.answers)
        self.blank += other.blank
        self.valued |= other.valued
        self.damages += other.damages

    def add(self, kind: Kind, table: pa.Table, window: LogWindow, count_table: CountTable) -> None:
        """Count those rows of a table that are of the window."""
        rows = _within(table, window.start, window.end)
        if kind is Kind.LABELS:
            _add_labels(self.target, rows, window.schema)
            return
        digests = rows["digest"].unique().to_pylist()
        for digest in digests:
            answered = rows if len(digests) == 1 else rows.filter(pc.equal(rows["digest"], digest))
            inputs = _inputs_of(answered)
            if digest == window.digest:
                count_table(inputs, self.inputs, window.types)
                self._add_answers(answered["answer"], window)
            else:
                self._add_others(inputs, digest, window, count_table)

    @property
    def counted(self) -> Counted:
        """The inputs that were counted so far: those that the rows of the version have."""
        inputs, elsewhere = deepcopy(self.inputs), Counter[str]()
        for (digest, name), rows in self.blank.items():
            if (digest, name) in self.valued:
                inputs.add_nulls(name, rows)
            else:
                elsewhere[name] += rows
        inputs.missing.update({name: rows for name, rows in elsewhere.items() if rows == inputs.rows})
        return inputs.counted

    def _add_others(self, inputs: pa.Table, digest: str, window: LogWindow, count_table: CountTable) -> None:
        """Count the inputs of another version, but for those without any value."""
        there = {name for name in inputs.column_names if inputs[name].null_count < len(inputs)}
        missing = self.inputs.missing.copy()
        count_table(inputs.select(sorted(there)), self.inputs, window.types)
        self.inputs.missing = missing
        for name in (*self.inputs.numeric, *self.inputs.categorical):
            if name in there:
                self.valued.add((digest, name))
            else:
                self.blank[digest, name] += len(inputs)

    def _add_answers(self, answers: pa.ChunkedArray, window: LogWindow) -> None:
        width = len(window.schema.classes) if window.schema.task is Task.MULTICLASS else 1
        add_answers(self.answers, answers_of_log(answers, width), window.schema)


def _inputs_of(rows: pa.Table) -> pa.Table:
    names = [name for name in rows.column_names if name.startswith(INPUT)]
    return rows.select(names).rename_columns([name.removeprefix(INPUT) for name in names])


def _within(table: pa.Table, start: datetime, end: datetime) -> pa.Table:
    at = table["at"]
    is_wanted = pc.and_(pc.greater_equal(at, pa.scalar(start, at.type)), pc.less(at, pa.scalar(end, at.type)))
    return table if pc.all(is_wanted, min_count=0).as_py() else table.filter(is_wanted)


def _add_labels(target: Tally, rows: pa.Table, schema: Schema) -> None:
    """Count labels as they were said: one that is no class of the version is among the others."""
    said = thinned(rows, Kind.LABELS, ())
    if schema.task is Task.REGRESSION:
        add_labels(target, labels_of_log(said, schema.task, ()), schema)
        return
    texts, codes = codes_of(said[TEXT])
    numbers = said[NUMBER].drop_null().value_counts()
    counts = np.bincount(codes[codes >= 0], minlength=len(texts)).tolist()
    nulls = len(said) - sum(counts) - (len(said) - said[NUMBER].null_count)
    [classes] = target.categorical.values()
    classes.add([*texts, NULL_TEXT], [*counts, nulls])
    classes.add([value_text(one.as_py()) for one in numbers.field(0)], numbers.field(1).to_pylist())
    target.rows += len(said)
