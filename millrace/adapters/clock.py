"""What time is it? Nobody else reads the wall clock."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
