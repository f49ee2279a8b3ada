"""When is it counted whether a look is due before its time?"""

import subprocess

from millrace.adapters.models import find_model, list_models
from millrace.adapters.prediction_log.segment import measure_segments
from millrace.adapters.verbs import start_verb
from millrace.errors import ModelFileError
from millrace.settings import load_settings

LEAST_BYTES = 30
"""No answered row takes fewer in a segment: a name, a time, an answer, a latency."""
COUNTS = 4
"""So often, about, rows are counted on the way to the next look."""


class DueWatch:
    """Has answered rows counted, in a process of its own, while requests come."""

    def __init__(self) -> None:
        self._counted_at = 0
        self._counting: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Have them counted once enough was written since, unless somebody is at it."""
        if self._counting is not None and self._counting.poll() is None:
            return
        rows = _rows_of_a_look()
        size = measure_segments(load_settings().predictions)
        grown = size - self._counted_at
        # compaction has made the segments fewer, and what was written before it is not known
        if rows and (grown < 0 or grown >= LEAST_BYTES * min(rows.values()) / COUNTS):
            self._counted_at = size
            self._counting = start_verb("monitor", "due", *rows)


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
