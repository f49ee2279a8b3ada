"""Tables whose right model is obvious, and the scan of a frame that lies in memory."""

from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType
from millrace.domain.proposal import Draft, Wishes, propose
from millrace.domain.table_scan import MAX_COMMON, ColumnScan, TableScan

SAMPLE_ROWS = 20_000


def scan_of(frame: pd.DataFrame, sample_rows: int = SAMPLE_ROWS) -> TableScan:
    """Scan a frame as the adapter scans a file."""
    columns = tuple(_column(str(name), frame[name]) for name in frame.columns)
    step = max(1, len(frame) // sample_rows)
    return TableScan(len(frame), columns, FormatSection(), frame.iloc[::step].reset_index(drop=True), ())


def draft_of(frame: pd.DataFrame, target: str, **wishes: Any) -> Draft:
    return propose(scan_of(frame), Wishes(wishes.pop("name", "planted"), target, **wishes))


def left_out(draft: Draft) -> dict[str, str]:
    return {one.column: one.why for one in draft.left_out}


def rows(count: int = 400, seed: int = 0) -> pd.DataFrame:
    """Honest rows: three numbers, a category, and a price that they explain but for noise."""
    source = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "area": source.uniform(20.0, 200.0, count),
            "height": source.normal(2.6, 0.2, count),
            "floor": source.integers(0, 30, count),
            "district": source.choice(["north", "south", "east"], count),
        }
    )
    frame["price"] = 100.0 + 3.0 * frame["area"] + 2.0 * frame["floor"] + source.normal(0.0, 20.0, count)
    return frame


def _column(name: str, values: "pd.Series[Any]") -> ColumnScan:
    known, kind = values.dropna(), _type_of(values)
    is_number, is_time = kind in (ColumnType.INT, ColumnType.FLOAT), kind is ColumnType.TIMESTAMP
    texts = known.map(lambda value: _text(value, kind))
    counts = texts.value_counts()
    bounds = (float(known.min()), float(known.max())) if is_number and len(known) else (None, None)
    times = (
        (known.min().to_pydatetime(), known.max().to_pydatetime()) if is_time and len(known) else (None, None)
    )
    common = tuple((str(text), int(count)) for text, count in counts.items())[:MAX_COMMON]
    length = float(texts.str.len().mean()) if kind is ColumnType.STRING and len(known) else None
    rises = bool(known.is_monotonic_increasing)
    return ColumnScan(
        name, kind, int(values.isna().sum()), int(known.nunique()), *bounds, *times, common, length, rises
    )


def _type_of(values: "pd.Series[Any]") -> ColumnType:
    known = values.dropna()
    if types.is_bool_dtype(values.dtype):
        return ColumnType.BOOL
    if types.is_datetime64_any_dtype(values.dtype):
        return ColumnType.TIMESTAMP
    if types.is_numeric_dtype(values.dtype):
        return ColumnType.INT if len(known) and (known == known.round()).all() else ColumnType.FLOAT
    return ColumnType.STRING


def _text(value: Any, kind: ColumnType) -> str:
    return str(int(value)) if kind is ColumnType.INT else str(value)
