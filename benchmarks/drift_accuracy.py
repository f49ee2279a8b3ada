"""How far is what Evidently says of a window's counts from what it says of the window's rows?

Every test scores every column twice: from its rows, and from counts over edges that the reference's rows
suggest. Numbers are shifted by shares of their deviation, and categories become more or less frequent.
Windows that a rule fails before anybody asks for a distance are left out, and counted. What lies beyond the
reference's range is clipped in counts, where on rows one value can stretch Evidently's bins: so the rows are
scored as they are, and clipped.
"""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.report import Figure, Grid, Report, make_report, run
from millrace.adapters.drift_report import score_columns
from millrace.domain.config import ColumnTest, DriftSection, DriftTest
from millrace.domain.drift import Samples, judge_by_rules, pair_columns, represent
from millrace.domain.features import NULL_TEXT
from millrace.domain.profile import Profile, Reference, Tally
from millrace.domain.profile.edges import frequent_categories, numeric_edges

ROWS, MANY_ROWS = 100_000, 1_000_000
SHIFTS = (0.0, 0.2, 0.5)
MOST = 0.01
ROWS_AS_THEY_ARE, CLIPPED_ROWS = "rows as they are", "rows clipped as counts are"
BOUNDED = (DriftTest.WASSERSTEIN, DriftTest.JENSEN_SHANNON, DriftTest.HELLINGER)
POLICY = DriftSection(
    numeric=ColumnTest(test=DriftTest.WASSERSTEIN, threshold=0.1),
    categorical=ColumnTest(test=DriftTest.JENSEN_SHANNON, threshold=0.1),
    min_rows=1,
    confidence=0.95,
    max_unseen_share=0.01,
    max_column_share=0.3,
    windows=1,
)

Values = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, float], Values]

LIGHT: dict[str, Draw] = {
    "normal": lambda random, rows, by: random.normal(by, 1, rows),
    "uniform": lambda random, rows, by: random.beta(1 + by / 2, 1, rows),
    "exponential": lambda random, rows, by: random.exponential(1 + by, rows),
    "bimodal": lambda random, rows, by: random.normal(3 * by, 1, rows) + random.choice([-3, 3], rows),
    "zero-inflated": lambda random, rows, by: (
        random.exponential(1, rows) * (random.random(rows) < 0.3 + by / 3)
    ),
    "few integers": lambda random, rows, by: random.binomial(10, 0.4 + by / 10, rows).astype(float),
    "many integers": lambda random, rows, by: random.poisson(200 * (1 + by / 20), rows).astype(float),
}
HEAVY: dict[str, Draw] = {
    "lognormal, sigma 2": lambda random, rows, by: random.lognormal(by, 2, rows),
    "Cauchy": lambda random, rows, by: random.standard_cauchy(rows) + by,
}
CATEGORIES = (5, 100, 1_000)


@dataclass(frozen=True)
class Compared:
    """One column, scored from its counts and from its rows; None where a rule had judged."""

    group: str
    kind: str
    test: DriftTest
    scores: dict[str, float] | None

    def error(self, rows: str) -> float | None:
        return None if self.scores is None else abs(self.scores["counts"] - self.scores[rows])


def measure(_rounds: int) -> Report:
    compared = [*_numbers("light tails", LIGHT), *_numbers("heavy tails", HEAVY), *_categories()]
    title = f"Evidently on counts and on rows: {ROWS:,} and {MANY_ROWS:,} rows, {len(compared)} comparisons"
    figures = tuple(
        figure for name in dict.fromkeys(one.group for one in compared) for figure in _of(name, compared)
    )
    ruled = sum(one.scores is None for one in compared)
    figures = (*figures, Figure("comparisons that a rule makes needless", ruled, ""))
    report = make_report("drift_accuracy", title, figures, ("evidently", "numpy", "scipy"))
    return Report(**{**vars(report), "grid": _grid(compared)})


