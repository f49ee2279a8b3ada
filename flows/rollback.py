"""Rollback: the champion before the current one answers again."""

from datetime import datetime

from prefect import flow

from millrace.adapters import clock
from millrace.domain.facts import ChampionRolledBack
from tasks.alerts import send_alerts
from tasks.serve import publish_serving, roll_back


@flow(name="rollback", flow_run_name="{model} · rollback", persist_result=False)
def rollback(model: str, reason: str, now: datetime | None = None) -> ChampionRolledBack:
    """Go back one champion in the ledger's history, then publish it."""
    now = now or clock.now()
    fact = roll_back(model, reason, now)
    publish_serving(model, now)
    send_alerts(model, now)
    return fact
