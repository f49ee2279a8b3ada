"""When is it counted whether a look is due before its time?"""

import subprocess

from millrace.adapters.models import find_model, list_models
from millrace.adapters.prediction_log.segment import measure_segments
from millrace.adapters.verbs import start_verb
from millrace.domain.facts import MonitoringDue, WindowMonitored
from millrace.errors import ModelFileError
from millrace.settings import load_settings
from millrace.steps.stores import ledger

LEAST_BYTES = 30
"""No answered row takes fewer in a segment: a name, a time, an answer, a latency."""
GROWTH = 1.5
"""So many times as much as at the count before has to be written, since the last look, for the next."""


class DueWatch:
    """Has answered rows counted, in a process of its own, while requests come.

    How many rows a byte is nobody knows before: requests are wide or narrow, and shadows and labels stand
    among them. So the first count comes once `every_rows` rows could stand in what was written since the
    last look, each later one once that is GROWTH times as much. So there are about 7 counts for a look where
    a row and all that belongs to it takes 300 bytes, 12 where it takes 3,000, and none where nobody asks;
    and a look comes after half as many rows again, at the latest. Of several models, the one with the fewest
    `every_rows` says when, and a look at any of them begins anew.
    """

    def __init__(self) -> None:
        self.counting: subprocess.Popen[bytes] | None = None
        """The last process that counted, which may be at it."""
        self._sizes: dict[str, int] = {}
        self._newest: dict[str, int] = {}
        self._written = self._counted = 0
        """Bytes since the last look, now and at the last count."""

    def look(self) -> None:
        """Have rows counted once enough was written, of models of which no look is due as it is."""
        self._measure()
        rows = {model: rows for model, rows in _rows_of_a_look().items() if not self._is_due(model)}
        is_counting = self.counting is not None and self.counting.poll() is None
        if is_counting or not rows:
            return
        if self._written >= max(LEAST_BYTES * min(rows.values()), GROWTH * self._counted):
            self._counted = self._written
            self.counting = start_verb("monitor", "due", *rows)

    def _measure(self) -> None:
        known, self._sizes = self._sizes, measure_segments(load_settings().predictions)
        # segment by segment: what was compacted meanwhile takes nothing away
        self._written += sum(max(0, size - known.get(name, 0)) for name, size in self._sizes.items())

    def _is_due(self, model: str) -> bool:
        """Say whether a look was asked for; where one was taken meanwhile, begin anew."""
        last = ledger().last(model, MonitoringDue, WindowMonitored)
        newest = last.seq if last else 0
        is_new = self._newest.get(model, newest) != newest
        self._newest[model] = newest
        if last is None or isinstance(last.fact, MonitoringDue):
            return last is not None
        if is_new:
            self._written = self._counted = 0
        return False


def _rows_of_a_look() -> dict[str, int]:
    """Return after how many rows a look is due, for models that say so."""
    models, found = load_settings().models, {}
    for model in list_models(models):
        try:
            policy = find_model(models, model).monitor
        except ModelFileError:
            continue  # the controller says so where it looks at the model
        if policy is not None and policy.every_rows is not None:
            found[model] = policy.every_rows
    return found
