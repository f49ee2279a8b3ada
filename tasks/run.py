"""Which flow run is this?"""

from prefect.runtime import flow_run


def run_id() -> str:
    """Return the id of the flow run a task works for: the owner of its claims."""
    return str(flow_run.id)
