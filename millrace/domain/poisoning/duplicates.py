"""Do too many rows repeat the features of other rows, or nearly so?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from millrace.domain.batch_rules import MAX_EXAMPLES
from millrace.domain.config.poisoning import DuplicatesCheck, GoldenCopiesCheck
from millrace.domain.contract import Violation
from millrace.domain.poisoning.judged import Judged

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Copies:
    """Which rows of the batch have exactly, and which nearly, the features of another row."""

    exact: Flags
    near: Flags


def judge_copies(copies: Copies, policy: DuplicatesCheck) -> Judged:
    """Say whether more rows than allowed are copies; an exact one is a near one too."""
    exact = _judge(
        "exact_copies", copies.exact, policy.max_exact_share, "exactly the features of another row"
    )
    near = _judge("near_copies", copies.near, policy.max_near_share, "nearly the features of another row")
    return exact + near


def judge_golden_copies(near: Flags | None, policy: GoldenCopiesCheck) -> Judged:
    """Say whether too many rows nearly are golden rows; None stands for no golden rows yet."""
    if near is None:
        return Judged(unjudged=("golden_copies: no golden rows yet",))
    return _judge("golden_copies", near, policy.max_share, "nearly the features of a golden row")


def _judge(clause: str, flags: Flags, allowed: float, what: str) -> Judged:
    count, rows = int(flags.sum()), flags.size
    if count <= allowed * rows:
        return Judged()
    message = f"{count:,} of {rows:,} rows have {what}, {count / rows:.2%}; allowed are {allowed:.2%}"
    examples = tuple(f"row {row}: {what}" for row in np.flatnonzero(flags)[:MAX_EXAMPLES])
    return Judged((Violation(clause, None, count, message, examples),))
