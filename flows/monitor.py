"""Monitor: look at what was asked and answered since the last look, and say what has crossed a line."""

from datetime import datetime

from prefect import flow

from millrace.adapters import clock
from millrace.domain.facts import WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.work import MonitorReason
from millrace.steps.claims import taking_turns
from millrace.steps.monitoring.look import find_hindrance, newest_look
from tasks.alerts import send_alerts
from tasks.ending import end_monitor, skip_monitor
from tasks.events import emit_detections
from tasks.monitor import (
    check_health,
    count_window,
    find_newer_look,
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
) -> WindowMonitored | None:
    """Count, score and judge the requests since the last look, and the labels that came for older answers.

    What is found goes into the ledger as one entry. Events follow it: they make a retraining happen soon,
    the entry makes it happen at all. The report is drawn when a line was crossed, or `report` asks for it.
    One that somebody took meanwhile is not taken again, and a schedule waits for a champion.
    """
    hindrance, seen = find_hindrance(model, now or clock.now()), newest_look(model)
    if hindrance is not None and reason is not MonitorReason.BY_HAND:
        return skip_monitor(hindrance)
    with taking_turns(f"monitor:{model}:look", run_id()) as claim:
        if (taken := find_newer_look(model, seen)) is not None:
            return end_monitor(model, taken)
        window = next_window(model, now or clock.now())
        counted = count_window(model, window)
        found = WindowFindings(
            model, window.digest, window.start, window.end,
            drift=measure_drift(model, counted),
            performance=measure_performance(model, window),
            health=check_health(model, window, window.end),
        )  # fmt: skip
        looked = record_look(model, window, counted, found, claim, window.end)
    emit_detections(model, looked)
    kept = keep_report(model, looked, counted, found, report, window.end)
    show_look(model, looked, found, kept)
    send_alerts(model, window.end)
    return end_monitor(model, looked)
