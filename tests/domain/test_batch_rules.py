"""Does each rule about a whole batch count what it says?"""

import numpy as np
import pandas as pd
import pytest

from millrace.domain.batch_rules import judge_duplicates, judge_golden, judge_labels, judge_rows, key_hashes
from millrace.domain.config import ContractSection

CONTRACT = ContractSection(min_rows=10, max_duplicate_share=0.1, min_label_share=0.5, columns={})
NOTHING = np.array([], dtype=np.uint64)


def hashes(*keys: int) -> np.ndarray:
    return np.array(keys, dtype=np.uint64)


@pytest.mark.parametrize(("rows", "broken"), [(0, True), (9, True), (10, False)])
def test_a_batch_with_fewer_rows_than_wanted_breaks_the_rule(rows: int, broken: bool) -> None:
    violation = judge_rows(rows, CONTRACT)
    assert (violation is not None) is broken
    if violation:
        assert violation.message == f"{rows} rows, at least 10 are needed"


def test_one_repeated_key_in_ten_is_allowed_and_two_are_not() -> None:
    assert judge_duplicates(hashes(*range(9), 0), NOTHING, CONTRACT) is None
    violation = judge_duplicates(hashes(*range(8), 3, 3), NOTHING, CONTRACT)
    assert violation is not None
    assert (violation.count, violation.examples) == (2, ("row 8: repeats a key", "row 9: repeats a key"))


def test_a_key_the_dataset_has_already_counts_like_a_repeated_one() -> None:
    violation = judge_duplicates(hashes(*range(10)), hashes(4, 5, 99), CONTRACT)
    assert violation is not None
    assert violation.count == 2
    assert "2 of 10 rows repeat a key, 20.00%; allowed are 10.00%" in violation.message


def test_an_empty_batch_repeats_nothing_and_has_no_share_of_labels() -> None:
    assert judge_duplicates(NOTHING, hashes(1), CONTRACT) is None
    assert judge_labels(0, 0, CONTRACT) is None
    assert judge_golden(NOTHING, hashes(1)) is None


def test_too_few_targets_break_the_rule_and_exactly_enough_do_not() -> None:
    assert judge_labels(50, 100, CONTRACT) is None
    violation = judge_labels(49, 100, CONTRACT)
    assert violation is not None
    assert violation.message == "49 of 100 rows have a target, 49.00%; at least 50.00% are needed"


def test_a_single_golden_key_is_one_too_many_and_nobody_can_waive_it() -> None:
    assert judge_golden(hashes(1, 2), hashes(3)) is None
    violation = judge_golden(hashes(1, 2, 3), hashes(3))
    assert violation is not None
    assert (violation.count, violation.waivable, violation.examples) == (
        1,
        False,
        ("row 2: has a golden key",),
    )


def test_no_more_than_five_examples_are_listed() -> None:
    violation = judge_golden(hashes(*range(100)), hashes(*range(100)))
    assert violation is not None
    assert (violation.count, len(violation.examples)) == (100, 5)


def test_equal_keys_hash_alike_whatever_null_made_of_their_dtype_and_index() -> None:
    times = pd.Series(pd.to_datetime(["2013-01-01", "2013-01-02", "2013-01-03"], utc=True)).dt.as_unit("us")
    keys = pd.DataFrame({"id": [1, 2, 3], "carrier": pd.Series(["UA", "AA", None], dtype="str"), "at": times})
    same = keys.assign(id=keys["id"].astype("float64")).set_axis([70, 71, 72])
    columns = ("id", "carrier", "at")
    assert (key_hashes(keys, columns) == key_hashes(same, columns)).all()
    assert np.unique(key_hashes(keys, columns)).size == 3


def test_neighbouring_large_integers_are_different_keys() -> None:
    keys = pd.DataFrame({"id": [2**53, 2**53 + 1, -1, 0]})
    assert np.unique(key_hashes(keys, ["id"])).size == 4


def test_fractions_nulls_and_zeros_of_a_float_key_are_told_apart_and_zero_has_one_form() -> None:
    frame = pd.DataFrame({"x": [0.0, -0.0, 0.5, np.nan, -np.nan, 1e300]})
    found = key_hashes(frame, ["x"])
    assert found[0] == found[1]
    assert found[3] == found[4]
    assert np.unique(found).size == 4
