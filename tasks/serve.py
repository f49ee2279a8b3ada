"""What serves."""

from millrace.steps import serve
from tasks.retries import network_task

promote_challenger = network_task("promote the challenger")(serve.promote_challenger)
roll_back = network_task("roll back")(serve.roll_back)
publish_serving = network_task("publish what serves")(serve.publish_serving)
