"""Over which edges and categories is a column counted? Those its reference window suggests."""

from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.domain.features import NULL_TEXT
from millrace.domain.profile.counts import CategoricalCounts, NumericCounts

MAX_EDGES = 1_000
MAX_CATEGORIES = 1_000


def as_float32(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Round numbers as a model sees them: 0.1 of a request is then 0.1 of a training set in float32.

    What float32 cannot hold is infinite.
    """
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


def numeric_edges(name: str, values: npt.NDArray[np.float64]) -> NumericCounts:
    """Return a column with edges, which float32 holds, and nothing counted.

    At most `MAX_EDGES` distinct values are each an edge; more are thinned to evenly spaced quantiles and, at
    both ends, to ranks that double, so that where a long tail lies is known too.
    """
    rounded = as_float32(values)
    finite = np.sort(rounded[np.isfinite(rounded)])
    distinct = np.unique(finite)
    if len(distinct) > MAX_EDGES:
        distinct = np.unique(finite[_ranks(len(finite))])
    edges = tuple(distinct.tolist())
    zeros = (0,) * len(edges)
    return NumericCounts(name, edges, zeros, zeros, 0, 0, 0, 0)


def _ranks(count: int) -> npt.NDArray[np.intp]:
    last = count - 1
    doubling = 1 << np.arange(int(np.log2(count / MAX_EDGES)))
    even = np.linspace(0, last, MAX_EDGES - 2 * len(doubling)).round().astype(np.intp)
    return np.concatenate([even, doubling, last - doubling])


def frequent_categories(name: str, texts: npt.NDArray[np.object_]) -> CategoricalCounts:
    """Return a column with its most frequent categories, ties alphabetically, and nothing counted."""
    names, counts = np.unique(texts[texts != NULL_TEXT].astype(np.str_), return_counts=True)
    most_frequent = np.lexsort((names, -counts))[:MAX_CATEGORIES]
    categories = tuple(sorted(names[most_frequent].tolist()))
    return CategoricalCounts(name, categories, (0,) * len(categories), 0, 0)
