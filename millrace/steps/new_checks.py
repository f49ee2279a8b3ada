"""What can be asked of a model before and after it has a champion? For the tests in its folder."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from millrace.adapters.batches import stage_batch
from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import Scorer, load_scorer
from millrace.domain.kinds import ColumnType
from millrace.domain.perturbation import UNSEEN
from millrace.domain.schema import usual_value
from millrace.settings import load_settings
from millrace.steps.arrivals import list_inbox
from millrace.steps.batch import write_rows
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    from millrace.domain.losses import FloatArray

ASKED_VERSION = "MILLRACE_ASKED_VERSION"
"""The variable of the environment by which the gate has the tests of a model ask its challenger."""


def list_broken(model: str) -> list[str]:
    """List what the files in the inbox break of the contract's clauses about columns."""
    broken = []
    for file in list_inbox(model):
        staged = stage_batch(file, load_settings().staging)
        try:
            written = write_rows(model_config(model), staged)
            written.path.unlink(missing_ok=True)
            broken += [f"{file.name}: {one.message}" for one in written.check.violations]
        finally:
            staged.path.unlink(missing_ok=True)
    return broken


def is_before_gate() -> bool:
    """Say whether it is the gate that asks ([gate.behaviour]), about a challenger."""
    return ASKED_VERSION in os.environ


def has_champion(model: str) -> bool:
    """Say whether there is a version to ask: the champion, or before the gate the challenger."""
    return _asked_version(model) is not None


def open_asked(model: str) -> Scorer | None:
    """Open the version to ask, None where there is none yet."""
    digest = _asked_version(model)
    return None if digest is None else load_scorer(bundles_folder(load_settings().channel) / digest)


def answer_odd_rows(model: str) -> Iterator["FloatArray"]:
    """Ask about a usual row, with each null that is allowed, and with categories nobody has."""
    import pandas as pd

    scorer = open_asked(model)
    if scorer is None:
        return
    usual = usual_row(scorer)
    yield scorer.answer(pd.DataFrame([usual]))
    for column in scorer.schema.inputs:
        if column.nullable:
            yield scorer.answer(pd.DataFrame([usual | {column.name: None}]))
        if column.type is ColumnType.STRING and column.categories is None:
            yield scorer.answer(pd.DataFrame([usual | {column.name: UNSEEN}]))


def usual_row(scorer: Scorer) -> dict[str, object]:
    """Return a row that keeps the contract, and says nothing in particular."""
    return {column.name: usual_value(column) for column in scorer.schema.inputs}


def _asked_version(model: str) -> str | None:
    return os.environ.get(ASKED_VERSION) or ledger().serving(model).champion
