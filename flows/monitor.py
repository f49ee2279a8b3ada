"""Monitor: look at what was asked and answered since the last look, and say what has crossed a line."""

from datetime import datetime

from prefect import flow

from millrace.adapters import clock
from millrace.domain.facts import WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.work import MonitorReason
from millrace.steps.claims import taking_turns
from tasks.alerts import send_alerts
from tasks.ending import end_monitor
from tasks.events import emit_detections
from tasks.monitor import (
    check_health,
    count_window,
    keep_report,
    measure_drift,
    measure_performance,
    next_window,
    record_look,
    show_look,
)
from tasks.run import run_id


@flow(name="monitor", flow_run_name="{model} · monitor · {reason}", persist_result=False)
def monitor(
    model: str,
    reason: MonitorReason = MonitorReason.BY_HAND,
    report: bool = False,
    now: datetime | None = None,
) -> WindowMonitored:
    """Count, score and judge the requests since the last look, and the labels that came for older answers.

    What is found goes into the ledger as one entry. Events follow it: they make a retraining happen soon,
    the entry makes it happen at all. The report is drawn when a line was crossed, or `report` asks for it.
    """
    now = now or clock.now()
    with taking_turns(f"monitor:{model}:look", run_id()) as claim:
        window = next_window(model, now)
        counted = count_window(model, window)
        found = WindowFindings(
            model, window.digest, window.start, window.end,
            drift=measure_drift(model, counted),
            performance=measure_performance(model, window),
            health=check_health(model, window, now),
        )  # fmt: skip
        looked = record_look(model, window, counted, found, claim, now)
    emit_detections(model, looked)
    kept = keep_report(model, looked, counted, found, report, now)
    show_look(model, looked, found, kept)
    send_alerts(model, now)
    return end_monitor(model, looked)
