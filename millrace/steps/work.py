"""Which work on a model waits for a flow run, by what the ledger, the inbox and the clock say?"""

from datetime import datetime, timedelta

from millrace.domain.canonical import sha256_of
from millrace.domain.decision import CONTRACT, Decision, DecisionFacts, Reason, decide, is_final, run_key
from millrace.domain.facts import Action, DecisionMade, Inputs, MonitoringDue, WindowMonitored
from millrace.domain.schedule import last_due
from millrace.domain.work import FlowName, IngestReason, MonitorReason, Work
from millrace.steps.automation import find_pause
from millrace.steps.claims import is_in_hand, list_dead_claims
from millrace.steps.inbox import InboxWatch
from millrace.steps.monitoring.last import find_last_look
from millrace.steps.retrain_facts import find_inputs, find_period, gather_facts
from millrace.steps.source import find_source_due
from millrace.steps.stores import ledger, model_config

FEW = 3
"""As many files are told by their names."""
DAY = timedelta(days=1)
AT_ONCE = timedelta(0)
AFTER_THE_EVENT = timedelta(seconds=20)
"""A run that an event starts has decided within 3 seconds, or 10 on busy cores."""
AFTER_THE_SCHEDULE = timedelta(seconds=60)

_MINUTE = "%Y-%m-%dT%H:%M"


def find_work(model: str, inbox: InboxWatch, now: datetime) -> list[Work]:
    """List what waits for a flow run; nothing does while a person has paused the model."""
    if find_pause(model) is not None:
        return []
    found = (
        find_arrived(model, inbox),
        _find_source_work(model, now),
        _find_dead_ingest(model),
        _find_training(model, now),
        _find_refit(model, now),
        _find_monitoring(model, now),
    )
    return [work for work in found if work is not None]


def find_arrived(model: str, inbox: InboxWatch) -> Work | None:
    """Return the work that new files in the inbox are, all of them in one."""
    unseen = inbox.list_unseen(model)
    if not unseen or is_in_hand(model, FlowName.INGEST) or find_pause(model) is not None:
        return None
    many = len(unseen) > FEW
    names = f"{len(unseen)} files" if many else ", ".join(path.name for path in unseen)
    key = f"ingest:{model}:inbox:{sha256_of(sorted(unseen.values()))}"
    files = tuple(str(path) for path in unseen)
    return Work(FlowName.INGEST, model, key, IngestReason.ARRIVED, names, AT_ONCE, files)


def _find_source_work(model: str, now: datetime) -> Work | None:
    due = find_source_due(model, now)
    if due is None:
        return None
    key = f"ingest:{model}:due:{due:{_MINUTE}}"
    detail = f"due at {due:%Y-%m-%d %H:%M} UTC"
    return Work(FlowName.INGEST, model, key, IngestReason.SCHEDULE, detail, AFTER_THE_SCHEDULE)


def _find_dead_ingest(model: str) -> Work | None:
    """Return the batches of a source that died half way; a file of the inbox is seen there again."""
    dead = [claim.key for claim in list_dead_claims(model, FlowName.INGEST)]
    if not dead or model_config(model).data.source == "files":
        return None
    key = f"ingest:{model}:died:{sha256_of(sorted(dead))}"
    detail = f"{len(dead)} batches are half done"
    return Work(FlowName.INGEST, model, key, IngestReason.DIED, detail, AT_ONCE)


def _find_training(model: str, now: datetime) -> Work | None:
    """Return the training that is due by the very policy the run will ask, if no run is at it."""
    inputs = find_inputs(model)
    facts, last = gather_facts(model, inputs, frozenset(), now), _last_decision(model, inputs)
    decision, key = decide(facts, model_config(model).retrain), run_key(model, inputs)
    if is_in_hand(model, FlowName.RETRAIN):
        return None
    # the run that was blocked counted the judged blocks: more data, the schedule or a day asks again
    is_recent = facts.decided_at is not None and now - facts.decided_at < DAY
    is_blocked = last is not None and _is_blocked_by_rows(last) and is_recent
    if decision.action is Action.TRAIN and not ledger().is_done(key) and not is_blocked:
        # what was decided and died is taken up at once; an event gets its time, and a person who edits
        is_begun = last is not None and last.action is Action.TRAIN
        patience = AT_ONCE if is_begun else AFTER_THE_EVENT
        return Work(FlowName.RETRAIN, model, key, _reason_of(decision), decision.reason, patience)
    if facts.detections and is_final(decision) and not is_blocked:
        return _find_answer(model, facts, decision)
    return _find_missed_period(model, facts)


