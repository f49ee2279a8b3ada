"""What can be asked of a model before and after it has a champion? For the tests in its folder."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from millrace.adapters.batches import stage_batch
from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import load_scorer
from millrace.domain.bundle import InputColumn
from millrace.domain.kinds import ColumnType
from millrace.settings import load_settings
from millrace.steps.arrivals import list_inbox
from millrace.steps.batch import write_rows
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    from millrace.domain.losses import FloatArray

UNSEEN = "never seen before"


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


def has_champion(model: str) -> bool:
    """Say whether there is a version to ask."""
    return ledger().serving(model).champion is not None


def answer_odd_rows(model: str) -> Iterator["FloatArray"]:
    """Ask the champion about a usual row, with each null that is allowed, and with categories nobody has."""
    import pandas as pd

    champion = ledger().serving(model).champion
    if champion is None:
        return
    scorer = load_scorer(bundles_folder(load_settings().channel) / champion)
    usual = {column.name: _usual(column) for column in scorer.schema.inputs}
    yield scorer.answer(pd.DataFrame([usual]))
    for column in scorer.schema.inputs:
        if column.nullable:
            yield scorer.answer(pd.DataFrame([usual | {column.name: None}]))
        if column.type is ColumnType.STRING and column.categories is None:
            yield scorer.answer(pd.DataFrame([usual | {column.name: UNSEEN}]))


def _usual(column: InputColumn) -> object:
    match column.type:
        case ColumnType.STRING:
            return column.categories[0] if column.categories else UNSEEN
        case ColumnType.BOOL:
            return True
        case _ if column.categories:
            return float(column.categories[0])
        case _:
            return column.min if column.min is not None else 0.0
