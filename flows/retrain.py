"""Retrain: decide, train, judge, and let the challenger answer only if it proved itself."""

from datetime import datetime

from prefect import flow

from millrace.adapters import clock
from millrace.domain.decision import Reason
from millrace.domain.verdict import Outcome
from millrace.steps.claims import held
from millrace.steps.decide import RetrainResult
from tasks.alerts import send_alerts
from tasks.challenger import judge_challenger, load_rows, register_version, train_challenger
from tasks.decide import decide_retraining, finish_run
from tasks.ending import end_retrain
from tasks.rollout import start_rollout
from tasks.run import name_run
from tasks.serve import publish_serving


@flow(name="retrain", flow_run_name=name_run, persist_result=False)
def retrain(
    model: str,
    reason: Reason = Reason.BY_HAND,
    detail: str = "",
    force: bool = False,
    now: datetime | None = None,
) -> RetrainResult:
    """Train a challenger if there is reason to, judge its bundle, and hand it to a rollout on a pass.

    `detail` is what the one who asks has found, in its words, such as `0.41`.

    Every step leaves an entry under the run's claim and finds its own entry again, so a
    run that died is taken up where it stopped. What serves changes last, in one ledger
    transaction, if the champion is still the one that was judged against. The run is done
    once that is published and told, for the next one finds nothing more to do.
    """
    now = now or clock.now()
    decided = decide_retraining(model, reason, force, now, detail)
    if decided.claim is None:
        send_alerts(model, now)
        return end_retrain(RetrainResult(decided.decision))
    with held(decided.claim) as claim:
        rows = load_rows(model, decided.decision.inputs.dataset, now)
        trained = train_challenger(model, rows, decided.decision, claim, now)
        judged = judge_challenger(model, rows, trained, claim, now)
        registered = register_version(model, rows, trained, judged, claim, now)
        passed = judged.outcome is Outcome.PASS
        rollout = start_rollout(model, judged, claim, now) if passed else None
        publish_serving(model, now)
        send_alerts(model, now)
        finish_run(claim, judged)
    return end_retrain(RetrainResult(decided.decision, trained, judged, registered, rollout))
