"""What serves."""

from millrace.steps import serve
from tasks.retries import network_task

roll_back = network_task("roll back")(serve.roll_back)
publish_serving = network_task("publish what serves")(serve.publish_serving)
