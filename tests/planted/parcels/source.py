"""How does a parcel travel? By post up to 2 kg, by van up to 30, by truck beyond, as none of 2011 is."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from millrace.errors import UnknownBatchError

HEAVIEST = {"2011": 30.0, "2012": 60.0}
FROM_KG = {"post": 0.0, "van": 2.0, "truck": 30.0}
DEPOTS = 80
PARCELS = 1_200


def list_batches(now: datetime) -> list[str]:
    """Name the years that are over at `now`."""
    return [year for year in HEAVIEST if datetime(int(year) + 1, 1, 1, tzinfo=UTC) <= now]


def read_batch(name: str) -> pd.DataFrame:
    """Read all parcels of a year."""
    if name not in HEAVIEST:
        raise UnknownBatchError(name, tuple(HEAVIEST))
    luck = np.random.default_rng(int(name))
    depots = luck.integers(0, DEPOTS, PARCELS)
    weights = np.where(
        luck.random(PARCELS) < 0.5,
        luck.uniform(0.1, 2.0, PARCELS),
        luck.uniform(2.0, HEAVIEST[name], PARCELS),
    )
    return make_rows(int(name) * 10_000 + np.arange(PARCELS), depots, weights, luck)


def make_rows(parcels, depots, weights, luck) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    """Return parcels with the way each goes."""
    ways = np.array([*FROM_KG])[np.searchsorted([*FROM_KG.values()], weights, side="right") - 1]
    return pd.DataFrame(
        {
            "parcel": parcels,
            "depot": [f"d{depot}" for depot in depots],
            "weight_kg": weights,
            "noise": luck.normal(0.0, 1.0, len(weights)),
            "way": ways,
        }
    )
