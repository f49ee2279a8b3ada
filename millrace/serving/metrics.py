"""What does a service tell Prometheus about itself?"""

import os
from bisect import bisect_left
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's name for the folder in which several workers share their counts."""

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)


class TalliedHistogram(Histogram):
    """A histogram that counts in plain numbers until it is flushed: each request would wait for two locks."""

    def _metric_init(self) -> None:
        super()._metric_init()
        self._tally, self._total = [0] * len(self._upper_bounds), 0.0

    def observe(self, amount: float, _exemplar: object = None) -> None:
        """Count an amount; only the event loop may."""
        self._tally[bisect_left(self._upper_bounds, amount)] += 1
        self._total += amount

    def flush(self) -> None:
        """Show what was counted under each of the labels."""
        children: tuple[TalliedHistogram, ...] = tuple(self._metrics.values())  # type: ignore[arg-type]
        for child in children:
            child.flush_tally()

    def flush_tally(self) -> None:
        """Show what was counted here."""
        tally, self._tally = self._tally, [0] * len(self._tally)
        total, self._total = self._total, 0.0
        self._sum.inc(total)
        for bucket, times in zip(self._buckets, tally, strict=True):
            if times:
                bucket.inc(times)


class Metrics:
    """All counts of one process. `route` is the name of a route, never a path: paths are endless."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._counted: dict[tuple[str, str, int], int] = {}
        counter, histogram = partial(Counter, registry=registry), partial(TalliedHistogram, registry=registry)
        summed = partial(Gauge, registry=registry, multiprocess_mode="livesum")
        highest = partial(Gauge, registry=registry, multiprocess_mode="livemax")
        per_model = ["model"]
        self.requests = counter(
            "millrace_requests", "Requests answered or refused.", ["model", "route", "status"]
        )
        self.refusals = counter(
            "millrace_refusals", "Requests refused, by the kind in the answer.", ["model", "kind"]
        )
        self.seconds = histogram(
            "millrace_request_seconds",
            "From the whole request to its answer.",
            ["model", "route"],
            buckets=SECONDS,
        )
        self.batch_rows = histogram("millrace_batch_rows", "Rows scored together.", per_model, buckets=ROWS)
        self.rows = counter("millrace_rows", "Rows scored by an arm.", ["model", "digest", "arm"])
        self.non_finite = counter(
            "millrace_non_finite_answers", "Rows without a finite answer.", ["model", "digest"]
        )
        self.violations = counter(
            "millrace_schema_violations", "Fields the schema refused.", ["model", "field"]
        )
        self.labels = counter("millrace_labels", "Labels taken in.", per_model)
        self.shadow_dropped = counter(
            "millrace_shadow_dropped_rows", "Rows no shadow had time for.", per_model
        )
        self.shadow_failed = counter(
            "millrace_shadow_failed_rows", "Rows a shadow could not score.", per_model
        )
        self.shadow_queue = summed("millrace_shadow_queue_rows", "Rows that wait for a shadow.", per_model)
        self.active = summed("millrace_active_requests", "Requests being answered.")
        self.connections = summed("millrace_connections", "Open connections.")
        self.cut = counter("millrace_cut_connections", "Connections cut, by reason.", ["reason"])
        self.log_waiting = summed("millrace_log_waiting_frames", "Log frames not written yet.")
        self.log_lost = summed("millrace_log_lost_frames", "Log frames lost since the start.")
        self.log_failing = highest("millrace_log_failing", "1 while the disk takes no log.")
        self.generation = highest("millrace_generation", "Generation that answers.", per_model)
        self.info = highest(
            "millrace_arm_weight",
            "Share in percent of each loaded arm; 0 when it left.",
            ["model", "digest", "arm"],
        )
        self.trouble = highest(
            "millrace_channel_trouble", "1 while the channel cannot be followed.", ["model", "kind"]
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
        self.seconds.flush()
        self.batch_rows.flush()

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


def _forget_dead(folder: Path) -> None:
    """Count no longer what a worker had that was killed: nobody else tells."""
    for pid in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*.db")}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
