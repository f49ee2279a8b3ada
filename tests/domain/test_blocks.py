"""Which laws hold for blocks, whatever arrives?"""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.domain.blocks import ROW_BUCKETS, hashed_share, name_blocks, split_blocks
from millrace.domain.config import ModelConfig

DAYS = [(date(2013, 1, 1) + timedelta(days=day)).isoformat() for day in range(250)]


def config(*, timed: bool, key: bool = True, group: str | None = None, block: str = "1d") -> ModelConfig:
    time = {"time": "at", "block": block} if timed else {}
    column = {"type": "float"}
    return ModelConfig.model_validate(
        {
            "model": {"name": "anything", "task": "regression", "owner": "o", "purpose": "p"},
            "data": {"source": "python", "target": "y", "key": ["id"] if key else [], "group": group, **time},
            "features": {"numeric": ["x"]},
            "contract": {
                "min_rows": 1,
                "max_duplicate_share": 0.0,
                "min_label_share": 0.0,
                "columns": {
                    "id": {"type": "int"},
                    "at": {"type": "timestamp"},
                    "clinic": {"type": "string"},
                    "x": column,
                    "y": column,
                },
            },
            "training": {"estimator": "any", "seed": 1, "window": "120d" if timed else None},
            "golden": {"share": 0.2, "until": date(2013, 4, 1) if timed else None},
            "recent": {"share": 0.5, "window": "28d" if timed else None},
            "gate": {
                "metric": "mae",
                "comparison": "superior",
                "margin": 0.0,
                "golden_margin": 0.0,
                "baseline_margin": 0.0,
                "confidence": 0.95,
                "rounds": 200,
                "min_blocks": 14,
                "max_looks": 1,
                "floors": {},
                "agreement_tolerance": 1e-4,
                "max_disagreeing_share": 0.0,
            },
            "retrain": {"min_new_rows": 1, "cooldown": "0s", "budget_per_day": 1},
        }
    )


TIMED, TIMELESS = config(timed=True), config(timed=False)


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)


def arrived(count: int) -> frozenset[str]:
    return frozenset(DAYS[:count])


@given(st.integers(1, 250), st.sampled_from([TIMED, TIMELESS]))
def test_no_block_has_two_uses(count: int, any_config: ModelConfig) -> None:
    newest = at(DAYS[count - 1]) if any_config is TIMED else None
    split = split_blocks(arrived(count), newest, any_config)
    assert len(split.training | split.recent | split.golden) == sum(
        map(len, (split.training, split.recent, split.golden))
    )
    assert split.training | split.recent | split.golden <= arrived(count)


@given(st.integers(1, 250), st.integers(1, 250))
@settings(max_examples=50)
def test_a_golden_block_is_never_trained_on_whatever_arrives_later(first: int, second: int) -> None:
    earlier, later = sorted((first, second))
    golden = split_blocks(arrived(earlier), at(DAYS[earlier - 1]), TIMED).golden
    split = split_blocks(arrived(later), at(DAYS[later - 1]), TIMED)
    assert golden <= split.golden
    assert not golden & (split.training | split.recent)


def test_golden_blocks_stand_before_their_date_and_are_about_the_wanted_share() -> None:
    golden = split_blocks(arrived(250), at(DAYS[-1]), TIMED).golden
    assert max(golden) < "2013-04-01"
    assert 0.1 < len(golden) / 90 < 0.3


def test_another_generation_of_golden_chooses_other_blocks_and_the_first_stays_as_it_was() -> None:
    second = TIMED.model_copy(update={"golden": TIMED.golden.model_copy(update={"generation": 1})})
    first, other = (split_blocks(arrived(90), at(DAYS[89]), one).golden for one in (TIMED, second))
    assert first == {block for block in arrived(90) if hashed_share(f"golden:{TIMED.name}", block) < 0.2}
    assert first & other != other
    assert 0.1 < len(other) / 90 < 0.3


def test_the_newest_weeks_are_half_judged_and_half_trained_on() -> None:
    split = split_blocks(arrived(250), at(DAYS[-1]), TIMED)
    assert min(split.recent) > DAYS[-30]
    newest = frozenset(DAYS[-28:])
    assert len(newest & split.training) >= 7
    assert newest == (newest & split.training) | split.recent


def test_a_judged_block_is_trained_on_once_it_left_the_newest_weeks() -> None:
    judged = split_blocks(arrived(200), at(DAYS[199]), TIMED).recent
    assert judged
    assert judged <= split_blocks(arrived(240), at(DAYS[239]), TIMED).training


def test_blocks_older_than_the_training_window_have_no_use() -> None:
    split = split_blocks(arrived(250), at(DAYS[-1]), TIMED)
    assert min(split.training) > DAYS[250 - 122]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60, unique=True), st.randoms())
@settings(max_examples=25)
@pytest.mark.parametrize("any_config", [TIMED, TIMELESS], ids=["timed", "timeless"])
def test_a_row_has_the_same_block_whatever_stands_beside_it(
    any_config: ModelConfig, ids: list[int], random: object
) -> None:
    alone = {row: name_blocks(rows([row]), any_config)[0] for row in ids}
    together = dict(zip(reversed(ids), name_blocks(rows(ids[::-1]), any_config), strict=True))
    assert alone == together


def rows(ids: list[int]) -> pd.DataFrame:
    hours = pd.to_timedelta(np.array(ids), unit="h")
    return pd.DataFrame(
        {
            "id": ids,
            "at": (pd.Timestamp("2013-01-01", tz="UTC") + hours).as_unit("us"),
            "clinic": pd.Series([f"c{row % 3}" for row in ids], dtype="str"),
            "x": np.array(ids) / 2,
            "y": np.array(ids) / 3,
        }
    )


def test_equal_rows_share_a_block_without_a_key() -> None:
    keyless = config(timed=False, key=False)
    twice = pd.concat([rows([1, 2, 3]), rows([1, 2, 3])], ignore_index=True)
    names = name_blocks(twice, keyless)
    assert list(names[:3]) == list(names[3:])
    assert len(set(names)) == 3


def test_rows_without_time_fill_the_buckets_evenly() -> None:
    names, counts = np.unique(name_blocks(rows(list(range(40_000))), TIMELESS), return_counts=True)
    assert names.size == ROW_BUCKETS
    assert counts.max() < 40


def test_the_rows_of_a_group_are_one_block() -> None:
    names = name_blocks(rows([0, 1, 2, 3, 4]), config(timed=False, group="clinic"))
    assert list(names) == ["c0", "c1", "c2", "c0", "c1"]


def test_a_day_is_a_utc_day_and_shorter_blocks_name_their_hour() -> None:
    hours = rows([0, 23, 24, 30])
    assert list(name_blocks(hours, TIMED)) == ["2013-01-01", "2013-01-01", "2013-01-02", "2013-01-02"]
    assert list(name_blocks(hours, config(timed=True, block="6h"))) == [
        "2013-01-01",
        "2013-01-01T18:00:00",
        "2013-01-02",
        "2013-01-02T06:00:00",
    ]


def test_the_hash_of_a_block_is_the_same_for_ever() -> None:
    assert hashed_share("golden:anything", "2013-01-05") == pytest.approx(0.6302250643, abs=1e-9)
