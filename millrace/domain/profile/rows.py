"""What did a window look like whose rows are in memory?"""

from collections import Counter

import numpy as np
import numpy.typing as npt

from millrace.domain.config import ModelConfig
from millrace.domain.features import Columns, length_values, number_values, text_values
from millrace.domain.profile.counts import Profile
from millrace.domain.profile.edges import frequent_categories, numeric_edges
from millrace.domain.profile.tally import Tally


def profile_rows(columns: Columns, config: ModelConfig) -> Profile:
    """Profile a reference window: choose the edges from its rows, then count them.

    A column of at most `MAX_EDGES` distinct values has each of them as an edge; more are
    thinned to evenly spaced quantiles. Categories are the most frequent, ties alphabetically.
    Of a text its length in characters is counted, as a number.
    """
    numeric = tuple(
        numeric_edges(name, _numbers(columns, name, config))
        for name in (*config.features.numeric, *config.features.text)
    )
    categorical = tuple(
        frequent_categories(name, text_values(columns[name], name, config.contract.columns[name].type))
        for name in config.features.categorical
    )
    return count_rows(columns, Profile(0, numeric, categorical), config)


def count_rows(columns: Columns, reference: Profile, config: ModelConfig) -> Profile:
    """Profile a window over the edges and categories of `reference`, whose counts have no part in it."""
    tally = Tally(reference)
    tally.rows = len(columns[config.features.names[0]])
    for name, numbers in tally.numeric.items():
        numbers.add(_numbers(columns, name, config))
    for name, categories in tally.categorical.items():
        kind = config.contract.columns[name].type
        found = Counter(text_values(columns[name], name, kind).tolist())
        categories.add([*found], [*found.values()])
    return tally.profile


def _numbers(columns: Columns, name: str, config: ModelConfig) -> npt.NDArray[np.float64]:
    read = length_values if name in config.features.text else number_values
    return read(columns[name], name)
