"""The prediction log: what was answered in a time, and its way from segments to parquet."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from millrace.adapters.models import list_models
from millrace.adapters.prediction_log.retention import may_be_expired, remove_expired
from millrace.adapters.prediction_log.segment import is_work_left
from millrace.errors import ModelFileError
from millrace.settings import load_settings
from millrace.steps.stores import ensure_known, model_config

if TYPE_CHECKING:
    from millrace.adapters.prediction_log.compaction import Compacted
    from millrace.adapters.prediction_log.reader import Window


@dataclass(frozen=True)
class LogCompaction:
    """What became of the log: segments turned into parquet, files that were older than their retention."""

    compacted: "Compacted"
    expired: int


def is_log_waiting(now: datetime) -> bool:
    """Whether there is something to compact, or rows that may be older than they may be kept."""
    folder = load_settings().predictions
    return is_work_left(folder) or may_be_expired(folder, _retention(), now)


def compact_log(now: datetime) -> LogCompaction:
    """Compact what services have closed or left, and remove what is older than the models' retention."""
    from millrace.adapters.prediction_log.compaction import compact

    folder = load_settings().predictions
    done = compact(folder)
    return LogCompaction(done, remove_expired(folder, _retention(), now))


def read_log(model: str, since: timedelta, now: datetime) -> "Window":
    """Return what was answered in the time before `now`."""
    from millrace.adapters.prediction_log.reader import read_window

    ensure_known(model)
    known = model in list_models(load_settings().models)
    delay = model_config(model).data.label_delay if known else None
    return read_window(load_settings().predictions, model, now - since, now, label_delay=delay)


def _retention() -> dict[str, timedelta | None]:
    kept: dict[str, timedelta | None] = {}
    for model in list_models(load_settings().models):
        with suppress(ModelFileError):  # nothing of it is removed then, and the controller says why
            seconds = model_config(model).serving_settings.retention_seconds
            kept[model] = None if seconds is None else timedelta(seconds=seconds)
    return kept