def _numbers(group: str, kinds: dict[str, Draw]) -> Iterator[Compared]:
    for kind, draw in kinds.items():
        for rows, shift in (*((ROWS, shift) for shift in SHIFTS), (MANY_ROWS, SHIFTS[-1])):
            random = np.random.default_rng(7)
            then, now = draw(random, rows, 0.0), draw(random, rows, shift)
            for test in DriftTest:
                name = group if test in BOUNDED else f"{group}, psi and kl_div"
                yield _compare(name, kind, test, then, now)


def _categories() -> Iterator[Compared]:
    for count in CATEGORIES:
        for rows, shift in (*((ROWS, shift) for shift in SHIFTS), (MANY_ROWS, SHIFTS[-1])):
            random = np.random.default_rng(7)
            shares = 1 / np.arange(1, count + 1)
            other = shares * np.exp(shift * random.normal(size=count))
            names = np.array([f"category {place}" for place in range(count)], dtype=object)
            then, now = (random.choice(names, rows, p=one / one.sum()) for one in (shares, other))
            group = "up to 100 categories" if count <= 100 else f"{count:,} categories"
            for test in set(DriftTest) - {DriftTest.WASSERSTEIN}:
                yield _compare(group, f"{count:,} categories", test, then, now)


def _compare(group: str, kind: str, test: DriftTest, then: npt.NDArray, now: npt.NDArray) -> Compared:
    asked = ColumnTest(test=test, threshold=0.1)
    reference = _edges_of(then)
    profiles = [_count(values, reference) for values in (then, now)]
    pairs = pair_columns(
        *(Reference(one, reference.emptied, reference.emptied) for one in profiles), {}, POLICY
    )
    if "x" in judge_by_rules(pairs[:1], POLICY):
        return Compared(group, kind, test, None)
    (one,), (other,) = ((*profile.numeric, *profile.categorical) for profile in profiles)
    clipped = now if now.dtype == object else np.clip(now, then.min(), then.max())
    scores = score_columns(
        {
            "counts": represent(one, other, asked),
            ROWS_AS_THEY_ARE: Samples(then, now, then.dtype == object, asked),
            CLIPPED_ROWS: Samples(then, clipped, then.dtype == object, asked),
        }
    )
    return Compared(group, kind, test, {name: float(score) for name, score in scores.items()})


def _edges_of(values: npt.NDArray) -> Profile:
    if values.dtype == object:
        return Profile(0, (), (frequent_categories("x", values),))
    return Profile(0, (numeric_edges("x", values),), ())


def _count(values: npt.NDArray, reference: Profile) -> Profile:
    tally = Tally(reference)
    tally.rows = len(values)
    for numbers in tally.numeric.values():
        numbers.add(values)
    for texts in tally.categorical.values():
        found, counts = np.unique(values.astype(str), return_counts=True)
        texts.add([*found.tolist(), NULL_TEXT], [*counts.tolist(), 0])
    return tally.profile


def _of(group: str, compared: list[Compared]) -> tuple[Figure, ...]:
    most = MOST if group in {"light tails", "up to 100 categories"} else None
    found: list[Figure] = []
    for rows in (ROWS_AS_THEY_ARE, CLIPPED_ROWS):
        known = (one.error(rows) for one in compared if one.group == group)
        errors = [error for error in known if error is not None]
        found.append(Figure(f"{group}, {rows}: largest error", round(max(errors), 4), "", most))
        found.append(Figure(f"{group}, {rows}: median error", round(statistics.median(errors), 4), ""))
    return tuple(found if "categories" not in group else found[:2])


def _grid(compared: list[Compared]) -> Grid:
    kinds = dict.fromkeys(one.kind for one in compared)
    rows = tuple((kind, *(_largest(compared, kind, test) for test in DriftTest)) for kind in kinds)
    return Grid(("largest error", *(str(test) for test in DriftTest)), rows)


def _largest(compared: list[Compared], kind: str, test: DriftTest) -> float | None:
    found = (one.error(ROWS_AS_THEY_ARE) for one in compared if (one.kind, one.test) == (kind, test))
    known = [error for error in found if error is not None]
    return round(max(known), 4) if known else None


if __name__ == "__main__":
    run(measure, 1, __doc__)
