"""When is the next look at each model's rollout due?"""

import logging
import subprocess
import time

from millrace.adapters.verbs import start_verb
from millrace.domain.rollout.state import Phase
from millrace.steps.automation import find_pause
from millrace.steps.rollout.begin import find_pending
from millrace.steps.stores import ledger

WAITING_SECONDS = 60.0
"""How often it is tried to let begin what could not yet."""
LONGEST_SECONDS = 300.0
"""How long a look may take: one that hangs, on a disk that does not answer, must not end all looks."""

log = logging.getLogger(__name__)


class RolloutWatch:
    """Takes looks in a process of their own, one at a time: what they read and import ends with it."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._looking: subprocess.Popen[bytes] | None = None
        self._since = 0.0

    def note(self, model: str) -> None:
        """See whether something is on its way, and if so look at it now and from then on each interval."""
        if ledger().rollout(model).phase is Phase.IDLE and not _has_pending(model):
            self._due.pop(model, None)
        else:
            self._due.setdefault(model, time.monotonic())

    def look(self) -> None:
        """Start a look at all models that are due, unless the last one still runs."""
        now = time.monotonic()
        if self._is_looking(now):
            return
        due = [model for model, at in self._due.items() if at <= now]
        if due:
            self._looking, self._since = start_verb("rollout", "look", *due), now
            self._due.update({model: now + _seconds_between_looks(model) for model in due})

    def _is_looking(self, now: float) -> bool:
        if self._looking is None:
            return False
        code = self._looking.poll()
        if code is None and now - self._since < LONGEST_SECONDS:
            return True
        if code is None:
            log.warning("a look at rollouts did not end within %d seconds and was stopped", LONGEST_SECONDS)
            self._looking.kill()
            self._looking.wait()
        elif code:
            log.warning("a look at rollouts ended with exit code %d; what it said is above", code)
        self._looking = None
        return False


def _seconds_between_looks(model: str) -> float:
    policy = ledger().rollout(model).policy
    return policy.interval.total_seconds() if policy else WAITING_SECONDS


def _has_pending(model: str) -> bool:
    return find_pause(model) is None and find_pending(model) is not None
