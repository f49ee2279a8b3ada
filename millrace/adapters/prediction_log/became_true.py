"""What became true of one answered row, as far as it has been told?"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from millrace.adapters.prediction_log.by_request import LoggedAnswer
from millrace.adapters.prediction_log.compacted import list_compacted, stem_of
from millrace.adapters.prediction_log.frames import frame_of
from millrace.adapters.prediction_log.parts import UnreadableLogError
from millrace.adapters.prediction_log.segment import (
    Damage,
    heads_of_model,
    list_segments,
    opened,
    read_records,
)
from millrace.adapters.prediction_log.tables import Kind, chunks_of, infer, join_tables, table_of
from millrace.domain.canonical import value_text
from millrace.domain.explanation.truth import Truth
from millrace.domain.label_joining import join_labels
from millrace.domain.prediction import SLACK, Labelled

_BETWEEN = "\0"


def find_truth(folder: Path, model: str, answers: Sequence[LoggedAnswer]) -> Truth | None:
    """Return the newest word on the last of the answers to a row of a request, None where none has come.

    Which label is whose follows the rule of `domain.label_joining`, for which the answers before it count.

    Parameters
    ----------
    answers
        All that one row of a request got on its day, oldest first.

    Raises
    ------
    UnreadableLogError
        If a compacted file of labels is none.
    """
    asked = answers[-1]
    found = list(_list_labels(folder, model, asked, asked.at - SLACK))
    if not any(len(table) for table in found):
        return None
    rows = pd.DataFrame([{"request_id": one.request_id, "row": one.row, "at": one.at} for one in answers])
    inputs = pd.DataFrame([one.inputs for one in answers], dtype="object")
    said, _ = join_labels(rows, inputs, frame_of(join_tables(found, Kind.LABELS)), None)
    label, at = said.iloc[-1][["label", "labelled_at"]]
    return None if pd.isna(label) else Truth(label, at.to_pydatetime())


def _list_labels(folder: Path, model: str, asked: LoggedAnswer, since: datetime) -> Iterator[pa.Table]:
    """Yield the labels that may be meant: what is not compacted first, as `find_answers` does."""
    read: set[str] = set()
    for path in list_segments(folder):
        with opened(path) as there:
            if there is not None:
                read.add(path.stem)
                records = _labels_of(there[0], path.name, model)
                for place, columns in chunks_of(records):
                    if place.kind is Kind.LABELS:
                        yield _meant(table_of(columns, infer(columns, Kind.LABELS)), asked, since)
    for path in sorted(list_compacted(folder, model, Kind.LABELS, since, None)):
        if stem_of(path) not in read:
            with suppress(FileNotFoundError):  # its time may be over
                yield _meant(_read(path, asked, since), asked, since)


def _labels_of(file: IO[bytes], name: str, model: str) -> Iterator[Labelled]:
    for found in read_records(file, name, heads_of_model(model)):
        # damages are told of the same places by whoever has looked for the answer
        if not isinstance(found, Damage) and isinstance(found, Labelled):
            yield found


def _read(path: Path, asked: LoggedAnswer, since: datetime) -> pa.Table:
    name = pc.field("request_id")
    wanted = (pc.field("at") >= since) & (name.is_null() | (name == asked.request_id))
    try:
        return pq.read_table(path, filters=wanted, partitioning=None, pre_buffer=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise UnreadableLogError(path, str(error)) from error


def _meant(labels: pa.Table, asked: LoggedAnswer, since: datetime) -> pa.Table:
    """Return the labels that name the row, by its request or by a key that it has."""
    labels = labels.filter(pc.greater_equal(labels["at"], pa.scalar(since, labels["at"].type)))
    by_request = pc.and_(pc.equal(labels["request_id"], asked.request_id), pc.equal(labels["row"], asked.row))
    is_meant = pc.fill_null(by_request, False)
    columns, keys = (pc.binary_join(labels[name], _BETWEEN) for name in ("key_columns", "key"))
    for names in filter(None, pc.unique(columns).to_pylist()):
        texts = _texts_of(asked, names.split(_BETWEEN))
        if texts is not None:
            is_of_key = pc.and_(pc.equal(columns, names), pc.equal(keys, texts))
            is_meant = pc.or_(is_meant, pc.fill_null(is_of_key, False))
    return labels.filter(is_meant)


def _texts_of(asked: LoggedAnswer, columns: Sequence[str]) -> str | None:
    values = [asked.inputs[name] for name in columns if asked.inputs.get(name) is not None]
    return _BETWEEN.join(map(value_text, values)) if len(values) == len(columns) else None
