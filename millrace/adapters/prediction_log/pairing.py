"""To which of millions of answered rows do a shadow's answers and labels belong?

Where a name is of one row, that is a search. Rows that share a name are left to the exact functions of
`domain.label_joining`, whose rules these are.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from millrace.adapters.prediction_log.keys import Keyed, keyed_labels, labels_of_rows, newest_of_keys
from millrace.adapters.prediction_log.names import BoolArray, IntArray, Names, UintArray, hash_names
from millrace.adapters.prediction_log.parts import Part
from millrace.adapters.prediction_log.tables import INPUT
from millrace.adapters.prediction_log.thin import micros_of
from millrace.domain.label_joining import ROW, find_rows, join_labels
from millrace.domain.prediction import SLACK


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one kind: the hashes of their names, and their times in microseconds."""

    part: Part
    names: UintArray
    at: IntArray

    def frame(self, chosen: BoolArray, columns: tuple[str, ...] = ()) -> pd.DataFrame:
        """Return the names and times of the chosen rows in the order of time, on their positions."""
        places = np.flatnonzero(chosen)
        places = places[np.argsort(self.at[places], kind="stable")]
        found: pd.DataFrame = self.part.table.select([*ROW, *columns]).take(pa.array(places)).to_pandas()
        return found.assign(at=self.at[places]).set_index(places)


@dataclass(frozen=True, eq=False)
class Pairs:
    """What belongs to each answered row: the positions of a shadow's answer and of a label, -1 for none.

    `is_again` is where a row was logged before. `named` is the row that each label names by its request, -1
    for none; where `is_shared`, it is one of several with that name.
    """

    is_again: BoolArray
    shadow: IntArray
    label: IntArray
    named: IntArray
    is_shared: BoolArray


def rows_of(part: Part) -> Rows:
    """Return the rows of a part with their names."""
    return Rows(part, hash_names(part.ids, part.table["row"].to_numpy()), micros_of(part.table["at"]))


def pair(answers: Rows, shadows: Rows, labels: Rows, since: int) -> Pairs:
    """Pair answered rows with the first answer of the shadow to each, and with its newest label.

    Labels name rows from `since` on, in microseconds since 1970.
    """
    names, table = Names(answers.names), answers.part.table
    keyed = [one for one in keyed_labels(labels.part.table) if _are_there(one, table)]
    of_shadow, of_label = names.find(shadows.names), names.find(labels.names)
    of_label[labels.part.table["request_id"].is_null().to_numpy()] = -1
    exact = names.is_shared
    for later, positions in ((shadows, of_shadow), (labels, of_label)):
        positions[_are_before(later, positions, answers) & ~_of(exact, positions)] = -1
    label = _newest(table, of_label, labels.at, keyed)
    shadow = _first(len(exact), of_shadow, shadows.at)
    found = Pairs(np.zeros(len(exact), bool), shadow, label, of_label, exact)
    if exact.any():
        known = _known(found, answers, exact, keyed)
        _pair_shadows(found, known, shadows.frame(_of(exact, of_shadow)))
        is_given = _of(exact, of_label)
        for one in keyed:
            is_given[labels_of_rows(one, table, exact)] = True
        given = labels.frame(is_given, ("key_columns", "key"))
        _pair_labels(found, known[known["at"] >= since], given)
    return found


def _are_there(keyed: Keyed, answers: pa.Table) -> bool:
    return {INPUT + name for name in keyed.columns} <= set(answers.column_names)


def _of(exact: BoolArray, positions: IntArray) -> BoolArray:
    return (positions >= 0) & exact[positions] if len(exact) else np.zeros(len(positions), dtype=bool)


def _are_before(later: Rows, positions: IntArray, answers: Rows) -> BoolArray:
    """Say which came before the row of their name was answered, by more than clocks may differ."""
    if not answers.at.size:
        return np.zeros(len(positions), dtype=bool)
    slack = SLACK // timedelta(microseconds=1)
    return np.asarray((positions >= 0) & (later.at < answers.at[positions] - slack))


def _first(rows: int, positions: IntArray, at: IntArray) -> IntArray:
    shadow_of, given = np.full(rows, -1), np.flatnonzero(positions >= 0)
    # of several that are written to one place the last stays
    latest_first = given[np.argsort(at[given], kind="stable")[::-1]]
    shadow_of[positions[latest_first]] = latest_first
    return shadow_of


def _newest(answers: pa.Table, positions: IntArray, at: IntArray, keyed: list[Keyed]) -> IntArray:
    by_rank = np.argsort(at, kind="stable")
    ranks = np.empty_like(by_rank)
    ranks[by_rank] = np.arange(len(by_rank))
    newest = np.full(len(answers), -1)
    given = by_rank[positions[by_rank] >= 0]
    newest[positions[given]] = ranks[given]
    for one in keyed:
        newest = np.maximum(newest, newest_of_keys(one, answers, ranks))
    return np.asarray(np.append(by_rank, -1)[newest])


def _known(found: Pairs, answers: Rows, exact: BoolArray, keyed: list[Keyed]) -> pd.DataFrame:
    """Return rows that are to be paired exactly, each once, and forget what the search has found for them."""
    inputs = tuple(dict.fromkeys(INPUT + name for one in keyed for name in one.columns))
    rows = answers.frame(exact, inputs)
    found.shadow[exact] = found.label[exact] = -1
    is_again = rows.duplicated([*ROW, "at"]).to_numpy()
    found.is_again[rows.index[is_again].to_numpy()] = True
    return rows[~is_again]


def _pair_shadows(found: Pairs, known: pd.DataFrame, shadows: pd.DataFrame) -> None:
    position = find_rows(shadows, known).dropna().astype("int64")
    first = position[~position.duplicated()]
    found.shadow[known.index.to_numpy()[first.to_numpy()]] = first.index


def _pair_labels(found: Pairs, known: pd.DataFrame, labels: pd.DataFrame) -> None:
    inputs = [name for name in known.columns if name.startswith(INPUT)]
    texts = known[inputs].rename(columns=lambda name: name.removeprefix(INPUT))
    # the label itself is its position here
    given = labels.assign(label=labels.index).reset_index(drop=True)
    joined, _ = join_labels(known[[*ROW, "at"]], texts, given, None)
    found.label[known.index] = joined["label"].astype("float64").fillna(-1).astype("int64")
