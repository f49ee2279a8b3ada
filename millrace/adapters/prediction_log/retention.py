"""Which rows may no longer be kept?"""

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from millrace.adapters.prediction_log.layout import damaged_folder, list_days
from millrace.durable import sync

_ONE_DAY = timedelta(days=1)


def remove_expired(folder: Path, retention: Mapping[str, timedelta | None], now: datetime) -> int:
    """Remove the files whose newest row is older than their model's retention; return how many.

    None keeps a model's files for ever. What was set aside as damaged holds rows of any model, so the
    shortest retention counts for it.
    """
    given = {model: now - keep for model, keep in retention.items() if keep is not None}
    removed = 0
    for model, before in given.items():
        for day in list_days(folder, model):
            removed += _remove_before(day, before)
    if given:
        removed += _remove_damaged(folder, max(given.values()))
    return removed


def may_be_expired(folder: Path, retention: Mapping[str, timedelta | None], now: datetime) -> bool:
    """Whether some model has a day that is not wholly within its retention: a cheap look at names."""
    given = {model: now - keep for model, keep in retention.items() if keep is not None}
    return any(_start_of(day) < before for model, before in given.items() for day in list_days(folder, model))


def _remove_before(day: Path, before: datetime) -> int:
    start = _start_of(day)
    files = list(day.glob("[!.]*.parquet"))
    if start + _ONE_DAY <= before:
        shutil.rmtree(day)
        sync(day.parent)
        return len(files)
    expired = [path for path in files if start < before and _newest_row(path) < before]
    for path in expired:
        path.unlink(missing_ok=True)
    return len(expired)


def _start_of(day: Path) -> datetime:
    return datetime.combine(date.fromisoformat(day.name), time(), UTC)


def _newest_row(path: Path) -> datetime:
    return max(_newest_of_groups(path))


def _newest_of_groups(path: Path) -> Iterator[datetime]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        column = file.schema_arrow.names.index("at")
        # columns are counted by their leaves here, and `at` stands before the first list
        for group in range(file.num_row_groups):
            newest: datetime = file.metadata.row_group(group).column(column).statistics.max
            yield newest


def _remove_damaged(folder: Path, before: datetime) -> int:
    found = list(damaged_folder(folder).glob("*.seg"))
    expired = [path for path in found if path.stat().st_mtime < before.timestamp()]
    for path in expired:
        path.unlink()
    return len(expired)
