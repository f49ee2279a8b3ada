"""To which group does each row belong, for the rules that look at some rows by themselves?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.domain.canonical import NULL, value_text
from millrace.domain.config import ModelConfig, Rule
from millrace.domain.config.gate.grouping import parts_of
from millrace.domain.losses import FloatArray, StrArray

if TYPE_CHECKING:
    import pandas as pd

HIDDEN_NEW = "hidden, not in training"


@dataclass(frozen=True, eq=False)
class Column:
    """How the values of a column become groups.

    A number is cut at `edges`, each of which belongs to the part below it. Where the log hides the values,
    `hidden` has the names that stand in reports for them.
    """

    edges: FloatArray | None = None
    hidden: Mapping[str, str] | None = None

    def group(self, values: "pd.Series[Any]") -> StrArray:
        """Name the group of each value."""
        texts = value_texts(values) if self.edges is None else _parts(values, self.edges)
        if self.hidden is None:
            return texts
        names, codes = np.unique(texts, return_inverse=True)
        return np.array([self.hidden.get(name, HIDDEN_NEW) for name in names.tolist()], dtype=np.str_)[codes]


@dataclass(frozen=True, eq=False)
class Grouping:
    """The columns that each rule groups rows by."""

    columns: Mapping[Rule, Mapping[str, Column]] = field(default_factory=dict)

    def of(self, frame: "pd.DataFrame") -> dict[Rule, dict[str, StrArray]]:
        """Group rows; a column that they do not have is left out, and its rule then has no evidence."""
        return {
            rule: {name: column.group(frame[name]) for name, column in columns.items() if name in frame}
            for rule, columns in self.columns.items()
        }


NO_GROUPS = Grouping()


def make_grouping(config: ModelConfig, training: "pd.DataFrame") -> Grouping:
    """Learn from the training rows how the columns of `[gate.slices]` and `[gate.fairness]` make groups."""
    sections = {Rule.SLICES: config.gate.slices, Rule.FAIRNESS: config.gate.fairness}
    found = {}
    for rule, policy in sections.items():
        if policy is not None:
            names = dict.fromkeys(part for entry in policy.columns for part in parts_of(entry))
            known = [name for name in names if name in training]
            found[rule] = {name: _column(config, training, name, policy.bins) for name in known}
    return Grouping(found)


def _column(config: ModelConfig, training: "pd.DataFrame", name: str, bins: int | None) -> Column:
    contract, settings = config.contract.columns[name], config.serving_settings
    values = training[name]
    edges = _edges(values, bins) if bins and contract.is_number else None
    shown = Column(edges)
    if name not in (*settings.hashed, *settings.left_out):
        return shown
    names, counts = np.unique(shown.group(values), return_counts=True)
    order = np.argsort(-counts, kind="stable").tolist()
    return Column(edges, {str(names[at]): f"hidden {place}" for place, at in enumerate(order, 1)})


def _edges(values: "pd.Series[Any]", bins: int) -> FloatArray | None:
    """Return where a number is cut, None where it has no more values than there would be parts."""
    known = values.dropna().to_numpy(dtype=np.float64)
    if np.unique(known).size <= bins:
        return None
    # the largest value is no edge: nothing would be above it
    below = known[known < known.max()]
    cuts = np.unique(np.quantile(known, np.arange(1, bins) / bins, method="inverted_cdf"))
    return np.unique(np.minimum(cuts, below.max()))


def _parts(values: "pd.Series[Any]", edges: FloatArray) -> StrArray:
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    spelled = [value_text(edge) for edge in edges.tolist()]
    between = [f"{low} to {high}" for low, high in pairwise(spelled)]
    names = np.array([f"up to {spelled[0]}", *between, f"above {spelled[-1]}", NULL], dtype=np.str_)
    places = np.searchsorted(edges, numbers, side="left")
    return names[np.where(np.isnan(numbers), len(names) - 1, places)]


def value_texts(values: "pd.Series[Any]") -> StrArray:
    """Write each different value once, as the log does."""
    codes, known = values.factorize()
    different: list[Any] = known.tolist()
    texts: StrArray = np.array([*map(value_text, different), NULL], dtype=np.str_)[codes]
    return texts
