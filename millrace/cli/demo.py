"""`millrace demo`: history again, in a folder of its own."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.cli.output import console, short, table, watched
from millrace.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from millrace.domain.replay import ReplayPage, ReplayRow

HOME = PROJECT_ROOT / "var" / "demo"
LIVE = """
on live requests: somebody asks for a precision that only scikit-learn has, slowly; then a broken export
turns labels around, which the gate cannot see, for its rows are turned too
"""
PACKAGES = ("prefect", "mlflow", "dvc", "scikit-learn", "onnxruntime", "pandas")


def demo() -> None:
    """Replay real history: each month arrives, is validated, pinned, decided on, trained, judged, published.

    It runs on a simulated clock in var/demo, which is emptied first. One corrupted batch ends
    in quarantine, one bad challenger is refused. Example: `millrace demo`.
    """
    _prepare_home()
    from flows.server import prefect_server
    from millrace.adapters.models import find_demo
    from millrace.steps.replay import prediction_service

    model, script = find_demo(HOME / "models")
    out, rows = console(), []
    with watched(f"{model} · replay"), prefect_server("flows.replay"), prediction_service() as service:
        from flows.live import LiveDemo
        from flows.replay import Replay

        for row in Replay(model, script, service).play():
            rows.append(row)
            out.print(f"{row.month}  {row.event:<15} {row.decision:<6} {row.gate:<13} {row.seconds:5.1f} s")
        page = _page(model, rows)
        out.print(_table(rows, page.metric_name))
        if script.live is not None:
            out.print(LIVE)
        for turn in LiveDemo(model, script.live, service).play() if script.live else ():
            out.print(f"{turn.at:%H:%M:%S}  {turn.after.phase:<9} {turn.after.weight:>3} %  {turn.told}")
    out.print(f"page: {_write(page).relative_to(PROJECT_ROOT)}")
    out.print("look around: export MILLRACE_HOME=var/demo MILLRACE_MODELS=var/demo/models")
    out.print(f"             .venv/bin/millrace why {model}", soft_wrap=True)
    out.print(
        f"             .venv/bin/millrace ui, then http://127.0.0.1:8400/models/{model}/rollout",
        soft_wrap=True,
    )


def _prepare_home() -> None:
    """Empty the demo's home and copy the models into it: the demo changes one."""
    shutil.rmtree(HOME, ignore_errors=True)
    shutil.copytree(PROJECT_ROOT / "models", HOME / "models", ignore=shutil.ignore_patterns("__pycache__"))
    os.environ["MILLRACE_HOME"] = str(HOME)
    os.environ["MILLRACE_MODELS"] = str(HOME / "models")
    elsewhere = ("LEDGER_URL", "ALERT_URLS", "CHANNEL", "SITE", "MLFLOW_UI")
    for address in ("MLFLOW_TRACKING_URI", *(f"MILLRACE_{name}" for name in elsewhere)):
        os.environ.pop(address, None)


def _table(rows: "Sequence[ReplayRow]", metric: str) -> object:
    columns = ("month", "rows", "event", "decision", "gate", "champion before", "after")
    shown = table(*columns, f"{metric} frozen", f"{metric} kept", "seconds")
    for row in rows:
        scores = ("" if score is None else f"{score:.3f}" for score in (row.frozen, row.kept))
        champions = short(row.champion_before), short(row.champion_after)
        shown.add_row(
            row.month, f"{row.rows:,}", row.event, row.decision, row.gate, *champions, *scores,
            f"{row.seconds:.1f}",
        )  # fmt: skip
    return shown


def _page(model: str, rows: "Sequence[ReplayRow]") -> "ReplayPage":
    from importlib.metadata import version

    from millrace.adapters import clock
    from millrace.domain.replay import ReplayPage
    from millrace.steps.stores import model_config

    versions = {package: version(package) for package in PACKAGES}
    return ReplayPage(model, model_config(model).gate.metric.value, tuple(rows), versions, clock.now())


def _write(page: "ReplayPage") -> Path:
    from millrace.adapters.report import render_replay

    path = HOME / "var" / "replay.html"
    path.write_text(render_replay(page), encoding="utf-8")
    return path
