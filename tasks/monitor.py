"""What a model is asked and answers in production."""

from millrace.domain.facts import ReportKept, WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.monitoring.table import monitoring_table
from millrace.steps.monitoring import compare, counting, health, look, performance, report
from millrace.steps.register import find_run_page
from tasks.retries import local_task, network_task
from tasks.show import show_link, show_markdown

next_window = network_task("find the window")(look.next_window)
count_window = local_task("count the window")(counting.count_window)
measure_drift = local_task("measure the drift")(compare.measure_drift)
measure_performance = network_task("measure the performance")(performance.measure_performance)
check_health = network_task("check the health")(health.check_health)
record_look = network_task("record the look")(look.record_look)
keep_report = network_task("keep the report")(report.keep_report)


@network_task("show the look")
def show_look(model: str, looked: WindowMonitored, found: WindowFindings, kept: ReportKept | None) -> None:
    """Show every verdict and the columns that matter most in the UI, with a link to the report."""
    at = f"{looked.start:%Y-%m-%d %H:%M:%S} to {looked.end:%Y-%m-%d %H:%M:%S} UTC"
    told = f"{model}: {looked.rows:,} rows and {looked.labels:,} labels, {at}"
    show_markdown(model, "monitoring", f"**{told}**\n\n{monitoring_table(looked, found)}", told)
    page = find_run_page(kept.run_id) if kept else None
    if page is not None:
        show_link(model, "drift-report", page, f"Report on {model}, {at}", "drawn by Evidently")