def _reason_of(decision: Decision) -> str:
    """Return why: drift or decay above all, for the record that somebody acted on it."""
    asking = {finding.rule for finding in decision.findings if finding.action is Action.TRAIN}
    first = [Reason.DRIFT.value, Reason.DECAY.value, *(reason.value for reason in Reason)]
    return next(reason for reason in first if reason in asking)


def _find_answer(model: str, facts: DecisionFacts, decision: Decision) -> Work:
    """Return the recording of what no training can answer: a person is asked by it, once."""
    newest = facts.detections[-1]
    reason = Reason.DRIFT if newest.drift is not None else Reason.DECAY
    key = f"answer:{model}:{newest.seq}"
    return Work(FlowName.RETRAIN, model, key, reason.value, decision.reason, AFTER_THE_EVENT)


def _find_missed_period(model: str, facts: DecisionFacts) -> Work | None:
    if facts.due is None or (facts.decided_at is not None and facts.decided_at >= facts.due):
        return None
    key, detail = f"schedule:{model}:{facts.due:{_MINUTE}}", f"due at {facts.due:%Y-%m-%d %H:%M} UTC"
    return Work(FlowName.RETRAIN, model, key, Reason.SCHEDULE.value, detail, AFTER_THE_SCHEDULE)


def _find_refit(model: str, now: datetime) -> Work | None:
    if model_config(model).retrain.refit_schedule is None or is_in_hand(model, FlowName.RETRAIN):
        return None
    period = find_period(model, Reason.REFIT, now)
    if period.due is None or not period.is_missed:
        return None
    key, detail = f"refit:{model}:{period.due:{_MINUTE}}", f"due at {period.due:%Y-%m-%d %H:%M} UTC"
    return Work(FlowName.RETRAIN, model, key, Reason.REFIT.value, detail, AFTER_THE_SCHEDULE)


def _find_monitoring(model: str, now: datetime) -> Work | None:
    """Return the look that is due by the clock, or by the requests that came since the last one."""
    policy = model_config(model).monitor
    if policy is None or is_in_hand(model, FlowName.MONITOR):
        return None
    looked_at = find_last_look(model)
    if looked_at is None:
        return None
    due = last_due(policy.schedule, now)
    # a look by a clock that was ahead proves nothing
    if due > looked_at or looked_at > now:
        key, detail = f"monitor:{model}:due:{due:{_MINUTE}}", f"due at {due:%Y-%m-%d %H:%M} UTC"
        return Work(FlowName.MONITOR, model, key, MonitorReason.SCHEDULE.value, detail, AFTER_THE_SCHEDULE)
    last = ledger().last(model, MonitoringDue, WindowMonitored)
    if last is None or not isinstance(last.fact, MonitoringDue):
        return None
    key, detail = f"monitor:{model}:rows:{last.seq}", f"{last.fact.rows:,} rows since the last look"
    return Work(FlowName.MONITOR, model, key, MonitorReason.ROWS.value, detail, AT_ONCE)


def _is_blocked_by_rows(made: DecisionMade) -> bool:
    return any(one.action is Action.BLOCK and one.rule != CONTRACT for one in made.findings)


def _last_decision(model: str, inputs: Inputs) -> DecisionMade | None:
    """Return what was decided last, if it was about these inputs; refits are decided on apart."""
    for entry in ledger().newest_first(model, DecisionMade):
        made = entry.fact
        if isinstance(made, DecisionMade) and not made.inputs.is_refit:
            return made if made.inputs == inputs else None
    return None
