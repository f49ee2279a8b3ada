"""When is a report about a window drawn, and where does it stand?"""

from datetime import datetime
from math import isfinite

from millrace.domain.canonical import readable_json
from millrace.domain.facts import ReportKept, WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.steps.actor import current_actor
from millrace.steps.monitoring.counting import CountedWindow
from millrace.steps.monitoring.drift import draw_drift
from millrace.steps.stores import catalogue, ledger, model_config


def keep_report(
    model: str,
    looked: WindowMonitored,
    counted: CountedWindow,
    found: WindowFindings,
    is_asked: bool,
    now: datetime,
) -> ReportKept | None:
    """Draw the report and keep it in the catalogue, when a line was crossed or somebody asks for it.

    Tried again, it is recorded once.
    """
    from millrace.adapters.catalogue import ReportRecord

    is_crossed = bool(looked.alarms) or looked.drift is not None or looked.decay is not None
    if not (is_crossed or is_asked):
        return None
    if (known := _find_kept(model, looked)) is not None:
        return known
    record = ReportRecord(
        model=model,
        digest=looked.digest,
        window=f"{looked.start:%Y-%m-%d %H:%M:%S} to {looked.end:%Y-%m-%d %H:%M:%S}",
        metrics=_metrics(looked, found),
        files={"findings.json": readable_json(found).encode(), **_draw(model, counted)},
        at=now,
    )
    fact = ReportKept(looked.end, catalogue().keep_report(record))
    ledger().append(model, fact, now, current_actor())
    return fact


def _find_kept(model: str, looked: WindowMonitored) -> ReportKept | None:
    """Return what was recorded of a report since the look that it is about."""
    for entry in ledger().newest_first(model, WindowMonitored, ReportKept):
        if isinstance(entry.fact, ReportKept) and entry.fact.end == looked.end:
            return entry.fact
        if entry.fact == looked:
            break
    return None


def _draw(model: str, counted: CountedWindow) -> dict[str, bytes]:
    config = model_config(model)
    if config.drift is None or counted.rows == 0:
        return {}
    drawn = draw_drift(counted.reference, counted.window, counted.troubles, config.drift, config.performance)
    return {"drift.html": drawn.html, "drift.json": drawn.json}


def _metrics(looked: WindowMonitored, found: WindowFindings) -> dict[str, float]:
    columns = found.drift.columns if found.drift else ()
    scores = {f"{one.part}/{one.column}": one.score for one in columns}
    loss = found.performance.overall.loss if found.performance else None
    counts = {"rows": float(looked.rows), "labels": float(looked.labels)}
    known = {**counts, "share": looked.share, "loss": loss, **scores}
    return {name: value for name, value in known.items() if value is not None and isfinite(value)}
