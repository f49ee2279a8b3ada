"""When is a model's source due, and has it been asked since?"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from millrace.domain.facts import SourceAsked
from millrace.domain.schedule import last_due
from millrace.domain.work import IngestReason
from millrace.steps.actor import current_actor
from millrace.steps.automation import find_pause
from millrace.steps.sql_source import SourceLook, count_late, look_at_database
from millrace.steps.stores import ledger, model_config


def find_why_not(model: str, reason: IngestReason, now: datetime) -> str | None:
    """Say why an ingest that was asked for has nothing to do, None when it has.

    Of the runs for periods that were missed, one catches up on all of them.
    """
    pause = find_pause(model)
    if pause is not None and reason is not IngestReason.BY_HAND:
        return f"automatic work is paused: {pause}"
    if reason is IngestReason.SCHEDULE and find_source_due(model, now) is None:
        last = ledger().last(model, SourceAsked)
        asked = f"asked at {last.at:%Y-%m-%d %H:%M:%S} UTC, not due since" if last else "no schedule"
        return f"the source has nothing to be asked for: {asked}"
    return None


def find_source_due(model: str, now: datetime) -> datetime | None:
    """Return when the schedule of the model's source was last due, None when it was asked since."""
    schedule = model_config(model).data.schedule
    if schedule is None:
        return None
    due, asked = last_due(schedule, now), ledger().last(model, SourceAsked)
    # what a clock that was ahead has written proves nothing yet
    return None if asked is not None and due <= asked.at <= now else due


def finish_ingest(model: str, files: list[Path] | None, batches: int, now: datetime) -> None:
    """Record that a source with a schedule was asked, once all it had is taken in."""
    if files is not None or not model_config(model).data.schedule:
        return
    left = find_left(model, now)
    asked = SourceAsked(batches)
    if left is not None:
        asked = SourceAsked(batches, left.waiting, left.unmarked, left.ahead, left.late)
    ledger().append(model, asked, now, current_actor())


def find_left(model: str, now: datetime) -> SourceLook | None:
    """Return what an ingest has left in the model's database, None where its rows come from elsewhere."""
    if model_config(model).data.source != "sql":
        return None
    return replace(look_at_database(model, now), late=count_late(model))
