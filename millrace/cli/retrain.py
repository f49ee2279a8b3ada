"""`millrace retrain`: train, judge, publish or refuse."""

import sys
from typing import TYPE_CHECKING

from millrace.cli.output import console, print_json, short, table, watched

if TYPE_CHECKING:
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

        result = flow(model, Reason.BY_HAND, force=force)
    if json:
        print_json(result)
    else:
        _show(model, result)
    sys.exit(_exit_code(result))


def _exit_code(result: "RetrainResult") -> int:
    from millrace.domain.facts import Action
    from millrace.domain.verdict import Outcome

    if result.decision.action is Action.BLOCK:
        return BLOCKED
    return REFUSED if result.judged is not None and result.judged.outcome is not Outcome.PASS else 0


def _show(model: str, result: "RetrainResult") -> None:
    from millrace.domain.verdict import Outcome

    out, made = console(), result.decision
    out.print(f"{made.action}: {made.reason}", soft_wrap=True)
    if result.trained is None or result.judged is None or result.registered is None:
        return
    trained, judged = result.trained, result.judged
    out.print(f"trained {short(trained.digest)} on {trained.rows:,} rows in {trained.seconds:.1f} s")
    verdicts = table("rule", "outcome", "reason")
    for verdict in judged.verdicts:
        verdicts.add_row(verdict.rule, verdict.outcome, verdict.reason)
    out.print(verdicts)
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
