"""What was answered in a time, and what became true of it?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from millrace.adapters.prediction_log.compacted import read_compacted
from millrace.adapters.prediction_log.frames import answer_columns, frame_of, inputs_of, settle
from millrace.adapters.prediction_log.layout import damaged_folder
from millrace.adapters.prediction_log.segment import (
    Damage,
    heads_of_model,
    list_segments,
    opened,
    read_records,
)
from millrace.adapters.prediction_log.tables import (
    Columns,
    Kind,
    chunks_of,
    infer,
    is_over,
    join_tables,
    table_of,
)
from millrace.domain.label_joining import ROW, LabelCounts, find_rows, join_labels
from millrace.domain.prediction import SLACK, Record


@dataclass(frozen=True)
class Window:
    """The answered rows of a model in `[start, end)`, one per row of `predictions`, in the order of time.

    Its inputs stand under `input.<name>`, a multiclass answer under `answer_0`, `answer_1` and so on.
    `shadows` has every answer of a shadow arm to these rows, `predictions` the first one to each.
    `duplicates` are rows that were logged again, of which the first counts: one request id may be given to
    many requests, so only their time of answering tells that. `stray_shadows` belong to no answered row,
    `failed_shadows` have no answer.
    """

    model: str
    start: datetime
    end: datetime
    predictions: pd.DataFrame
    shadows: pd.DataFrame
    duplicates: int
    stray_shadows: int
    failed_shadows: int
    labels: LabelCounts
    damages: tuple[Damage, ...]

    @property
    def rows(self) -> int:
        return len(self.predictions)

    @property
    def inputs(self) -> pd.DataFrame:
        """The inputs alone, under their own names."""
        return inputs_of(self.predictions)


def read_window(
    folder: Path, model: str, start: datetime, end: datetime, *, label_delay: timedelta | None = None
) -> Window:
    """Read what was answered from `start` up to, without, `end`, and every label for it until now."""
    rows = _read_log(folder, model, start - SLACK, end)
    answers, shadows = rows.frames[Kind.ANSWERS], rows.frames[Kind.SHADOWS]
    is_again = answers.duplicated([*ROW, "at"])
    known = answers[~is_again]
    before = int((known["at"] < start).sum())
    predictions = known[before:].reset_index(drop=True)
    position = find_rows(shadows, known) - before
    is_stray = position.isna() & shadows["at"].between(start, end, inclusive="left")
    is_mine = position >= 0
    mine = shadows[is_mine].reset_index(drop=True)
    labels, counts = join_labels(
        predictions[[*ROW, "at"]], inputs_of(predictions), rows.frames[Kind.LABELS], label_delay
    )
    return Window(
        model=model,
        start=start,
        end=end,
        predictions=settle(pd.concat([_with_shadow(predictions, mine, position[is_mine]), labels], axis=1)),
        shadows=mine,
        duplicates=int((is_again & (answers["at"] >= start)).sum()),
        stray_shadows=int(is_stray.sum()),
        failed_shadows=int(mine[answer_columns(mine)].isna().all(axis=1).sum()),
        labels=counts,
        damages=rows.damages,
    )


def _with_shadow(
    predictions: pd.DataFrame, shadows: pd.DataFrame, position: "pd.Series[float]"
) -> pd.DataFrame:
    names = ["digest", *answer_columns(shadows), "latency_us"]
    answers = shadows[names].add_prefix("shadow_").set_axis(position.to_numpy("int64"))
    return predictions.join(answers[~answers.index.duplicated()])


@dataclass(frozen=True)
class _Rows:
    frames: dict[Kind, pd.DataFrame]
    damages: tuple[Damage, ...]


def _read_log(folder: Path, model: str, since: datetime, until: datetime) -> _Rows:
    """Read what is not compacted first: what becomes so meanwhile is then found there, and not twice."""
    damages: list[Damage] = []
    raw: list[tuple[str, Kind, pa.Table]] = []
    read: set[str] = set()
    for path in list_segments(folder):
        with opened(path) as found:
            if found is not None:
                read.add(path.stem)
                records = _records_of(path, *found, model, damages, since)
                raw += [
                    (path.stem, place.kind, _table(columns, place.kind))
                    for place, columns in chunks_of(records)
                ]
    damages += _list_set_aside(folder)
    ends = {Kind.ANSWERS: until, Kind.SHADOWS: until + SLACK, Kind.LABELS: None}
    frames = {}
    for kind, end in ends.items():
        tables = [(stem, _within(table, since, end)) for stem, of, table in raw if of is kind]
        tables += read_compacted(folder, model, kind, since, end, leave=read)
        ordered = [table for _, table in sorted(tables, key=lambda one: one[0])]
        frames[kind] = frame_of(join_tables(ordered, kind)).sort_values(
            "at", kind="stable", ignore_index=True
        )
    return _Rows(frames, tuple(damages))


def _records_of(
    path: Path, file: IO[bytes], is_written: bool, model: str, damages: list[Damage], since: datetime
) -> Iterator[Record]:
    for found in read_records(file, path.name, heads_of_model(model)):
        if not isinstance(found, Damage):
            if not is_over(found, since):
                yield found
        elif not (is_written and found.is_torn):  # else its writer is just at it
            damages.append(found)


def _list_set_aside(folder: Path) -> Iterator[Damage]:
    for path in sorted(damaged_folder(folder).glob("*@*.seg")):
        yield Damage(path.name, int(path.stem.rpartition("@")[2]), "it was set aside when it was compacted")


def _table(columns: Columns, kind: Kind) -> pa.Table:
    return table_of(columns, infer(columns, kind))


def _within(table: pa.Table, since: datetime, until: datetime | None) -> pa.Table:
    wanted = pc.field("at") >= since
    return table.filter(wanted if until is None else wanted & (pc.field("at") < until))
