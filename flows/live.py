"""Live: what rollouts do about a version that is slow and one that learned from a broken export."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flows.ingest import ingest
from flows.retrain import retrain
from millrace.adapters import clock
from millrace.adapters.models import kept_file
from millrace.adapters.service_client import ServiceClient
from millrace.domain.decision import Reason
from millrace.domain.demo import LiveScript
from millrace.domain.rollout.state import Phase
from millrace.domain.rollout.timeline import Turn
from millrace.settings import load_settings
from millrace.steps.live import Asking, asking, change_gate, configure_rollout, write_turned
from millrace.steps.rollout import look_at_rollout, rollout_status
from millrace.steps.serve import publish_model_pointer
from millrace.steps.stores import ledger


@dataclass(frozen=True)
class LiveDemo:
    """Two challengers of one model, on the requests that `service` answers meanwhile."""

    model: str
    script: LiveScript
    service: ServiceClient

    def play_slow(self) -> Iterator[Turn]:
        """Yield each turn of the rollout of a version that answers rightly, and slowly."""
        with self._changed_model(), self._asking(self.script.slow_after) as asked:
            change_gate(self.model, self.script)
            yield from self._roll_out(Reason.CONFIG, asked)

    def play_turned(self) -> Iterator[Turn]:
        """Yield each turn of the rollout of a version that has learned from labels that are turned around."""
        with self._changed_model(), self._asking(self.script.turned.batch) as asked:
            ingest(self.model, [write_turned(self.model, self.script.turned)], clock.now())
            yield from self._roll_out(Reason.NEW_ROWS, asked)

    def _asking(self, batch: str) -> Asking:
        return asking(self.service, self.model, batch, self.script.label_seconds)

    @contextmanager
    def _changed_model(self) -> Iterator[None]:
        with kept_file(load_settings().models, self.model):
            configure_rollout(self.model, self.script)
            yield

    def _roll_out(self, reason: Reason, asked: Asking) -> Iterator[Turn]:
        """Train a challenger, and take the looks that a controller would take until nothing is on its way."""
        head = ledger().head()
        seen = head.seq if head else 0
        retrain(self.model, reason, force=True)
        while True:
            status = rollout_status(self.model)
            for turn in status.turns:
                if turn.seq > seen:
                    yield turn
                    seen = turn.seq
            if status.rollout.phase is Phase.IDLE or status.rollout.policy is None:
                return
            asked.wait(status.rollout.policy.interval.total_seconds())
            look_at_rollout(self.model, clock.now())
            publish_model_pointer(self.model, clock.now())
