"""What does the site tell Prometheus about models in production?"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from millrace.domain.facts import WindowMonitored
from millrace.domain.monitoring.findings import DriftFindings, PerformanceFindings
from millrace.domain.monitoring.table import order_by_concern
from millrace.domain.verdict import Outcome
from millrace.site.sharing import Shared
from millrace.steps.monitoring.newest import Newest, list_newest

COLUMNS = 20
"""So many columns of a model have a score, those of most concern: a thousand would be a thousand series."""

_CODES = {Outcome.PASS: 0, Outcome.INCONCLUSIVE: 1, Outcome.FAIL: 2}


class Exposition:
    """One scrape: what is so when Prometheus asks, and nothing that was so before."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        gauge = partial(Gauge, registry=self._registry)
        one, column = ["model"], ["model", "part", "column"]
        self._share = gauge("millrace_drift_share", "Share of the inputs that have drifted.", one)
        self._score = gauge(
            "millrace_drift_score", "Distance of a column; of the few of most concern.", column
        )
        self._threshold = gauge("millrace_drift_threshold", "From which distance on it has drifted.", column)
        self._loss = gauge("millrace_loss", "What is lost by the labels that have come.", ["model", "metric"])
        self._level = gauge("millrace_loss_level", "What was lost at the gate.", ["model", "metric"])
        self._rows = gauge("millrace_monitored_rows", "Rows of the newest window.", one)
        self._labels = gauge("millrace_monitored_labels", "Labels that its look went by.", one)
        self._watched = gauge(
            "millrace_watched", "0 as it should be, 1 could not be judged, 2 not.", ["model", "watched"]
        )
        self._looked = gauge("millrace_last_look_timestamp_seconds", "Up to when somebody looked.", one)
        self._since = gauge("millrace_champion_since_timestamp_seconds", "Since when it answers.", one)
        self._kept = gauge(
            "millrace_findings_kept", "1 if what the newest look found of each column can be read.", one
        )

    def add(self, newest: Newest) -> None:
        """Tell of one model; what is not known is left out, and never a 0."""
        model = newest.model
        if newest.since is not None:
            self._since.labels(model).set(newest.since.timestamp())
        if newest.looked is not None:
            self._add_look(model, newest.looked)
            self._kept.labels(model).set(newest.found is not None)
        if newest.found is not None and newest.found.drift is not None:
            self._add_columns(model, newest.found.drift)
        if newest.found is not None and newest.found.performance is not None:
            self._add_losses(model, newest.found.performance)

    def written(self) -> bytes:
        return bytes(generate_latest(self._registry))

    def _add_look(self, model: str, looked: WindowMonitored) -> None:
        self._rows.labels(model).set(looked.rows)
        self._labels.labels(model).set(looked.labels)
        self._looked.labels(model).set(looked.end.timestamp())
        if looked.share is not None:
            self._share.labels(model).set(looked.share)
        for verdict in looked.standing:
            self._watched.labels(model, verdict.rule).set(_CODES[verdict.outcome])

    def _add_columns(self, model: str, drift: DriftFindings) -> None:
        scored = [(one, one.score) for one in order_by_concern(drift.columns) if one.score is not None]
        for one, score in scored[:COLUMNS]:
            self._score.labels(model, one.part, one.column).set(score)
            self._threshold.labels(model, one.part, one.column).set(one.threshold)

    def _add_losses(self, model: str, found: PerformanceFindings) -> None:
        for gauge, value in ((self._loss, found.overall.loss), (self._level, found.level)):
            if value is not None:
                gauge.labels(model, found.metric).set(value)


def make_metrics_route(clock: Callable[[], datetime]) -> Route:
    """Return the route that Prometheus reads."""
    gather = Shared(expose)

    async def tell(_request: Request) -> Response:
        return Response(await gather(clock), headers={"content-type": CONTENT_TYPE_LATEST})

    return Route("/metrics", tell, methods=["GET"])


def expose(_now: datetime) -> bytes:
    """Write the newest look at every model as Prometheus reads it."""
    exposition = Exposition()
    for newest in list_newest():
        exposition.add(newest)
    return exposition.written()
