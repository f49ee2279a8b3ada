"""Does a batch, taken as a whole, break a rule that no single row of it can break?"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from millrace.domain.config import ContractSection
from millrace.domain.contract import Violation

Hashes = npt.NDArray[np.uint64]

MAX_EXAMPLES = 5

_EXACT_FLOATS = 2.0**53
"""Whole floats below it stand for one integer each."""


def key_hashes(frame: pd.DataFrame, columns: Sequence[str]) -> Hashes:
    """Hash the key of each row to 64 bits, for comparisons within one process.

    Two different keys share a hash with a chance of n²/2⁶⁵ over n rows: 3e-8 for a million.

    Returns
    -------
    shape (n_rows,)
        Equal keys have equal hashes, also where one dataset holds an integer as float64
        because its neighbours are null.
    """
    keys = pd.DataFrame({column: _one_form(frame[column]) for column in columns})
    return np.asarray(pd.util.hash_pandas_object(keys, index=False), dtype=np.uint64)


def _one_form(values: "pd.Series[float]") -> "pd.Series[int] | pd.Series[float]":
    if values.dtype != np.float64:
        return values.astype("int64") if values.dtype == np.bool_ else values
    floats = np.where(values.isna(), np.nan, values.to_numpy()) + 0.0  # one null, and -0.0 is 0.0
    whole = (floats == np.floor(floats)) & (np.abs(floats) < _EXACT_FLOATS)
    integers = np.where(whole, floats, 0.0).astype(np.int64)
    return pd.Series(np.where(whole, integers, floats.view(np.int64)), index=values.index)


def judge_rows(rows: int, contract: ContractSection) -> Violation | None:
    """Say whether the batch has fewer rows than the contract wants."""
    if rows >= contract.min_rows:
        return None
    return Violation("min_rows", None, rows, f"{rows:,} rows, at least {contract.min_rows:,} are needed")


def judge_duplicates(batch: Hashes, known: Hashes, contract: ContractSection) -> Violation | None:
    """Say whether too large a share of the batch repeats a row of itself or of the dataset.

    Parameters
    ----------
    batch : shape (n_rows,)
        The hash of each row's key, in the order of the batch.
    known : shape (n_known,)
        The hashes of the keys the dataset has already.
    """
    repeated = find_repeats(batch) | np.isin(batch, known)
    count = int(repeated.sum())
    if count <= contract.max_duplicate_share * batch.size:
        return None
    share = f"{count:,} of {batch.size:,} rows repeat a key, {count / batch.size:.2%}"
    message = f"{share}; allowed are {contract.max_duplicate_share:.2%}"
    return Violation("duplicates", None, count, message, _examples(repeated, "repeats a key"))


def judge_labels(labelled: int, rows: int, contract: ContractSection) -> Violation | None:
    """Say whether too small a share of the batch has a target."""
    if labelled >= contract.min_label_share * rows:
        return None
    share = f"{labelled:,} of {rows:,} rows have a target, {labelled / rows:.2%}"
    message = f"{share}; at least {contract.min_label_share:.2%} are needed"
    return Violation("labels", None, rows - labelled, message)


def judge_golden(batch: Hashes, golden: Hashes) -> Violation | None:
    """Say whether the batch holds a row of the golden set again, under whatever time or label.

    It cannot be waived: the golden set measures only as long as none of its rows can be
    learned from in another block.
    """
    golden_again = np.isin(batch, golden)
    count = int(golden_again.sum())
    if count == 0:
        return None
    message = f"{count:,} of {batch.size:,} rows have a key of the golden set; none may come again"
    return Violation(
        "golden", None, count, message, _examples(golden_again, "has a golden key"), waivable=False
    )


def find_repeats(hashes: Hashes) -> npt.NDArray[np.bool_]:
    """Flag every row but the first of those that have one hash."""
    repeated = np.ones(hashes.size, dtype=np.bool_)
    repeated[np.unique(hashes, return_index=True)[1]] = False
    return repeated


def _examples(offending: npt.NDArray[np.bool_], what: str) -> tuple[str, ...]:
    return tuple(f"row {row}: {what}" for row in np.flatnonzero(offending)[:MAX_EXAMPLES])
