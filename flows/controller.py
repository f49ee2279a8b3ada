"""The controller: one warm process that keeps all as the ledger says, and asks for flow runs."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

from flows.deployments import find_differences
from millrace.adapters import clock
from millrace.adapters.models import list_models
from millrace.adapters.verbs import run_verb
from millrace.domain.facts import RunRequested
from millrace.domain.work import Ask, Park, Standing, Wait, Work, plan_next
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.alerts import send_alerts
from millrace.steps.arrivals import ensure_inbox
from millrace.steps.claims import is_in_hand, list_dead_claims, release_dead_trainings
from millrace.steps.dataset import ensure_restored
from millrace.steps.inbox import InboxWatch
from millrace.steps.reconcile import find_trouble
from millrace.steps.requests import list_requests, name_request, park_work, record_request
from millrace.steps.silence import notice_silence
from millrace.steps.stores import ledger
from millrace.steps.work import find_arrived, find_work
from tasks.listening import listen
from tasks.runs import find_standing, mark_crashed, start_run

TICK_SECONDS = 0.5
"""How often the inboxes and the head of the ledger are looked at."""
LOOK_SECONDS = 15.0
"""How often everything is looked at when nothing is heard: what has become due, and whom an event missed."""
SWEEP_SECONDS = 600.0
"""How often the catalogue is compared: in a process of its own, as it costs a second and 200 MiB."""
DEPLOYMENTS_SECONDS = 30.0
"""How often Prefect's deployments are compared: somebody edits a schedule, or its database is lost."""
TROUBLE_SECONDS = 5.0
"""How long a mirror must differ from the ledger: a run may just be about to write it."""

TROUBLE = "trouble"

log = logging.getLogger("millrace.controller")


class Controller:
    """What one process has seen; all of it can be lost, for the ledger has the rest. Any number may run."""

    def __init__(self) -> None:
        self._run_id = f"controller {uuid4()}"
        self._inbox = InboxWatch()
        self._heard = threading.Event()
        self._first_seen: dict[tuple[str, str], float] = {}
        self._said: dict[str, str] = {}
        self._head = 0
        self._next_look = 0.0
        self._next_sweep = time.monotonic() + SWEEP_SECONDS
        self._next_comparison = time.monotonic() + DEPLOYMENTS_SECONDS

    def run(self) -> None:
        """Tick until the process ends; nothing has to be put away then."""
        listen(self._heard)
        log.info("watching %s", ", ".join(list_models(load_settings().models)) or "no model yet")
        while True:
            with self._telling("the installation"):
                self.tick()
            self._heard.wait(TICK_SECONDS)

    def tick(self) -> None:
        """Look at the inboxes; at everything, when something has happened or it is time."""
        head = ledger().head()
        seq, started = head.seq if head else 0, time.monotonic()
        is_full = seq != self._head or self._heard.is_set() or started >= self._next_look
        if is_full:
            self._heard.clear()
            self._head, self._next_look = seq, started + LOOK_SECONDS
            ensure_restored()
        for model in list_models(load_settings().models):
            with self._telling(model):
                self._look(model) if is_full else self._look_for_files(model)
        if started >= self._next_comparison:
            self._next_comparison = started + DEPLOYMENTS_SECONDS
            self._compare_deployments()
        if started >= self._next_sweep:
            self._next_sweep = started + SWEEP_SECONDS
            log.info("%s", run_verb("reconcile"))

    def _compare_deployments(self) -> None:
        differences = find_differences()
        if differences:
            log.warning("Prefect differs from prefect.yaml and the models: %s", "; ".join(differences))
            run_verb("deploy")

    def _look_for_files(self, model: str) -> None:
        work = find_arrived(model, self._inbox)
        if work is not None:
            self._attend(work, clock.now())

    def _look(self, model: str) -> None:
        now = clock.now()
        ensure_inbox(model)
        # first what must go on while Prefect is down
        self._repair(model)
        notice_silence(model, self._run_id, now)
        send_alerts(model, self._run_id, now)
        for claim in list_dead_claims(model):
            mark_crashed(claim.owner.run_id)
        release_dead_trainings(model)
        waiting = find_work(model, self._inbox, now)
        self._forget_all_but(model, {work.key for work in waiting})
        for work in waiting:
            if self._has_stood(model, work.key, work.patience.total_seconds()):
                self._attend(work, now)

    def _attend(self, work: Work, now: datetime) -> None:
        def standing_of(request: RunRequested) -> Standing:
            return find_standing(name_request(request.key, request.attempt), is_in_hand(work.model))

        match plan_next(work, list_requests(work.model), standing_of, now):
            case Ask(number):
                if record_request(work, number, self._run_id, now):
                    start_run(work, name_request(work.key, number))
                    log.info("%s: %s asked for, %s: %s", work.model, work.flow, work.reason, work.detail)
            case Park(attempts):
                park_work(work, attempts, self._run_id, now)
                log.warning("%s: %s parked after %d attempts", work.model, work.flow, attempts)
            case Wait():
                pass

    def _repair(self, model: str) -> None:
        trouble = find_trouble(model)
        if trouble is None or is_in_hand(model):
            self._first_seen.pop((model, TROUBLE), None)
        elif self._has_stood(model, TROUBLE, TROUBLE_SECONDS):
            log.warning("%s: %s", model, run_verb("reconcile", model))

    def _has_stood(self, model: str, key: str, seconds: float) -> bool:
        """Whether `key` was first seen so long ago; if not, everything is looked at again when it will be."""
        now = time.monotonic()
        ripe_at = self._first_seen.setdefault((model, key), now) + seconds
        if now < ripe_at:
            self._next_look = min(self._next_look, ripe_at)
        return now >= ripe_at

    def _forget_all_but(self, model: str, keys: set[str]) -> None:
        for seen in [seen for seen in self._first_seen if seen[0] == model and seen[1] not in keys]:
            if seen[1] != TROUBLE:
                del self._first_seen[seen]

    @contextmanager
    def _telling(self, about: str) -> Iterator[None]:
        """Say what is wrong once, and go on: with the other models, and with this one at the next tick."""
        try:
            yield
        except MillraceError as error:
            self._tell(about, str(error))
        except Exception:  # one model's surprise must not stop the others
            log.exception("%s: this is a mistake in Millrace, please report it", about)
            self._next_look = time.monotonic() + LOOK_SECONDS
        else:
            self._said.pop(about, None)

    def _tell(self, about: str, words: str) -> None:
        if self._said.get(about) != words:
            self._said[about] = words
            log.warning("%s: %s", about, words)
