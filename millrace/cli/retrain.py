"""`millrace retrain`: train, judge, publish or refuse."""

import sys
from typing import TYPE_CHECKING

from millrace.cli.ingest import show_batches
from millrace.cli.output import FALLBACK, console, print_json, short, table, watched

if TYPE_CHECKING:
    from millrace.steps.batch import IngestResult
    from millrace.steps.decide import RetrainResult

BLOCKED = 1
REFUSED = 3

NEEDED_LATER = (
    "flows.retrain",
    "pyarrow.parquet",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "skl2onnx",
    "onnxruntime",
    "mlflow.store.tracking.sqlalchemy_store",
)
"""Three seconds of imports, which cost nothing while Prefect's server starts on the other core."""


def retrain(model: str, *, force: bool = False, json: bool = False) -> None:
    """Decide, train, judge, and publish the challenger if it proved itself.

    What waits in the inbox or source of a model that never had a row is taken in first.
    The decision and its reasons are recorded also when nothing is trained. Drift and decay need no
    naming: what the ledger has of them is answered by the decision, whoever asks for it.

    Examples: `millrace retrain churn`, `millrace retrain churn --force`.

    Parameters
    ----------
    model
        A folder under models/.
    force
        Train in spite of the cooldown, the budget, the minimum of new rows and what was already tried
        against drift or decay. Equal inputs are never trained again: they would give the same bundle.
    json
        Write the result as JSON.
    """
    from flows.server import prefect_server

    with watched(f"{model} · retrain"), prefect_server(*NEEDED_LATER):
        from flows.retrain import retrain as flow
        from millrace.domain.decision import Reason

        taken_in = _take_in_first(model)
        result = flow(model, Reason.BY_HAND, force=force)
    if json:
        print_json(result)
    else:
        if taken_in:
            show_batches(model, taken_in)
        _show(model, result)
    sys.exit(_exit_code(result))


def _take_in_first(model: str) -> "list[IngestResult]":
    """Take in what waits for a model that never had a row: one that was just made by `new`, say."""
    from millrace.steps.dataset import current_dataset

    if current_dataset(model).parts:
        return []
    from flows.ingest import ingest

    return ingest(model)


def _exit_code(result: "RetrainResult") -> int:
    from millrace.domain.facts import Action
    from millrace.domain.verdict import Outcome

    if result.decision.action is Action.BLOCK:
        return BLOCKED
    return REFUSED if result.judged is not None and result.judged.outcome is not Outcome.PASS else 0


def _show(model: str, result: "RetrainResult") -> None:
    from millrace.domain.gate.report import is_asked
    from millrace.domain.gate.table import tell_not_asked, tell_outcome
    from millrace.domain.narration import tell_threshold
    from millrace.domain.verdict import Outcome

    out, made = console(), result.decision
    out.print(f"{made.action}: {made.reason}", soft_wrap=True)
    if result.trained is None or result.judged is None or result.registered is None:
        return
    trained, judged = result.trained, result.judged
    out.print(f"trained {short(trained.digest)} on {trained.rows:,} rows in {trained.seconds:.1f} s")
    if trained.fallback is not None:
        out.print(f"{FALLBACK}: {trained.fallback}", soft_wrap=True)
    if trained.threshold is not None:
        out.print(f"decides: {tell_threshold(trained.threshold)}")
    verdicts = table("rule", "outcome", "reason")
    for verdict in filter(is_asked, judged.verdicts):
        verdicts.add_row(verdict.rule, tell_outcome(verdict), verdict.reason)
    out.print(verdicts)
    if line := tell_not_asked(judged.verdicts):
        out.print(line)
    out.print(f"`millrace gate {short(trained.digest)}` shows their numbers", soft_wrap=True)
    out.print(f"version {result.registered.version} of {model}, `millrace why {short(trained.digest)}`")
    if judged.outcome is Outcome.PASS:
        _show_rollout(result)
    else:
        refused = f"REFUSED ({judged.outcome}), champion {short(judged.champion)} stays: {judged.reason}"
        out.print(refused, soft_wrap=True)  # one line, however long: scripts show the last one


def _show_rollout(result: "RetrainResult") -> None:
    from millrace.domain.narration import tell

    judged, rollout = result.judged, result.rollout
    if judged is None or rollout is None:
        return
    out = console()
    if rollout.after.champion == judged.digest:
        out.print(f"champion {short(judged.champion)} -> {short(judged.digest)}")
    else:
        out.print(tell(rollout.fact) if rollout.fact else f"waits: {rollout.reason}", soft_wrap=True)
        out.print(f"champion {short(judged.champion)} answers; `millrace rollout status` shows how far it is")
