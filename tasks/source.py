"""What a schedule asks of a model's source."""

from millrace.steps import source
from tasks.retries import network_task

find_why_not = network_task("see whether it is due")(source.find_why_not)
finish_ingest = network_task("finish the run")(source.finish_ingest)
