"""Windows that are designed, counted over the edges of the first."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from millrace.domain.config import ColumnTest, DriftSection, DriftTest
from millrace.domain.features import NULL_TEXT
from millrace.domain.profile import Profile, Reference, Tally
from millrace.domain.profile.edges import frequent_categories, numeric_edges

Arrays = Mapping[str, npt.NDArray]

NOTHING = Profile(0, (), ())

POLICY = DriftSection(
    numeric=ColumnTest(test=DriftTest.WASSERSTEIN, threshold=0.1),
    categorical=ColumnTest(test=DriftTest.JENSEN_SHANNON, threshold=0.1),
    min_rows=500,
    confidence=0.95,
    max_unseen_share=0.01,
    max_column_share=0.3,
    windows=2,
)


def learn(columns: Arrays) -> Profile:
    """Count columns of numbers, or of texts, over edges of their own."""
    numeric = [numeric_edges(name, values) for name, values in columns.items() if values.dtype != object]
    categorical = [
        frequent_categories(name, texts) for name, texts in columns.items() if texts.dtype == object
    ]
    return count(columns, Profile(0, tuple(numeric), tuple(categorical)))


def count(columns: Arrays, reference: Profile) -> Profile:
    """Count columns over the edges of a reference."""
    tally = Tally(reference)
    tally.rows = len(next(iter(columns.values()))) if columns else 0
    for name, numbers in tally.numeric.items():
        numbers.add(columns[name])
    for name, categories in tally.categorical.items():
        found = Counter(columns[name].tolist())
        categories.add([*found], [*found.values()])
    return tally.profile


def window(inputs: Profile, target: Profile = NOTHING, answers: Profile = NOTHING) -> Reference:
    return Reference(inputs, target, answers)


def texts(values: npt.NDArray) -> npt.NDArray[np.object_]:
    """Return values as the categories they would be counted as; NaN is null."""
    return np.array(
        [NULL_TEXT if str(value) == "nan" else str(value) for value in values.tolist()], dtype=object
    )
