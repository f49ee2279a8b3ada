"""A table of few values and without a key takes batch after batch, and golden rows stay unlearned."""

import numpy as np
import pandas as pd

from millrace.adapters.parts import read_parts
from millrace.domain.blocks import name_blocks, split_blocks
from millrace.domain.proposal import Wishes
from millrace.settings import load_settings
from millrace.steps.batch import BatchOutcome, IngestResult
from millrace.steps.dataset import current_dataset
from millrace.steps.new import new_model
from millrace.steps.stores import model_config
from tests import loop
from tests.conftest import NOON, Home


def visits(seed: int) -> pd.DataFrame:
    """Visits that two columns describe: most rows have an equal one."""
    source = np.random.default_rng(seed)
    table = pd.DataFrame({"pages": source.integers(0, 25, 600), "hour": source.integers(0, 4, 600)})
    return table.assign(sold=np.where(source.random(600) < table["pages"] / 25, "yes", "no"))


def test_a_second_batch_of_equal_rows_is_taken_in_and_no_golden_row_is_learned(home: Home) -> None:
    path = home.path / "visits.csv"
    visits(0).to_csv(path, index=False)
    new_model(path, Wishes("visits", "sold"))
    assert model_config("visits").data.key == ()
    for month in range(1, 4):
        [taken] = loop.take_in("visits", NOON) if month == 1 else again(home, month)
        assert taken.outcome is BatchOutcome.ACCEPTED, taken.violations
    config = model_config("visits")
    rows = read_parts(
        load_settings().data / "visits", current_dataset("visits").parts, ["pages", "hour", "sold"]
    )
    blocks = pd.Series(name_blocks(rows, config))
    split = split_blocks(frozenset(blocks), None, config)
    golden, learned = rows[blocks.isin(split.golden)], rows[blocks.isin(split.training)]
    assert len(golden) > 0
    assert golden.merge(learned).empty


def again(home: Home, seed: int) -> list[IngestResult]:
    visits(seed).to_csv(home.inbox("visits", f"{seed}.csv"), index=False)
    return [one for one in loop.take_in("visits", NOON) if one.outcome is not BatchOutcome.KNOWN]
