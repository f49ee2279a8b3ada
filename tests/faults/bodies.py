"""The bodies of the flows, as they stand in flows/, over the plain steps: a run without Prefect's seconds."""

from collections.abc import Callable
from datetime import datetime
from types import FunctionType, ModuleType
from typing import Any
from uuid import uuid4

from prefect import Task

from flows import ingest as ingest_module
from flows import retrain as retrain_module
from millrace.domain.decision import Reason
from millrace.domain.work import IngestReason
from millrace.steps import (
    alerts,
    arrivals,
    batch,
    dataset,
    decide,
    gate,
    register,
    rollout,
    rows,
    serve,
    source,
    train,
)
from tests.faults.tides import MODEL, NOW

Steps = dict[str, Callable[..., Any]]


def ingest(model: str = MODEL, now: datetime = NOW) -> list[batch.IngestResult]:
    run_id = str(uuid4())
    steps: Steps = {
        "list_arrivals": arrivals.list_arrivals,
        "stage_arrival": arrivals.stage_arrival,
        "claim_batch": lambda arrival, staged: batch.claim_batch(arrival, staged, run_id),
        "check_batch": batch.hold_to_contract,
        "accept_batch": batch.accept_batch,
        "quarantine_batch": batch.quarantine_batch,
        "publish_dataset": dataset.publish_dataset,
        "find_why_not": source.find_why_not,
        "finish_ingest": source.finish_ingest,
        "emit_data_pinned": lambda _model, _results: None,
        "send_alerts": lambda model, now: alerts.send_alerts(model, run_id, now),
    }
    return _run_body(ingest_module, "ingest", steps, model, None, now, IngestReason.BY_HAND, "")


def retrain(model: str = MODEL, now: datetime = NOW) -> decide.RetrainResult:
    run_id = str(uuid4())
    steps: Steps = {
        "decide_retraining": lambda model, reason, force, now, detail: decide.decide_retraining(
            model, reason, force, now, run_id, detail
        ),
        "load_rows": rows.load_rows,
        "train_challenger": lambda *work: train.train_challenger(*work, lambda _done, _total: None),
        "judge_challenger": gate.judge_challenger,
        "register_version": register.register_version,
        "start_rollout": rollout.start_rollout,
        "publish_serving": serve.publish_serving,
        "finish_run": decide.finish_run,
        "send_alerts": lambda model, now: alerts.send_alerts(model, run_id, now),
    }
    return _run_body(retrain_module, "retrain", steps, model, Reason.BY_HAND, "", False, now)


def _run_body(module: ModuleType, name: str, steps: Steps, *arguments: Any) -> Any:
    tasks = {key for key, value in vars(module).items() if isinstance(value, Task)}
    if tasks != steps.keys():
        raise LookupError(f"the body of {name} calls {sorted(tasks)}, known are {sorted(steps)}")
    names = vars(module) | steps | dict.fromkeys(("end_retrain", "end_ingest"), lambda result: result)
    own = {
        key: FunctionType(value.__code__, names)
        for key, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    }
    names.update(own)
    return FunctionType(vars(module)[name].fn.__code__, names)(*arguments)
