"""The servers that are not ours: an echo, and what people use today."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import joblib

from benchmarks.serving.contender import Contender
from benchmarks.serving.model import Served
from benchmarks.serving.peers import ensure_peers
from benchmarks.serving.process import Running, free_port, running
from millrace.domain.trusted import TRUSTED_TYPES

PROGRAMS = Path(__file__).with_name("programs")

ECHO = "uvicorn echo"
MLFLOW = "MLflow"
MLFLOW_SCHEMA = "MLflow with a schema"
BENTOML = "BentoML batched"
LITSERVE = "LitServe batched"
FASTAPI = "FastAPI, a frame each"

Start = Callable[[], AbstractContextManager[Running]]


def list_others(folder: Path, served: Served, cache: Path) -> tuple[Contender, ...]:
    """Save the pipeline as each of them wants it, and say how each is started and asked."""
    pipeline = str(folder / "pipeline.joblib")
    joblib.dump(served.pipeline, pipeline)
    peers = str(ensure_peers(cache))
    log = folder / "others.log"

    def own(name: str, ready: str) -> Start:
        return _starting(lambda port: [sys.executable, _program(name), str(port), pipeline], ready, log)

    def lit(port: int) -> list[str]:
        return [peers, _program("lit.py"), str(port), pipeline]

    def bento(port: int) -> list[str]:
        command = [peers, "-m", "bentoml", "serve", "bento:Served", "--working-dir", str(PROGRAMS)]
        return [*command, "--host", "127.0.0.1", "--port", str(port)]

    return (
        Contender(ECHO, own("echo.py", "/"), "/", lambda row: row, None),
        _mlflow(MLFLOW, folder, served, has_schema=False),
        _mlflow(MLFLOW_SCHEMA, folder, served, has_schema=True),
        Contender(
            BENTOML,
            _starting(bento, "/readyz", log, SERVED_PIPELINE=pipeline),
            "/predict",
            lambda row: {"rows": [row]},
            lambda reply: float(reply[0]),
        ),
        Contender(
            LITSERVE,
            _starting(lit, "/health", log),
            "/predict",
            lambda row: row,
            lambda reply: float(reply["answer"]),
        ),
        Contender(
            FASTAPI,
            own("frame.py", "/openapi.json"),
            "/predict",
            lambda row: row,
            lambda reply: float(reply["answer"]),
        ),
    )


def _mlflow(name: str, folder: Path, served: Served, *, has_schema: bool) -> Contender:
    """MLflow's scoring server; only with a signature does it check and convert each column."""
    import mlflow.sklearn
    import pandas as pd
    from mlflow.models import infer_signature

    rows, model = pd.DataFrame(list(served.sent)), str(folder / name.replace(" ", "-"))
    mlflow.sklearn.save_model(
        served.pipeline,
        model,
        skops_trusted_types=list(TRUSTED_TYPES),
        pyfunc_predict_fn="predict_proba",
        pip_requirements=["scikit-learn"],
        signature=infer_signature(rows, served.pipeline.predict_proba(rows)) if has_schema else None,
    )

    def command(port: int) -> list[str]:
        serve = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", model]
        return [
            *serve,
            "--env-manager",
            "local",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "1",
        ]

    # the server is found on the PATH
    start = _starting(
        command, "/ping", folder / "others.log", PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin"
    )
    return Contender(
        name,
        start,
        "/invocations",
        lambda row: {"dataframe_records": [row]},
        lambda reply: float(reply["predictions"][0][1]),
    )


def _starting(command: Callable[[int], Sequence[str]], ready: str, log: Path, **changes: str) -> Start:
    def start() -> AbstractContextManager[Running]:
        port = free_port()
        return running(command(port), port, ready, log, changes)

    return start


def _program(name: str) -> str:
    return str(PROGRAMS / name)
