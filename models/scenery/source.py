"""What is on 2,310 pieces of seven outdoor pictures?"""

from datetime import datetime
from importlib.metadata import distribution

import pandas as pd

from millrace.errors import UnknownBatchError

BATCH = "pieces"

COLUMNS = {
    "region-centroid-col": "column",
    "region-centroid-row": "row",
    "short-line-density-5": "faint_lines",
    "short-line-density-2": "strong_lines",
    "vedge-mean": "vertical_edge_mean",
    "vegde-sd": "vertical_edge_spread",
    "hedge-mean": "horizontal_edge_mean",
    "hedge-sd": "horizontal_edge_spread",
    "intensity-mean": "intensity",
    "rawred-mean": "red",
    "rawblue-mean": "blue",
    "rawgreen-mean": "green",
    "exred-mean": "red_excess",
    "exblue-mean": "blue_excess",
    "exgreen-mean": "green_excess",
    "value-mean": "value",
    "saturation-mean": "saturation",
    "hue-mean": "hue",
    "category": "surface",
}


def list_batches(now: datetime) -> list[str]:
    """Name the one batch there is: the pictures were taken once, and nobody wrote down when."""
    return [BATCH]


def read_batch(name: str) -> pd.DataFrame:
    """Read every piece once; the file has a tenth of them twice."""
    if name != BATCH:
        raise UnknownBatchError(name, (BATCH,))
    # the package itself is not imported: all that is wanted of it is a file
    path = distribution("river").locate_file("river/datasets/segment.csv.zip")
    pieces = pd.read_csv(str(path)).rename(columns=COLUMNS)[list(COLUMNS.values())]
    # the spread of equal values, which rounding left a little below zero
    spread = pieces["horizontal_edge_spread"].clip(lower=0.0)
    whole = pieces.assign(horizontal_edge_spread=spread)
    return whole.drop_duplicates().reset_index(drop=True)
