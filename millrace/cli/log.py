"""`millrace log`: what was answered, and by whom."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cyclopts import App

from millrace.cli.output import console, print_json, short, table

if TYPE_CHECKING:
    from millrace.adapters.prediction_log.reader import Window

log = App(name="log", help="What was answered: `millrace log MODEL`, or `millrace log compact`.")


@log.default
def show(model: str, *, since: timedelta = timedelta(hours=1), json: bool = False) -> None:
    """Show how many rows each version answered, and what became of their labels.

    Examples: `millrace log churn`, `millrace log churn --since 7d --json`.

    Parameters
    ----------
    model
        A folder under models/.
    since
        How far back: a number and one of s m h d w.
    json
        Write the counts as JSON.
    """
    from millrace.adapters import clock
    from millrace.steps.prediction_log import read_log

    window = read_log(model, since, clock.now())
    if json:
        found = {"model": model, "versions": _versions(window), "damages": list(window.damages)}
        print_json(found | {"rows": window.rows} | _counts(window))
        return
    shown = table("version", "role", "generation", "rows", "without answer", "labelled", "median ms")
    for one in _versions(window):
        median = f"{one['median_us'] / 1000:.2f}" if one["median_us"] is not None else ""
        counts = (f"{one[name]:,}" for name in ("rows", "without_answer", "labelled"))
        shown.add_row(short(one["digest"]), one["role"], str(one["generation"]), *counts, median)
    out = console()
    out.print(shown if window.rows or len(window.shadows) else f"{model}: nothing was answered in that time")
    counted = [f"{name.replace('_', ' ')} {count:,}" for name, count in _counts(window).items()]
    out.print(", ".join(counted))
    for damage in window.damages:
        out.print(f"{damage.file}: unreadable from byte {damage.offset}: {damage.reason}", soft_wrap=True)


@log.command
def compact(*, json: bool = False) -> None:
    """Turn closed segments into parquet, remove what is older than its retention.

    Example: `millrace log compact`.

    Parameters
    ----------
    json
        Write JSON instead of text.
    """
    from millrace.adapters import clock
    from millrace.steps.prediction_log import compact_log

    done = compact_log(clock.now())
    if json:
        print_json(done)
        return
    out = console()
    if done.compacted.is_busy:
        out.print("another compaction is at work")
    counts = f"{done.compacted.segments:,} segments, {done.compacted.rows:,} rows"
    out.print(f"{counts} compacted; {done.expired:,} expired files removed")
    for damage in done.compacted.damages:
        out.print(f"{damage.file}: unreadable from byte {damage.offset}: {damage.reason}", soft_wrap=True)


def _versions(window: "Window") -> list[dict[str, Any]]:
    return [*_summed(window.predictions, None), *_summed(window.shadows, "shadow")]


def _summed(frame: Any, role: str | None) -> list[dict[str, Any]]:
    from millrace.adapters.prediction_log.frames import answer_columns

    found = []
    for (generation, digest), rows in frame.groupby(["generation", "digest"]):
        found.append(
            {
                "digest": digest,
                "role": role or rows["role"].iloc[-1],
                "generation": int(generation),
                "rows": len(rows),
                "without_answer": int(rows[answer_columns(rows)].isna().all(axis=1).sum()),
                "labelled": int(rows["label"].notna().sum()) if "label" in rows else 0,
                "median_us": float(rows["latency_us"].median()),
            }
        )
    return found


def _counts(window: "Window") -> dict[str, int]:
    labels = window.labels
    return {
        "duplicates": window.duplicates,
        "stray_shadows": window.stray_shadows,
        "failed_shadows": window.failed_shadows,
        "labelled": labels.joined,
        "repeated_labels": labels.repeated,
        "contradicting_labels": labels.contradicting,
        "late_labels": labels.late,
        "unknown_labels": labels.unknown,
    }
