"""Which columns are judged without a distance, as there is none to be had or to be trusted?"""

from collections.abc import Callable
from dataclasses import dataclass

from millrace.domain.config import DriftSection
from millrace.domain.drift.composition import Composition, cells_of, compose, name_of_cell
from millrace.domain.drift.pairs import ColumnPair
from millrace.domain.drift.recount import Counts
from millrace.domain.monitoring.findings import ColumnFinding
from millrace.domain.profile import CategoricalCounts
from millrace.domain.verdict import Outcome

MIN_EXPECTED = 20
"""A category of which so many rows were to be expected is missing by accident once in 500 million windows."""

MIN_REFERENCE_ROWS = 30
"""Of fewer, not six cells hold the five values that a chi-square test needs: no shape can be told."""

RULES_OF_CHANCE = 5
"""How many of the rules ask whether it is an accident."""

Judged = tuple[Outcome, str] | None


@dataclass(frozen=True)
class _Compared:
    """A column whose rows are counted in both windows; `accident` is the chance that counts as none."""

    then: Composition
    now: Composition
    reference: Counts
    current: Counts
    least_rows: int
    max_unseen_share: float
    accident: float


def judge_by_rule(pair: ColumnPair, policy: DriftSection, columns: int) -> ColumnFinding | None:
    """Judge a column that has to be judged without a distance; None where a distance decides.

    What certainly differs fails: a share of nulls, infinite or unseen values that has risen by more than
    `policy.max_unseen_share`, a lost category, a column that is constant now, another kind of values.
    What cannot be known is inconclusive: a column that could not be counted, too few rows, then or now, no
    values, nothing but one value in the reference. Shares are of the column's rows. None is ever a pass.

    Parameters
    ----------
    pair
        The column in both windows.
    policy
        How much may differ, and how sure one has to be.
    columns
        How many columns are judged: what seldom happens in one happens in one of many.
    """
    judged = _judge_counting(pair)
    if judged is None and pair.reference is not None and pair.current is not None:
        accident = (1 - policy.confidence) / (RULES_OF_CHANCE * columns)
        compared = _Compared(
            compose(pair.reference), compose(pair.current), pair.reference, pair.current,
            pair.least_rows, policy.max_unseen_share, accident,
        )  # fmt: skip
        judged = next((found for rule in _RULES for found in (rule(compared),) if found), None)
    return None if judged is None else pair.find(*judged)


def _judge_counting(pair: ColumnPair) -> Judged:
    if pair.trouble is not None:
        return Outcome.INCONCLUSIVE, f"could not be counted: {pair.trouble}"
    if pair.current is None:
        return Outcome.INCONCLUSIVE, "there is no such column in this window"
    if pair.reference is None:
        return Outcome.INCONCLUSIVE, "there is no such column in the first window, the reference"
    return None


def _judge_rows(it: _Compared) -> Judged:
    if it.now.rows < it.least_rows:
        return Outcome.INCONCLUSIVE, f"{it.now.rows:,} of {it.least_rows:,} rows"
    if it.then.rows == 0:
        return Outcome.INCONCLUSIVE, "the reference has no rows of it"
    if it.then.rows < (needed := min(it.least_rows, MIN_REFERENCE_ROWS)):
        return Outcome.INCONCLUSIVE, f"{it.then.rows} rows in the reference, needed are {needed}"
    return None


def _judge_kind(it: _Compared) -> Judged:
    if type(it.current) is type(it.reference):
        return None
    return Outcome.FAIL, f"{_kind(it.current)} now, {_kind(it.reference)} in the reference"


def _kind(column: Counts) -> str:
    return "categories" if isinstance(column, CategoricalCounts) else "numbers"


def _judge_nulls(it: _Compared) -> Judged:
    return _judge_share("nulls", it.now.nulls, it.then.nulls, it)


def _judge_non_finite(it: _Compared) -> Judged:
    return _judge_share("values that are infinite in float32", it.now.non_finite, it.then.non_finite, it)


def _judge_unseen(it: _Compared) -> Judged:
    is_categorical = isinstance(it.reference, CategoricalCounts)
    what = (
        "other categories than the reference's" if is_categorical else "values beyond the reference's range"
    )
    return _judge_share(what, it.now.unseen, it.then.unseen, it)


def _judge_share(what: str, now: int, then: int, it: _Compared) -> Judged:
    share, before = now / it.now.rows, then / it.then.rows
    if share - before <= it.max_unseen_share:
        return None
    table = [[now, it.now.rows - now], [then, it.then.rows - then]]
    if _chance_of_table(table, "greater") > it.accident:
        return None
    found = f"{what} in {share:.3g} of {it.now.rows:,} rows, {before:.3g} in the reference"
    return Outcome.FAIL, f"{found}: at most {it.max_unseen_share:g} more is allowed"


def _judge_values(it: _Compared) -> Judged:
    if it.now.values == 0:
        return Outcome.INCONCLUSIVE, f"not one value in {it.now.rows:,} rows"
    if it.then.values == 0 or not cells_of(it.reference):
        return Outcome.INCONCLUSIVE, f"no value is known of the reference's {it.then.rows:,} rows"
    return None


def _judge_constant(it: _Compared) -> Judged:
    if it.then.only is not None:
        name = name_of_cell(it.reference, it.then.only)
        return Outcome.INCONCLUSIVE, f"nothing but {name} in the reference: no spread to compare with"
    if it.now.only is None:
        return None
    others = it.then.values - cells_of(it.reference)[it.now.only]
    chance = _chance_of_table([[0, it.now.values], [others, it.then.values - others]], "less")
    name, share = name_of_cell(it.current, it.now.only), others / it.then.values
    found = f"nothing but {name} in {it.now.values:,} values, {share:.3g} of the reference's are others"
    if chance <= it.accident:
        return Outcome.FAIL, found
    return Outcome.INCONCLUSIVE, f"{found}: may be an accident, chance {chance:.2g}"


def _judge_lost(it: _Compared) -> Judged:
    if not isinstance(it.reference, CategoricalCounts) or not isinstance(it.current, CategoricalCounts):
        return None
    present = dict(zip(it.current.categories, it.current.counts, strict=True))
    for name, count in zip(it.reference.categories, it.reference.counts, strict=True):
        share = count / it.then.values
        expected = share * it.now.values
        if share > it.max_unseen_share and expected >= MIN_EXPECTED and not present.get(name):
            table = [[0, it.now.values], [count, it.then.values - count]]
            if _chance_of_table(table, "less") > it.accident / len(it.reference.categories):
                continue
            found = f"category {name!r} is lost: {share:.3g} in the reference"
            return Outcome.FAIL, f"{found}, none of {it.now.values:,} values now"
    return None


def _chance_of_table(table: list[list[int]], alternative: str) -> float:
    """Fisher's exact test (1922) of two shares."""
    from scipy.stats import fisher_exact

    return float(fisher_exact(table, alternative=alternative).pvalue)


_RULES: tuple[Callable[[_Compared], Judged], ...] = (
    _judge_rows,
    _judge_kind,
    _judge_nulls,
    _judge_non_finite,
    _judge_unseen,
    _judge_values,
    _judge_constant,
    _judge_lost,
)
