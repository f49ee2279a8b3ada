"""Does one source bring more than its due?"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from millrace.domain.config.poisoning import QuotaCheck
from millrace.domain.contract import Violation
from millrace.domain.poisoning.judged import Judged

OTHERS = "all others"


@dataclass(frozen=True)
class Delivered:
    """One accepted batch, or the new one; `is_today` where it was accepted on the day of the new one."""

    batch: str
    rows: int
    is_today: bool


def judge_quota(new: Delivered, accepted: Sequence[Delivered], policy: QuotaCheck) -> Judged:
    """Sum up the rows of the source of the new batch, of its day and of the whole dataset."""
    source = source_of(new.batch, policy.sources)
    mine = [one for one in (*accepted, new) if source_of(one.batch, policy.sources) == source]
    today = sum(one.rows for one in mine if one.is_today)
    rows, everything = sum(one.rows for one in mine), sum(one.rows for one in (*accepted, new))
    judged = Judged()
    if today > policy.max_rows_per_day:
        message = f"{today:,} rows of {source} on one day; allowed are {policy.max_rows_per_day:,}"
        judged += Judged((Violation("quota", None, new.rows, message, about="day"),))
    if everything < policy.share_from_rows:
        few = f"quota: the dataset would have {everything:,} of {policy.share_from_rows:,} rows"
        return judged + Judged(unjudged=(few,))
    if rows > policy.max_dataset_share * everything:
        share = f"{rows:,} of {everything:,} rows would be of {source}, {rows / everything:.1%}"
        message = f"{share}; allowed are {policy.max_dataset_share:.1%}"
        judged += Judged((Violation("quota", None, new.rows, message, about="dataset"),))
    return judged


def source_of(batch: str, sources: Sequence[str]) -> str:
    """Return the first pattern that the name matches."""
    return next((pattern for pattern in sources if fnmatchcase(batch, pattern)), OTHERS)
