"""What did a window look like whose rows are in memory?"""

from collections import Counter

from millrace.domain.config import ModelConfig
from millrace.domain.features import Columns, number_values, text_values
from millrace.domain.profile.counts import Profile
from millrace.domain.profile.edges import frequent_categories, numeric_edges
from millrace.domain.profile.tally import Tally


def profile_rows(columns: Columns, config: ModelConfig) -> Profile:
    """Profile a reference window: choose the edges from its rows, then count them.

    A column of at most `MAX_EDGES` distinct values has each of them as an edge; more are
    thinned to evenly spaced quantiles. Categories are the most frequent, ties alphabetically.
    """
    numeric = tuple(
        numeric_edges(name, number_values(columns[name], name)) for name in config.features.numeric
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
        numbers.add(number_values(columns[name], name))
    for name, categories in tally.categorical.items():
        kind = config.contract.columns[name].type
        found = Counter(text_values(columns[name], name, kind).tolist())
        categories.add([*found], [*found.values()])
    return tally.profile
