"""A proposed model screens its batches by what its table can be screened by."""

import numpy as np
import pandas as pd

from millrace.domain.config.poisoning import PoisoningSection
from millrace.domain.poisoning.profile import Opinion
from millrace.domain.proposal import Wishes, complete, config_of, model_file, propose
from tests.domain.proposed import draft_of, scan_of
from tests.domain.test_proposal_rules import seen, sold

COUNT, MANY = 2000, 60_000


def asked(table: pd.DataFrame, target: str = "sold", **wishes: object) -> PoisoningSection:
    poisoning = config_of(complete(draft_of(table, target, **wishes), seen())).poisoning
    assert poisoning is not None
    return poisoning


def test_charts_are_asked_for_of_any_table_and_the_rest_of_the_batch_decides() -> None:
    found = asked(sold(MANY, channel=["web", "shop", "phone"]))
    assert found.volume is not None
    assert found.label_rate is not None
    assert found.disagreement is not None
    assert found.disagreement.deciding == (Opinion.BATCH,)
    assert set(found.disagreement.slices) == {"district", "channel"}


def test_what_only_people_know_is_not_guessed() -> None:
    found = asked(sold())
    assert (found.provenance, found.quota, found.drip) == (None, None, None)


def noisy(count: int = COUNT) -> pd.DataFrame:
    """Rows that are never near each other by chance."""
    luck = np.random.default_rng(5)
    return sold(count).assign(**{name: luck.normal(size=count) for name in "abcdef"})


def test_copies_are_looked_for_where_chance_makes_none() -> None:
    found = asked(noisy())
    assert found.duplicates is not None
    assert found.golden_copies is not None


def test_few_values_repeat_each_other_honestly() -> None:
    table = sold(COUNT, size=["s", "m", "l"]).drop(columns=["area", "height"])
    found = asked(table)
    assert (found.duplicates, found.golden_copies) == (None, None)
    said = model_file(complete(draft_of(table, "sold"), seen())).replace("\n# ", " ")
    assert (
        " Copies are not looked for where honest rows may be like each other (100.0% exactly, 100.0% "
        "nearly) or golden ones (100.0%), in 10 times as many rows.\n[poisoning.volume]"
    ) in said


def test_a_table_with_few_labels_is_not_held_to_the_golden_rows_that_have_one() -> None:
    table = sold(20_000, size=["s", "m", "l"]).drop(columns=["area", "height", "floor"])
    table = table.assign(id=[f"R-{row:05d}" for row in table.index])
    table.loc[table.index % 7 > 0, "sold"] = None
    assert asked(table, key=("id",)).golden_copies is None


def test_golden_copies_are_looked_for_where_near_rows_are_too_many_to_count_as_copies() -> None:
    # one row of 250 has one near it, in ten times as many rows one of 25; of these few are golden
    table = noisy()
    pairs = [name for name in table if name != "sold"]
    table.loc[1::500, pairs] = table.loc[0::500, pairs].to_numpy()
    table["area"] = table["area"].astype(float) + np.arange(COUNT) * 1e-9
    found = asked(table)
    assert found.duplicates is None
    assert found.golden_copies is not None


def test_of_a_sample_more_is_expected_than_was_seen() -> None:
    table = noisy()
    part = scan_of(table, sample_rows=COUNT // 10)
    assert len(part.sample) == COUNT // 10
    found = config_of(complete(propose(part, Wishes("planted", "sold")), seen())).poisoning
    assert found is not None
    assert found.duplicates is None
    assert asked(table).duplicates is not None


def test_numbers_without_a_spread_are_not_looked_at_for_copies() -> None:
    table = sold(COUNT)
    table["area"] = np.where(np.arange(COUNT) % 2, 1e200, -1e200)
    with np.errstate(over="ignore", invalid="ignore"):
        assert asked(table).duplicates is None


def test_pairs_are_of_values_that_can_come_again() -> None:
    found = asked(sold(COUNT, channel=["web", "shop"]))
    assert found.triggers is not None
    assert found.triggers.columns == ("district", "channel", "floor")


def test_amounts_make_no_pairs() -> None:
    table = sold(COUNT, channel=["web", "shop"]).assign(
        grams=np.random.default_rng(6).integers(0, 10**6, COUNT)
    )
    found = asked(table)
    assert found.triggers is not None
    assert found.triggers.columns == ("district", "channel", "floor")


def test_a_number_has_no_label_that_all_rows_of_a_pair_could_share() -> None:
    table = sold(COUNT).drop(columns="sold").assign(price=np.linspace(1.5, 9.5, COUNT))
    assert asked(table, "price").triggers is None


def test_persons_are_not_paired_for_their_values_would_stand_in_the_ledger() -> None:
    table = sold(COUNT, channel=["web", "shop"], email=[f"p{one}@example.org" for one in range(300)])
    found = asked(table, keep=("email",))
    assert found.triggers is not None
    assert found.triggers.columns == ("district", "channel", "floor")
