"""`millrace demo`: history again, in a folder of its own."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from millrace.cli.output import console, short, table, watched
from millrace.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from millrace.domain.replay import ReplayPage, ReplayRow, Timing
    from millrace.domain.rollout.timeline import Turn

HOME = PROJECT_ROOT / "var" / "demo"
PACKAGES = ("prefect", "mlflow", "dvc", "evidently", "scikit-learn", "onnxruntime", "pandas")


def demo() -> None:
    """Replay a year of real history, with the requests that were asked and how they ended, in minutes.

    Each month arrives, is validated, pinned, decided on, trained, judged, published; what is asked is looked
    at for drift and decay. One batch is corrupted, one challenger bad, one version slow, one learned from
    labels that a broken export had turned around. It runs on a simulated clock in var/demo, which is emptied
    first. Example: `millrace demo`.
    """
    _prepare_home()
    from flows.server import prefect_server
    from millrace.adapters import clock
    from millrace.adapters.models import find_demo
    from millrace.steps.replay.script import prediction_service

    model, script = find_demo(HOME / "models")
    clock.set_clock(script.bootstrap)
    out, rows = console(), []
    with watched(f"{model} · replay"), prefect_server("flows.replay"), prediction_service() as service:
        from flows.replay import replay_demo

        replay = replay_demo(model, script, service, _tell_turn)
        for row in replay.play():
            rows.append(row)
            out.print(f"{row.month}  {row.event:<15} {row.decision:<6} {row.gate:<13} {row.seconds:5.1f} s")
        page = _page(model, rows, replay.timings)
        out.print(_table(rows, page.metric_name))
        out.print(_times(page))
    out.print(f"page: {_write(page).relative_to(PROJECT_ROOT)}")
    folders = "MILLRACE_HOME=var/demo MILLRACE_MODELS=var/demo/models MILLRACE_CLOCK=var/demo/clock"
    out.print(f"look around: export {folders}", soft_wrap=True)
    out.print(f"             .venv/bin/millrace why {model}", soft_wrap=True)
    out.print(
        f"             .venv/bin/millrace ui, then http://127.0.0.1:8400/models/{model}/monitoring",
        soft_wrap=True,
    )


def _tell_turn(turn: "Turn") -> None:
    console().print(f"         {turn.after.phase:<9} {turn.after.weight:>3} %  {turn.told}")


def _prepare_home() -> None:
    """Empty the demo's home and copy the models into it: the demo changes one."""
    shutil.rmtree(HOME, ignore_errors=True)
    shutil.copytree(PROJECT_ROOT / "models", HOME / "models", ignore=shutil.ignore_patterns("__pycache__"))
    os.environ["MILLRACE_HOME"] = str(HOME)
    os.environ["MILLRACE_MODELS"] = str(HOME / "models")
    os.environ["MILLRACE_CLOCK"] = str(HOME / "clock")
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


def _times(page: "ReplayPage") -> object:
    shown = table("measured", "times", "median", "longest")
    for what, seconds in page.times.items():
        shown.add_row(what, str(len(seconds)), f"{median(seconds):.1f} s", f"{seconds[-1]:.1f} s")
    return shown


def _page(model: str, rows: "Sequence[ReplayRow]", timings: "Sequence[Timing]") -> "ReplayPage":
    from importlib.metadata import version

    from millrace.adapters import clock
    from millrace.domain.replay import ReplayPage
    from millrace.steps.stores import model_config

    versions = {package: version(package) for package in PACKAGES}
    metric = model_config(model).followed_metric.value
    return ReplayPage(model, metric, tuple(rows), versions, clock.wall_now(), tuple(timings))


def _write(page: "ReplayPage") -> Path:
    from millrace.adapters.report import render_replay

    path = HOME / "var" / "replay.html"
    path.write_text(render_replay(page), encoding="utf-8")
    return path
