"""Which flow run is this?"""

from prefect.runtime import flow_run


def run_id() -> str:
    """Return the id of the flow run a task works for: the owner of its claims."""
    return str(flow_run.id)


def name_person(who: str) -> str | None:
    """Return who says something by Prefect's form, which asks nobody for a password; None without a name."""
    return f"{who.strip()} (Prefect)" if who.strip() else None


def name_run() -> str:
    """Return what people read in a list of runs: `churn · retrain · drift 0.41`."""
    asked = flow_run.parameters
    reason = asked["reason"]
    words = f"{getattr(reason, 'value', reason)} {asked['detail']}".rstrip()
    return f"{asked['model']} · {flow_run.flow_name} · {words}"
