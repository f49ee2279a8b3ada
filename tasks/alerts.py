"""Telling people."""

from datetime import datetime

from millrace.steps import alerts
from tasks.retries import network_task
from tasks.run import run_id


@network_task("send alerts")
def send_alerts(model: str, now: datetime) -> int:
    """Send what is due; return how many alerts could not be sent."""
    return alerts.send_alerts(model, run_id(), now)
