"""What has arrived."""

from millrace.steps import arrivals
from tasks.retries import network_task

list_arrivals = network_task("list arrivals")(arrivals.list_arrivals)
stage_arrival = network_task("stage the batch")(arrivals.stage_arrival)
