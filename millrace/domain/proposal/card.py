"""What does a person read about the data of a model, and which tests come with it?"""

from dataclasses import dataclass

from millrace.domain.losses import metric_value
from millrace.domain.proposal.bar import METRIC_OF
from millrace.domain.proposal.features import is_spellable
from millrace.domain.proposal.findings import Draft, Proposal
from millrace.domain.table_scan import ColumnScan

SHOWN_CLASSES = 20
SHOWN_COLUMNS = 1000
BARS = 20


@dataclass(frozen=True)
class DataFile:
    """The file that a model began with."""

    name: str
    sha256: str
    bytes: int


def card_of(proposal: Proposal, file: DataFile) -> str:
    """Return the README of a model: its data, what was left out and why, and what is not certain."""
    draft, scan = proposal.draft, proposal.draft.scan
    name = draft.wishes.name
    parts = [
        f"# {name}",
        f"What is `{_text(draft.target.column)}` going to be? A {draft.target.task} model.",
        "## Data",
        f"`{_text(file.name)}`, {file.bytes:,} bytes, SHA-256 `{file.sha256}`: {scan.rows:,} rows, "
        f"{len(scan.columns):,} columns.",
        _roles(draft),
        *[f"- {_text(guess)}" for guess in scan.guesses],
        "## Target",
        _target(draft),
        "## Columns",
        _columns(draft),
    ]
    if draft.left_out:
        parts += [
            "## Left out",
            *[f"- `{_text(one.column)}`: {one.cause}. {_text(one.why)}" for one in draft.left_out],
        ]
    if proposal.doubts:
        parts += [
            "## Not certain",
            *[f"- {_text(one.what)}. `{one.line}` decides it." for one in proposal.doubts],
        ]
    parts += ["## What to expect", _expected(proposal)]
    return "\n\n".join(_tight(parts)) + "\n"


def test_file(name: str) -> str:
    """Return a test file that a user can run and extend."""
    return _TESTS.replace("NAME", name)


def _tight(parts: list[str]) -> list[str]:
    """Put the items of a list below each other."""
    kept: list[str] = []
    for part in filter(None, parts):
        if part.startswith("- ") and kept and kept[-1].startswith("- "):
            kept[-1] += f"\n{part}"
        else:
            kept.append(part)
    return kept


def _roles(draft: Draft) -> str:
    time = f"The time of a row is `{_text(draft.time)}`." if draft.time else "There is no time."
    key = f"Its key is {_named(draft.key)}." if draft.key else "There is no key: equal rows are the same row."
    group = f" Rows of one `{_text(draft.group)}` are never divided." if draft.group else ""
    return f"{time} {key}{group}"


def _target(draft: Draft) -> str:
    column, scan = draft.scan.column(draft.target.column), draft.scan
    missing = f"{column.nulls:,} of {scan.rows:,} rows have none." if column.nulls else "Every row has one."
    if not draft.target.classes:
        mean = draft.scan.sample[column.name].mean() if column.name in draft.scan.sample else float("nan")
        return f"Numbers from {column.low:g} to {column.high:g}, {mean:.4g} on average. {missing}"
    rows = ["| class | rows | share |", "|---|---:|---:|"]
    for name, count in draft.target.classes[:SHOWN_CLASSES]:
        rows.append(f"| {_text(name)} | {count:,} | {count / draft.target.rows:.1%} |")
    return "\n".join(rows) + f"\n\n{missing}"


def _columns(draft: Draft) -> str:
    rows = ["| column | type | empty | values | range | used as |", "|---|---|---:|---:|---|---|"]
    for column in draft.scan.columns[:SHOWN_COLUMNS]:
        empty = f"{column.nulls / draft.scan.rows:.1%}" if column.nulls else ""
        cells = (_text(column.name), column.type.value, empty, f"{column.distinct:,}", _range(column, draft),
            _used(column, draft))  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _range(column: ColumnScan, draft: Draft) -> str:
    if column.name in draft.dropped:
        return ""  # what is not kept is not told either
    if column.low is not None and column.high is not None:
        return f"{column.low:g} to {column.high:g}"
    if column.first is not None and column.last is not None:
        return f"{column.first:%Y-%m-%d} to {column.last:%Y-%m-%d}"
    return _text(", ".join(value[:20] for value, _ in column.common[:3]))


def _used(column: ColumnScan, draft: Draft) -> str:
    feature = draft.feature.get(column.name)
    if feature is not None:
        return feature.kind
    roles = {draft.target.column: "target", draft.time: "time", draft.group: "group"}
    return "key" if column.name in draft.key else roles.get(column.name, "left out")


def _expected(proposal: Proposal) -> str:
    probe, split = proposal.probe, proposal.draft.split
    if probe is None:
        return "Nothing was fitted yet."
    metric = METRIC_OF[proposal.draft.target.task]
    constant = metric_value(metric, probe.constant)
    return (
        f"`{probe.estimator}` on {probe.rows:,} rows: {probe.why}; one answer for all has {constant:.4g}. "
        f"About {split.training:,} rows teach, {split.recent:,} recent and {split.golden:,} golden judge."
    )


def _named(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{_text(column)}`" for column in columns)


def _text(text: str) -> str:
    """Keep a table a table whatever a column is called."""
    plain = (
        text if is_spellable(text) else "".join(letter if letter.isprintable() else " " for letter in text)
    )
    return plain.replace("|", "/").replace("`", "'")


_TESTS = '''"""What must hold of NAME: run it by `pytest models/NAME/tests`, and add what you know of it."""

import numpy as np
import pytest

from millrace.adapters.models import find_model
from millrace.settings import load_settings
from millrace.steps.new_checks import answer_odd_rows, has_champion, is_before_gate, list_broken

# ruff: noqa: S101


def test_its_model_file_has_no_mistake() -> None:
    assert find_model(load_settings().models, "NAME").name == "NAME"


@pytest.mark.skipif(is_before_gate(), reason="what has come later says nothing of a version")
def test_what_lies_in_its_inbox_keeps_the_contract() -> None:
    assert list_broken("NAME") == []


def test_its_champion_answers_nulls_and_values_it_has_never_seen() -> None:
    if not has_champion("NAME"):
        pytest.skip("NAME has no champion to ask yet: retrain it first, by `millrace retrain NAME`")
    for answers in answer_odd_rows("NAME"):
        assert np.isfinite(answers).all()
'''
