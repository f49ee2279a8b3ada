"""What a model is asked and answers in production."""

from datetime import datetime

from millrace.domain.facts import ReportKept, WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.monitoring.table import monitoring_table
from millrace.errors import UnavailableError
from millrace.steps.monitoring import compare, counting, health, look, performance, report
from millrace.steps.monitoring.counting import CountedWindow
from millrace.steps.register import find_run_page
from tasks.retries import local_task, network_task
from tasks.show import show_link, show_markdown, tell

find_newer_look = network_task("see who has looked")(look.find_newer_look)
next_window = network_task("find the window")(look.next_window)
count_window = local_task("count the window")(counting.count_window)
measure_drift = local_task("measure the drift")(compare.measure_drift)
measure_performance = network_task("measure the performance")(performance.measure_performance)
check_health = network_task("check the health")(health.check_health)
record_look = network_task("record the look")(look.record_look)
_keep_report = network_task("keep the report")(report.keep_report)


def keep_report(
    model: str,
    looked: WindowMonitored,
    counted: CountedWindow,
    found: WindowFindings,
    is_asked: bool,
    now: datetime,
) -> ReportKept | None:
    """Keep the report where the catalogue answers: the look is recorded, and people are told either way."""
    try:
        return _keep_report(model, looked, counted, found, is_asked, now)
    except UnavailableError as error:
        tell(f"{model}: there is no report about the window: {error}")
        return None


@network_task("show the look")
def show_look(model: str, looked: WindowMonitored, found: WindowFindings, kept: ReportKept | None) -> None:
    """Show every verdict and the columns that matter most in the UI, with a link to the report."""
    at = f"{looked.start:%Y-%m-%d %H:%M:%S} to {looked.end:%Y-%m-%d %H:%M:%S} UTC"
    told = f"{model}: {looked.rows:,} rows and {looked.labels:,} labels, {at}"
    show_markdown(model, "monitoring", f"**{told}**\n\n{monitoring_table(looked, found)}", told)
    page = find_run_page(kept.run_id) if kept else None
    if page is not None:
        show_link(model, "drift-report", page, f"Report on {model}, {at}", "drawn by Evidently")
