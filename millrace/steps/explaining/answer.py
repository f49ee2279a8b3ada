"""Why did a version answer one row of one request so?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import InputColumn
from millrace.domain.canonical import value_text
from millrace.domain.explanation import RowExplanation, explain_row, list_standings
from millrace.domain.explanation.logged import AnswerExplanation
from millrace.domain.kinds import ColumnType
from millrace.domain.profile import Profile
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.explaining.kept import find_hidden
from millrace.steps.stores import ensure_known, model_config

if TYPE_CHECKING:
    from millrace.adapters.prediction_log.by_request import Answers, LoggedAnswer
    from millrace.adapters.scorer import Scorer


class UnloggedAnswerError(MillraceError):
    """The log has no such answer."""

    def __init__(self, model: str, request_id: str, found: str, damages: int) -> None:
        self.model, self.request_id, self.found, self.damages = model, request_id, found, damages
        damaged = f" {damages} places of the log cannot be read: it may have stood there." if damages else ""
        super().__init__(
            f"{model}: no such answer is logged: found {found}.{damaged} "
            f"`millrace log {model} --since 7d` counts what is there; serving.retention says for how long"
        )


class GoneVersionError(MillraceError):
    """The bundle that gave an answer is not there any more."""

    def __init__(self, model: str, digest: str) -> None:
        self.model, self.digest = model, digest
        super().__init__(
            f"{model}: version {digest[:12]} gave this answer, and var/channel/bundles has no bundle of it. "
            f"`millrace why {digest[:12]}` says where it comes from. Bring it back from a copy"
        )


def explain_answer(model: str, request_id: str, row: int) -> AnswerExplanation:
    """Ask the version that answered a logged row again: as it was, and with each input at its usual value.

    Of several answers under one name the newest is explained.

    Raises
    ------
    UnloggedAnswerError
        If the log has no such row.
    GoneVersionError, CorruptBundleError
        If its version is not there, or not what its name says.
    UnreadableLogError
        If a compacted file of the log is none.
    """
    from millrace.adapters.bundle import verify_bundle
    from millrace.adapters.prediction_log.became_true import find_truth
    from millrace.adapters.prediction_log.by_request import find_answers
    from millrace.adapters.scorer import load_scorer
    from millrace.steps.monitoring.counting import find_reference

    ensure_known(model)
    settings = load_settings()
    found = find_answers(settings.predictions, model, request_id)
    mine = _choose(model, request_id, row, found)
    bundles = bundles_folder(settings.channel)
    if not (bundles / mine[-1].digest).is_dir():
        raise GoneVersionError(model, mine[-1].digest)
    verify_bundle(bundles, mine[-1].digest)
    scorer = load_scorer(bundles / mine[-1].digest)
    reference, _ = find_reference(model, bundles, mine[-1].digest)
    explained = _explain(model, mine[-1], scorer, reference.inputs)
    rows = len({one.row for one in found.rows})
    delay = model_config(model).data.label_delay
    return replace(
        explained,
        rows=rows,
        earlier=len(mine) - 1,
        damages=len(found.damages),
        truth=find_truth(settings.predictions, model, mine),
        label_due=None if delay is None else mine[-1].at + delay,
    )


def _choose(model: str, request_id: str, row: int, found: "Answers") -> "list[LoggedAnswer]":
    mine = [one for one in found.rows if one.row == row]
    if not mine:
        rows = sorted({one.row for one in found.rows})
        there = (
            f"no row {row} of request {request_id[:128]!r}, which has row {rows[0]} to {rows[-1]}"
            if rows
            else ""
        )
        raise UnloggedAnswerError(
            model, request_id, there or f"no request {request_id[:128]!r}", len(found.damages)
        )
    return mine


def _explain(model: str, logged: "LoggedAnswer", scorer: "Scorer", reference: Profile) -> AnswerExplanation:
    config, schema = model_config(model), scorer.schema
    private = find_hidden(config)
    hidden = tuple(one.name for one in schema.inputs if one.name in private)
    shown = [one for one in schema.inputs if one.name not in private]
    unlogged = tuple(one.name for one in shown if one.name not in logged.inputs)
    there = [one for one in shown if one.name in logged.inputs]
    row, unread = _read_row(logged.inputs, there)
    trouble = _find_trouble(hidden, unlogged, unread)
    again = None
    if trouble is None:
        again, trouble = _ask_again(scorer, row, reference)
    return AnswerExplanation(
        model=model,
        request_id=logged.request_id,
        row=logged.row,
        rows=1,
        earlier=0,
        at=logged.at,
        digest=logged.digest,
        generation=logged.generation,
        role=logged.role,
        task=schema.task,
        classes=schema.classes,
        logged=logged.answer,
        error=logged.error,
        again=again,
        trouble=trouble,
        inputs=again.inputs if again else list_standings(row, there, reference),
        difference=_difference(logged, again),
        tolerance=config.gate.agreement_tolerance,
        hidden=hidden,
        unlogged=unlogged,
        damages=0,
        threshold=schema.threshold,
    )


def _find_trouble(hidden: Sequence[str], unlogged: Sequence[str], unread: Sequence[str]) -> str | None:
    """Say why the row cannot be asked again, if so."""
    why = []
    if hidden:
        why.append(f"serving.hash and serving.leave_out keep {', '.join(hidden)} from the log")
    if unlogged:
        why.append(f"the log has no {', '.join(unlogged)}")
    if unread:
        why.append(f"what was logged is not of its type: {', '.join(unread)}")
    return "; ".join(why) or None


def _read_row(inputs: dict[str, Any], columns: Sequence[InputColumn]) -> tuple[dict[str, Any], list[str]]:
    """Return the values in the types of the bundle, and which of them are not of theirs."""
    import pandas as pd

    from millrace.steps.monitoring.skew import as_in_dataset

    if not columns:
        return {}, []
    raw = pd.DataFrame({one.name: [inputs[one.name]] for one in columns})
    typed = as_in_dataset(raw, tuple(columns)).iloc[0].to_dict()
    row = {one.name: _plain(typed[one.name], one.type) for one in columns}
    # beside nulls whole numbers are floats in the dataset, which keep no digits beyond 2**53; the service has
    whole = [one.name for one in columns if one.type is ColumnType.INT and type(inputs[one.name]) is int]
    row |= {name: inputs[name] for name in whole if row[name] is not None}
    unread = [
        f"{name} {value_text(inputs[name])[:40]!r}"
        for name, value in row.items()
        if value is None and inputs[name] is not None
    ]
    return row, unread


def _plain(value: Any, kind: ColumnType) -> Any:
    if value is None or value != value:  # noqa: PLR0124 - true of NaN and NaT alone
        return None
    match kind:
        case ColumnType.INT:
            return int(value)
        case ColumnType.BOOL:
            return bool(value)
        case ColumnType.FLOAT:
            return float(value)
        case ColumnType.STRING | ColumnType.TIMESTAMP:
            return str(value)


def _ask_again(
    scorer: "Scorer", row: dict[str, Any], reference: Profile
) -> tuple[RowExplanation | None, str | None]:
    try:
        return explain_row(scorer.answer, row, scorer.schema, reference), None
    except Exception as error:  # noqa: BLE001 - that a version breaks on a row is what was to be found out
        return None, f"the version breaks on this row: {type(error).__name__}: {error}"


def _difference(logged: "LoggedAnswer", again: RowExplanation | None) -> float | None:
    import numpy as np

    from millrace.domain.answers import measure_agreement

    if again is None or logged.answer is None or len(again.answer) != len(logged.answer):
        return None
    one, other = (np.array([answer], dtype=np.float64) for answer in (again.answer, logged.answer))
    return measure_agreement(one, other, 0.0).largest_difference
