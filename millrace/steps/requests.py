"""Asking for flow runs: each attempt once, recorded before anybody is asked."""

from datetime import datetime

from millrace.domain.facts import AutomationResumed, RunParked, RunRequested
from millrace.domain.ledger import Entry
from millrace.domain.work import Work
from millrace.steps.claims import record_once
from millrace.steps.stores import ledger


def list_requests(model: str) -> list[Entry]:
    """List what was asked for and given up on the model, and when that was made good."""
    return ledger().entries(model, (RunRequested, RunParked, AutomationResumed))


def list_parked(model: str) -> list[RunParked]:
    """List what was given up since a person resumed the model, and whose inputs nobody has changed since."""
    parked: dict[str, RunParked] = {}
    for entry in list_requests(model):
        match entry.fact:
            case RunParked() as fact:
                parked[fact.flow] = fact
            case RunRequested() as fact:
                parked.pop(fact.flow, None)
            case _:
                parked.clear()
    return list(parked.values())


def name_request(key: str, number: int) -> str:
    """Name an attempt: who asks Prefect for it again gets the same flow run."""
    return f"{key}#{number}"


def record_request(work: Work, number: int, run_id: str, now: datetime) -> bool:
    """Record, once, that attempt `number` is asked for; False while another controller does so."""
    fact = RunRequested(work.key, work.flow, f"{work.reason}, {work.detail}", number)
    return record_once(f"request:{name_request(work.key, number)}", work.model, fact, run_id, now)


def park_work(work: Work, attempts: int, run_id: str, now: datetime) -> None:
    """Give up on the work until its inputs change or a person resumes the model."""
    made = [entry.fact for entry in list_requests(work.model)]
    number = sum(isinstance(fact, RunRequested) and fact.key == work.key for fact in made)
    fact = RunParked(work.key, work.flow, attempts, f"{work.reason}, {work.detail}: still undone")
    record_once(f"park:{name_request(work.key, number)}", work.model, fact, run_id, now)
