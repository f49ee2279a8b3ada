"""Which label belongs to which answered row, and what when several do?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd
from pandas.api.types import is_integer_dtype

from millrace.domain.canonical import canonical_json, value_text
from millrace.domain.prediction import SLACK

ROW = ["request_id", "row"]
"""What names a row to its client, who may give one request id to several requests."""


@dataclass(frozen=True)
class LabelCounts:
    """What became of the labels: rows that have one, and labels that were of no or little use.

    `repeated` said again what was known, `contradicting` something else than before, `late` are rows
    whose first label came after the label delay, `unknown` labels name no row among those given.
    """

    joined: int = 0
    repeated: int = 0
    contradicting: int = 0
    late: int = 0
    unknown: int = 0


def join_labels(
    rows: pd.DataFrame, inputs: pd.DataFrame, labels: pd.DataFrame, label_delay: timedelta | None
) -> tuple[pd.DataFrame, LabelCounts]:
    """Give each row its label: of several the newest, from the time it was first said.

    A label that names its row by a request id which several requests share is of the newest of them
    that was answered before it: see `find_rows`.

    Parameters
    ----------
    rows : shape (n_rows, 3 or more)
        With `request_id`, `row` and `at`.
    inputs : shape (n_rows, any)
        The columns that keys of labels name.
    labels : shape (n_labels, 6)
        `label`, its time `at`, and `request_id` and `row`, or `key_columns` and `key` where it names
        all rows with these values, which are the texts of `value_text`.
    label_delay
        After how long a label is late; None when there is no such time.

    Returns
    -------
    shape (n_rows, 2)
        `label` and `labelled_at` on the index of `rows`, null where there is none; and the counts.
    """
    pairs = pd.concat([_pair_by_request(rows, labels), _pair_by_key(inputs, labels)], ignore_index=True)
    said = pairs.merge(labels[["at", "label"]], left_on="given", right_index=True)
    said = said.sort_values(["at", "given"], kind="stable")
    before = said.groupby("position")["label"].shift()
    is_first = ~said.duplicated("position")
    is_repeated = ~is_first & (said["label"] == before)
    winning = said[~is_repeated].drop_duplicates("position", keep="last").set_index("position")
    first = said[is_first].set_index("position")["at"]
    age = first - rows["at"].reset_index(drop=True).reindex(first.index)
    found = winning.reindex(range(len(rows)))[["label", "at"]].set_axis(["label", "labelled_at"], axis=1)
    return found.set_axis(rows.index), LabelCounts(
        joined=len(winning),
        repeated=int(is_repeated.sum()),
        contradicting=int((~is_first & ~is_repeated).sum()),
        late=0 if label_delay is None else int((age > label_delay).sum()),
        unknown=len(labels) - pairs["given"].nunique(),
    )


def _pair_by_request(rows: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    positions = find_rows(labels[labels["request_id"].notna()], rows).dropna()
    return pd.DataFrame({"given": positions.index, "position": positions.to_numpy("int64")})


def find_rows(later: pd.DataFrame, rows: pd.DataFrame) -> "pd.Series[float]":
    """Find which answered row a label, or a shadow's answer, is about.

    Of several rows with its `request_id` and `row` it is the last one answered up to its own time; where
    there is none, the first one within `SLACK` after, as clocks differ: what was answered later than that
    it cannot be about.

    Parameters
    ----------
    later : shape (n_later, 3 or more)
        With `request_id`, `row` and `at`.
    rows : shape (n_rows, 3 or more)
        The same.

    Returns
    -------
    shape (n_later,)
        The position in `rows` on the index of `later`, null where no row has that name.
    """
    if later.empty or rows.empty:
        return pd.Series(index=later.index, dtype="float64")
    named = [*ROW, "at"]
    answered = rows[named].assign(position=range(len(rows))).sort_values("at", kind="stable")
    asked = later[named].astype(rows[named].dtypes).sort_values("at", kind="stable")
    before = pd.merge_asof(asked, answered, on="at", by=ROW)["position"]
    # times are in microseconds where they are numbers
    slack: Any = SLACK // timedelta(microseconds=1) if is_integer_dtype(asked["at"]) else SLACK
    after = pd.merge_asof(asked, answered, on="at", by=ROW, direction="forward", tolerance=slack)["position"]
    return before.fillna(after).astype("float64").set_axis(asked.index).reindex(later.index)


def _pair_by_key(inputs: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    keyed = labels[labels["request_id"].isna() & labels["key"].notna()]
    pairs = [pd.DataFrame({"given": [], "position": []}, dtype="int64")]
    columns_of = keyed["key_columns"].map(tuple)
    for columns in columns_of.unique():
        if columns and set(columns) <= set(inputs.columns):
            mine = keyed["key"][columns_of == columns]
            given = pd.DataFrame({"given": mine.index, "text": mine.map(_key_text).to_numpy()})
            answered = pd.DataFrame({"position": range(len(inputs)), "text": _key_texts(inputs, columns)})
            pairs.append(given.merge(answered.dropna(), on="text")[["given", "position"]])
    return pd.concat(pairs, ignore_index=True)


def _key_texts(inputs: pd.DataFrame, columns: Sequence[str]) -> list[str | None]:
    """Write the key of each row as one text; null where a part of it is: nothing can name that row."""
    texts = [[None if pd.isna(value) else value_text(value) for value in inputs[name]] for name in columns]
    return [_key_text(parts) for parts in zip(*texts, strict=True)]


def _key_text(parts: Sequence[Any]) -> str | None:
    return None if any(part is None for part in parts) else canonical_json(list(parts))
