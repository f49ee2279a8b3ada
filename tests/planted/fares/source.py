"""What does a ride cost? 3 for a kilometre, 20 more at night, 8 for each piece of luggage, and luck."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from millrace.errors import UnknownBatchError

MONTHS = ("2013-01", "2013-02", "2013-03", "2013-04")
RIDES_A_DAY = 34


def list_batches(now: datetime) -> list[str]:
    """Name the months that are over at `now`."""
    return [month for month in MONTHS if _end(month) <= now]


def read_batch(name: str) -> pd.DataFrame:
    """Read all rides of a month."""
    if name not in MONTHS:
        raise UnknownBatchError(name, MONTHS)
    first = pd.Timestamp(f"{name}-01", tz="UTC")
    rides = RIDES_A_DAY * first.days_in_month
    luck = np.random.default_rng(MONTHS.index(name))
    rows = pd.DataFrame(
        {
            "ride": np.arange(rides) + 10_000 * MONTHS.index(name),
            "at": first + pd.to_timedelta(np.arange(rides) * 86_400 // RIDES_A_DAY, unit="s"),
            "distance_km": luck.uniform(1.0, 30.0, rides),
            "luggage": luck.integers(0, 4, rides),
            "noise": luck.normal(0.0, 1.0, rides),
            "tariff": luck.choice(["day", "night"], rides),
        }
    )
    cost = 3.0 * rows["distance_km"] + 20.0 * (rows["tariff"] == "night") + 8.0 * rows["luggage"]
    return rows.assign(fare=cost + luck.normal(0.0, 1.0, rides))


def _end(month: str) -> datetime:
    year, number = (int(part) for part in month.split("-"))
    return datetime(year, number + 1, 1, tzinfo=UTC)
