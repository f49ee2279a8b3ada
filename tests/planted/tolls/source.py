"""What does a ride cost? 3 for a kilometre and luck; from `TOLL_FROM` on, 20 more. A batch for each week."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from millrace.errors import UnknownBatchError

FIRST = datetime(2013, 1, 7, tzinfo=UTC)
WEEKS = 10
RIDES_A_DAY = 48
TOLL, TOLL_FROM = 20.0, datetime(2013, 2, 18, tzinfo=UTC)

NAMES = tuple(f"week-{number:02}" for number in range(WEEKS))


def list_batches(now: datetime) -> list[str]:
    """Name the weeks that are over at `now`."""
    return [name for number, name in enumerate(NAMES) if FIRST + timedelta(weeks=number + 1) <= now]


def read_batch(name: str) -> pd.DataFrame:
    """Read all rides of a week."""
    if name not in NAMES:
        raise UnknownBatchError(name, NAMES)
    number, rides = NAMES.index(name), 7 * RIDES_A_DAY
    luck = np.random.default_rng(number)
    seconds = np.arange(rides) * (86_400 // RIDES_A_DAY)
    at = pd.Timestamp(FIRST + timedelta(weeks=number)) + pd.to_timedelta(seconds, unit="s")
    distance = luck.uniform(1.0, 30.0, rides)
    cost = 3.0 * distance + TOLL * (at >= pd.Timestamp(TOLL_FROM))
    return pd.DataFrame(
        {
            "ride": np.arange(rides) + 10_000 * number,
            "at": at,
            "distance_km": distance,
            "fare": cost + luck.normal(0.0, 1.0, rides),
        }
    )
