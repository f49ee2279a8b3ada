"""What did the values of a window look like, small enough to keep and to compare later?"""

from millrace.domain.profile.counts import (
    CategoricalCounts,
    Counted,
    DifferentEdgesError,
    NumericCounts,
    Profile,
    Reference,
)
from millrace.domain.profile.edges import MAX_CATEGORIES, MAX_EDGES
from millrace.domain.profile.merging import merge_profiles
from millrace.domain.profile.reference import add_answers, add_labels, make_reference
from millrace.domain.profile.rows import count_rows, profile_rows
from millrace.domain.profile.tally import Tally

__all__ = [
    "MAX_CATEGORIES",
    "MAX_EDGES",
    "CategoricalCounts",
    "Counted",
    "DifferentEdgesError",
    "NumericCounts",
    "Profile",
    "Reference",
    "Tally",
    "add_answers",
    "add_labels",
    "count_rows",
    "make_reference",
    "merge_profiles",
    "profile_rows",
]
