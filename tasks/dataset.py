"""The dataset's files."""

from millrace.steps import dataset
from tasks.retries import network_task

publish_dataset = network_task("pin the dataset")(dataset.publish_dataset)
