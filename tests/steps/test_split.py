"""What judges was never learned from: not by the challenger, nor by anything it is compared with."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.bundle import read_manifest
from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import Manifest
from millrace.domain.gate.evidence import judged_set_id
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset, list_datasets
from millrace.steps.restore import check_out_dataset
from millrace.steps.rows import SplitRows, load_rows
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

MONTHS_END = [datetime(2013, month, 1, 12, tzinfo=NOON.tzinfo) for month in (3, 4, 5)]
COLUMNS = [("distance_km",), ("distance_km", "tariff"), ("distance_km", "tariff", "luggage"), ("noise",)]


def manifests() -> list[Manifest]:
    folder = bundles_folder(load_settings().channel)
    return [read_manifest(bundle) for bundle in sorted(folder.iterdir())]


def manifest_of(digest: str) -> Manifest:
    return read_manifest(bundles_folder(load_settings().channel) / digest)


def rows_at(model: str, now: datetime) -> SplitRows:
    return load_rows(model, current_dataset(model).version, now)


def test_no_training_manifest_ever_holds_a_golden_block(fares: Home) -> None:
    for now in MONTHS_END:
        take_in("fares", now)
        for hour, columns in enumerate(COLUMNS):
            fares.learn_from("fares", *columns)
            assert retrain("fares", now + timedelta(hours=7 * hour), force=True).trained is not None
    golden = rows_at("fares", MONTHS_END[-1]).golden.block_names
    trained = manifests()
    assert len(golden) == 29
    assert len(trained) == len(MONTHS_END) * len(COLUMNS)
    assert all(golden.isdisjoint(manifest.training_blocks) for manifest in trained)


def test_judged_blocks_share_nothing_with_what_anything_compared_has_learned(fares: Home) -> None:
    for now in MONTHS_END:
        take_in("fares", now)
        for hour, columns in enumerate(COLUMNS):
            fares.learn_from("fares", *columns)
            compared = {fares.serving("fares").champion}
            result = retrain("fares", now + timedelta(hours=7 * hour), force=True)
            assert result.trained is not None
            assert result.judged is not None
            compared |= {result.trained.digest, result.trained.baseline}
            learned = [set(manifest_of(digest).training_blocks) for digest in compared if digest]
            recent = rows_at("fares", now).recent
            unseen = recent.block_names.difference(*learned)
            assert result.judged.recent_set == judged_set_id(np.array(sorted(unseen)))


def test_a_champion_that_has_learned_later_days_is_judged_on_none_of_them(fares: Home) -> None:
    """A checkout of an older dataset makes days judged again that a champion has learned since."""
    take_in("fares", MONTHS_END[2])
    retrain("fares", MONTHS_END[2])
    champion = fares.serving("fares").champion
    assert champion is not None
    check_out_dataset("fares", list_datasets("fares")[2].version, MONTHS_END[2])
    fares.learn_from("fares", "distance_km", "tariff")
    result = retrain("fares", MONTHS_END[2], force=True)
    assert result.judged is not None
    judged = rows_at("fares", MONTHS_END[2]).recent.block_names
    learned = set(manifest_of(champion).training_blocks)
    assert judged & learned
    assert result.judged.recent_set == judged_set_id(np.array(sorted(judged - learned)))


@pytest.mark.parametrize("model", ["progression", "fares"])
def test_the_split_is_the_same_at_every_reading_and_every_row_has_one_place(fares: Home, model: str) -> None:
    take_in(model, NOON)
    first, second = rows_at(model, NOON), rows_at(model, NOON)
    parts = ("training", "recent", "golden")
    for name in parts:
        pd.testing.assert_frame_equal(getattr(first, name).frame, getattr(second, name).frame)
    assert sum(len(getattr(first, name).frame) for name in parts) == current_dataset(model).rows
    assert first.training.block_names.isdisjoint(first.recent.block_names | first.golden.block_names)


def test_on_flights_the_first_quarter_trains_judges_and_serves_one_bundle(home: Home) -> None:
    assert [result.rows for result in take_in("flights", NOON)] == [26_865, 24_936, 28_886]
    result = retrain("flights", NOON)
    assert result.trained is not None
    assert result.judged is not None
    assert result.judged.outcome == "pass"
    assert home.serving("flights").champion == result.trained.digest == result.judged.digest
    rows = rows_at("flights", NOON)
    learned = set(manifest_of(result.trained.digest).training_blocks)
    assert learned == rows.training.block_names
    assert learned.isdisjoint(rows.golden.block_names | rows.recent.block_names)
    assert result.judged.losses["recent"]["challenger"] < 1 - 0.65
    assert {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}.isdisjoint(rows.golden.frame)
