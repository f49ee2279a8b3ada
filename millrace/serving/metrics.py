"""What does a service tell Prometheus about itself?"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's name for the folder in which several workers share their counts."""

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)


class Metrics:
    """All counts of one process. `route` is the name of a route, never a path: paths are endless."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._counted: dict[tuple[str, str, int], int] = {}
        self.requests = Counter(
            "millrace_requests",
            "Requests answered or refused.",
            ["model", "route", "status"],
            registry=registry,
        )
        self.refusals = Counter(
            "millrace_refusals",
            "Requests refused, by the kind in the answer.",
            ["model", "kind"],
            registry=registry,
        )
        self.seconds = Histogram(
            "millrace_request_seconds",
            "From the whole request to its answer.",
            ["model", "route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.rows = Counter(
            "millrace_rows", "Rows scored by an arm.", ["model", "digest", "arm"], registry=registry
        )
        self.batch_rows = Histogram(
            "millrace_batch_rows", "Rows scored together.", ["model"], buckets=ROWS, registry=registry
        )
        self.non_finite = Counter(
            "millrace_non_finite_answers",
            "Rows without a finite answer.",
            ["model", "digest"],
            registry=registry,
        )
        self.violations = Counter(
            "millrace_schema_violations", "Fields the schema refused.", ["model", "field"], registry=registry
        )
        self.labels = Counter("millrace_labels", "Labels taken in.", ["model"], registry=registry)
        self.shadow_dropped = Counter(
            "millrace_shadow_dropped_rows", "Rows no shadow had time for.", ["model"], registry=registry
        )
        self.shadow_failed = Counter(
            "millrace_shadow_failed_rows", "Rows a shadow could not score.", ["model"], registry=registry
        )
        self.shadow_queue = _gauge(
            "millrace_shadow_queue_rows", "Rows that wait for a shadow.", ["model"], registry
        )
        self.active = _gauge("millrace_active_requests", "Requests being answered.", [], registry)
        self.connections = _gauge("millrace_connections", "Open connections.", [], registry)
        self.cut = Counter(
            "millrace_cut_connections", "Connections cut, by reason.", ["reason"], registry=registry
        )
        self.log_waiting = _gauge("millrace_log_waiting_frames", "Log frames not written yet.", [], registry)
        self.log_lost = _gauge("millrace_log_lost_frames", "Log frames lost since the start.", [], registry)
        self.log_failing = _gauge(
            "millrace_log_failing", "1 while the disk takes no log.", [], registry, "livemax"
        )
        self.generation = _gauge(
            "millrace_generation", "Generation that answers.", ["model"], registry, "livemax"
        )
        self.info = _gauge(
            "millrace_arm_weight",
            "Share in percent of each loaded arm; 0 when it left.",
            ["model", "digest", "arm"],
            registry,
            "livemax",
        )
        self.trouble = _gauge(
            "millrace_channel_trouble",
            "1 while the channel cannot be followed.",
            ["model", "kind"],
            registry,
            "livemax",
        )

    def count(self, model: str, route: str, status: int) -> None:
        """Count a request that is over; `flush`, which is slow, shows it within a second."""
        key = (model, route, status)
        self._counted[key] = self._counted.get(key, 0) + 1

    def flush(self) -> None:
        """Show what was counted."""
        counted, self._counted = self._counted, {}
        for labels, requests in counted.items():
            self.requests.labels(*labels).inc(requests)

    def exposition(self) -> bytes:
        """Return what Prometheus reads; of all workers where there are several."""
        self.flush()
        if MULTIPROCESS not in os.environ:
            return bytes(generate_latest(self._registry))
        _forget_dead(Path(os.environ[MULTIPROCESS]))
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return bytes(generate_latest(together))

    def show_process(self) -> None:
        """Add memory, CPU and file descriptors, which cannot be told of several workers at once."""
        if MULTIPROCESS not in os.environ:
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)


def _gauge(
    name: str,
    text: str,
    labels: Iterable[str],
    registry: CollectorRegistry,
    together: Literal["livesum", "livemax"] = "livesum",
) -> Gauge:
    return Gauge(name, text, labels, registry=registry, multiprocess_mode=together)


def _forget_dead(folder: Path) -> None:
    """Count no longer what a worker had that was killed: nobody else tells."""
    for pid in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*.db")}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
