"""What became of the labels: which came late, contradict what was said before, or name no row?"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from millrace.adapters.prediction_log.keys import Keyed, keyed_labels, keys_of_rows
from millrace.adapters.prediction_log.names import BoolArray, IntArray, Names
from millrace.adapters.prediction_log.pairing import Pairs, Rows
from millrace.adapters.prediction_log.tables import INPUT
from millrace.domain.answers import FloatArray
from millrace.domain.label_joining import LabelCounts

_NEVER = np.iinfo(np.int64).max


def count_labels(
    answers: Rows, labels: Rows, values: FloatArray, pairs: Pairs, is_mine: BoolArray, delay: timedelta | None
) -> LabelCounts:
    """Count as `domain.label_joining.join_labels` does, of the rows that are `is_mine`.

    That is exact where a name is of one row and labels name it in one way. `repeated` and `contradicting`
    leave out rows that share a name, and compare what a request's labels say not with what a key's do.

    Parameters
    ----------
    values
        What each label says, NaN for what is no class.
    delay
        After how long a label is late; None when there is no such time.
    """
    first = np.full(len(is_mine), _NEVER)
    is_named = pairs.named >= 0
    np.minimum.at(first, pairs.named[is_named], labels.at[is_named])
    is_known, groups = is_named.copy(), np.full(len(labels.at), -1)
    plain = is_named.copy()
    plain[is_named] = (~pairs.is_shared & is_mine)[pairs.named[is_named]]
    groups[plain] = pairs.named[plain]
    begin = len(is_mine)
    for one in keyed_labels(labels.part.table):
        if {INPUT + name for name in one.columns} <= set(answers.part.table.column_names):
            found = _follow(one, answers, is_mine, labels.at[one.positions])
            is_known[one.positions[found.is_asked]] = True
            groups[one.positions] = np.where(found.is_mine, begin + found.key, -1)
            first = np.minimum(first, found.first)
            begin += len(one.positions)
    repeated, contradicting = _count_again(groups, labels.at, values)
    return LabelCounts(
        joined=int(((pairs.label >= 0) & is_mine).sum()),
        repeated=repeated,
        contradicting=contradicting,
        late=0 if delay is None else int((is_mine & _is_late(first, answers.at, delay)).sum()),
        unknown=int((~is_known).sum()),
    )


@dataclass(frozen=True, eq=False)
class _Followed:
    """What labels by a key name: of each label its key's number, whether rows have that key, and rows that
    are mine; of each row when a label first named it.
    """

    key: IntArray
    is_asked: BoolArray
    is_mine: BoolArray
    first: IntArray


def _follow(keyed: Keyed, answers: Rows, is_mine: BoolArray, at: IntArray) -> _Followed:
    keys, places = np.unique(keyed.keys, return_inverse=True)
    rows, has_key = keys_of_rows(answers.part.table, keyed.columns)
    of_row = np.where(has_key, Names(keys).find(rows), -1)
    said = np.full(len(keys) + 1, _NEVER)  # the last is where -1 points to
    np.minimum.at(said, places, at)
    is_asked, is_my_key = _marked(len(keys), of_row), _marked(len(keys), of_row[is_mine])
    return _Followed(places, is_asked[places], is_my_key[places], said[of_row])


def _marked(size: int, positions: IntArray) -> BoolArray:
    is_there = np.zeros(size, dtype=bool)
    is_there[positions[positions >= 0]] = True
    return is_there


def _count_again(groups: IntArray, at: IntArray, values: FloatArray) -> tuple[int, int]:
    """Count the labels that say the same as the one before of their group, and those that do not."""
    order = np.lexsort((at, groups))
    order = order[groups[order] >= 0]
    is_again = groups[order][1:] == groups[order][:-1]
    said = values[order]
    is_same = (said[1:] == said[:-1]) | (np.isnan(said[1:]) & np.isnan(said[:-1]))
    return int((is_again & is_same).sum()), int((is_again & ~is_same).sum())


def _is_late(first: IntArray, at: IntArray, delay: timedelta) -> BoolArray:
    is_there = first != _NEVER
    age = np.where(is_there, first, at) - at
    return np.asarray(is_there & (age > delay // timedelta(microseconds=1)))
