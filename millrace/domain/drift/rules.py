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

RULES_OF_CHANCE = 4
"""How many of the rules ask whether it is an accident."""

Judged = tuple[Outcome, str] | None


@dataclass(frozen=True)
class _Compared:
    """A column whose rows are counted in both windows; `accident` is the chance that counts as none."""

    then: Composition
    now: Composition
    reference: Counts
    current: Counts
    max_unseen_share: float
    accident: float


def judge_by_rule(pair: ColumnPair, policy: DriftSection, columns: int) -> ColumnFinding | None:
    """Judge a column that has to be judged without a distance; None where a distance decides.

    What certainly differs fails: a share of nulls, infinite or unseen values that has risen by more than
    `policy.max_unseen_share`, a lost category, a column that is constant now, another kind of values.
    What cannot be known is inconclusive: a column that could not be counted, too few rows, no values, nothing
    but one value in the reference. Shares are of the column's rows. None of these is ever a pass.

    Parameters
    ----------
    pair
        The column in both windows.
    policy
        What may differ, and how sure one has to be.
    columns
        How many columns are judged: what seldom happens in one happens in one of many.
    """
    judged = _judge_counting(pair, policy)
    if judged is None and pair.reference is not None and pair.current is not None:
        accident = (1 - policy.confidence) / (RULES_OF_CHANCE * columns)
        compared = _Compared(
            compose(pair.reference), compose(pair.current), pair.reference, pair.current,
            policy.max_unseen_share, accident,
        )  # fmt: skip
        judged = next((found for rule in _RULES for found in (rule(compared),) if found), None)
    return None if judged is None else pair.find(*judged)


def _judge_counting(pair: ColumnPair, policy: DriftSection) -> Judged:
    if pair.trouble is not None:
        return Outcome.INCONCLUSIVE, f"could not be counted: {pair.trouble}"
    if pair.reference is None or pair.current is None:
        window = "this window" if pair.current is None else "the reference"
        return Outcome.INCONCLUSIVE, f"there is no such column in {window}"
    if (rows := compose(pair.current).rows) < policy.min_rows:
        return Outcome.INCONCLUSIVE, f"{rows:,} of {policy.min_rows:,} rows"
    if compose(pair.reference).rows == 0:
        return Outcome.INCONCLUSIVE, "the reference has no rows of it"
    if type(pair.current) is not type(pair.reference):
        return Outcome.FAIL, f"{_kind(pair.current)} now, {_kind(pair.reference)} in the reference"
    return None


def _kind(column: Counts) -> str:
    return "categories" if isinstance(column, CategoricalCounts) else "numbers"


def _judge_nulls(it: _Compared) -> Judged:
    return _judge_share("nulls", it.now.nulls, it.then.nulls, it)


def _judge_non_finite(it: _Compared) -> Judged:
    return _judge_share("infinite values", it.now.non_finite, it.then.non_finite, it)


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
            found = f"category {name!r} is lost: {share:.3g} in the reference"
            return Outcome.FAIL, f"{found}, none of {it.now.values:,} values now"
    return None


def _chance_of_table(table: list[list[int]], alternative: str) -> float:
    """Fisher's exact test (1922) of two shares."""
    from scipy.stats import fisher_exact

    return float(fisher_exact(table, alternative=alternative).pvalue)


_RULES: tuple[Callable[[_Compared], Judged], ...] = (
    _judge_nulls,
    _judge_non_finite,
    _judge_unseen,
    _judge_values,
    _judge_constant,
    _judge_lost,
)
