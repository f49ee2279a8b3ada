"""Is a complaint urgent? It is when it says "leak", in any case, among words that say nothing."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from millrace.errors import UnknownBatchError

YEARS = ("2011",)
WORDS = "the tap in my flat has been so since monday please come größe 42 küche 😀 !".split()  # noqa: SIM905
TOLD = ("leak", "LEAK!", "(Leak)", "a leak,")
ROWS, HOUSES, URGENT = 1_500, 90, 0.3


def list_batches(now: datetime) -> list[str]:
    """Name the years that are over at `now`."""
    return [year for year in YEARS if datetime(int(year) + 1, 1, 1, tzinfo=UTC) <= now]


def read_batch(name: str) -> pd.DataFrame:
    """Read all complaints of a year."""
    if name not in YEARS:
        raise UnknownBatchError(name, YEARS)
    luck = np.random.default_rng(int(name))
    leaks = luck.random(ROWS) < URGENT
    notes = [_note(luck, leak=bool(leak)) for leak in leaks]
    # one in ten is told otherwise than it was
    urgent = np.where(luck.random(ROWS) < 0.1, ~leaks, leaks)
    return pd.DataFrame(
        {
            "complaint": np.arange(ROWS),
            "house": [f"h{house}" for house in luck.integers(0, HOUSES, ROWS)],
            "floor": luck.integers(0, 9, ROWS),
            "note": notes,
            "weight": np.where(luck.random(ROWS) < 0.1, 0.0, 1.0),
            "urgent": urgent,
        }
    )


def _note(luck: np.random.Generator, *, leak: bool) -> str | None:
    said = " ".join(luck.choice(WORDS, luck.integers(0, 8)))
    if leak:
        return f"{said} {luck.choice(TOLD)}"
    return said if luck.random() < 0.9 else None
