"""Have so many requests come since the last look that the next one is due before its time?"""

from datetime import datetime

from millrace.adapters.prediction_log.answered import count_answered
from millrace.domain.facts import MonitoringDue
from millrace.settings import load_settings
from millrace.steps.claims import record_once
from millrace.steps.monitoring.last import find_last_look
from millrace.steps.stores import ledger, model_config


def notice_due(model: str, run_id: str, now: datetime) -> MonitoringDue | None:
    """Record, once, that a look is due: `[monitor].every_rows` rows were answered since the last one."""
    policy, since = model_config(model).monitor, find_last_look(model)
    if policy is None or policy.every_rows is None or since is None:
        return None
    last = ledger().last(model, MonitoringDue)
    # by the stretch that it is about: one that was noticed during a look says nothing of the rows after it
    if last is not None and isinstance(last.fact, MonitoringDue) and last.fact.since >= since:
        return None
    rows = count_answered(load_settings().predictions, model, since, now)
    if rows < policy.every_rows:
        return None
    fact = MonitoringDue(since, rows)
    return fact if record_once(f"due:{model}:{since.isoformat()}", model, fact, run_id, now) else None
