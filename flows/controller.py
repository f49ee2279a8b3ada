"""The controller: one warm process that keeps all as the ledger says, and asks for flow runs."""

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from flows.deployments import find_differences
from millrace.adapters import clock
from millrace.adapters.models import list_models
from millrace.adapters.verbs import run_verb, start_verb
from millrace.domain.facts import RunRequested
from millrace.domain.rollout.timeline import is_turn
from millrace.domain.work import Ask, FlowName, Park, Standing, Wait, Work, plan_next
from millrace.errors import MillraceError, UnavailableError
from millrace.settings import load_settings
from millrace.steps.alerts import send_alerts
from millrace.steps.arrivals import ensure_inbox
from millrace.steps.claims import is_in_hand, list_dead_claims, list_living_runs, release_dead_trainings
from millrace.steps.dataset import (
    UnrestoredPartsError,
    ensure_restored,
    find_dataset_trouble,
    is_data_pinned,
)
from millrace.steps.inbox import InboxWatch
from millrace.steps.monitoring.watch import DueWatch
from millrace.steps.offers import find_offer_trouble
from millrace.steps.prediction_log import is_log_waiting
from millrace.steps.reconcile import repair_pointer
from millrace.steps.remote_channel import find_remote_troubles
from millrace.steps.requests import list_requests, name_request, park_work, record_request
from millrace.steps.rollout import RolloutWatch
from millrace.steps.serve import find_pointer_trouble
from millrace.steps.silence import notice_silence
from millrace.steps.stores import ledger
from millrace.steps.work import find_arrived, find_work
from tasks.listening import listen
from tasks.runs import crash_stuck_runs, find_standing, mark_crashed, start_run

TICK_SECONDS = 0.5
"""How often the inboxes and the head of the ledger are looked at."""
LOOK_SECONDS = 15.0
"""How often everything is looked at when nothing is heard: what has become due, and whom an event missed."""
IDLE_SHARE, BUSY_SHARE = 0.01, 0.2
"""How much of a core looking at everything may take, while nothing is heard and while much is."""
SWEEP_SECONDS = 600.0
"""How often the catalogue is compared: in a process of its own, as it costs a second and 200 MiB."""
DEPLOYMENTS_SECONDS = 30.0
"""How often Prefect's deployments are compared: somebody edits a schedule, or its database is lost."""
STUCK_SECONDS = 30.0
"""How often the runs that nobody hears of are looked for."""
PIN_SECONDS = 20.0
"""How often `data.dvc` is compared with `data/`, which all models share."""
DUE_SECONDS = 30.0
"""How often it is seen whether enough rows were answered for a look at a model before its time."""
LOG_SECONDS = 600.0
"""How often the prediction log is compacted: in a process of its own, which nothing here waits for."""
REMOTE_SECONDS = 60.0
"""How often the pointers of a remote channel are compared: each is a request, and answers when it likes."""
AGAIN_SECONDS = 600.0
"""How long what failed or changed nothing is left alone: a repair, a deploy, alerts that nobody took."""
TROUBLE_SECONDS = 5.0
"""How long a mirror must differ from the ledger: a run may just be about to write it."""

TROUBLE, POINTER, ALERTS = "trouble", "pointer", "alerts"

log = logging.getLogger("millrace.controller")


@dataclass
class _Chore:
    """Something to do every so often, whatever became of it the last time."""

    about: str
    seconds: float
    act: Callable[[], None]
    next_at: float = 0.0

    def __post_init__(self) -> None:
        self.next_at = time.monotonic() + self.seconds


class Controller:
    """What one process has seen; all of it can be lost, for the ledger has the rest. Any number may run."""

    def __init__(self) -> None:
        self._run_id = f"controller {uuid4()}"
        self._inbox, self._rollouts, self._due = InboxWatch(), RolloutWatch(), DueWatch()
        self._turned: dict[str, int] = {}
        self._heard = threading.Event()
        self._first_seen: dict[tuple[str, str], float] = {}
        self._said: dict[str, str] = {}
        self._head: int | None = None
        self._next_look = self._no_look_before = 0.0
        self._unrestored: set[str] = set()
        self._prefect_answers = False
        self._compaction: subprocess.Popen[bytes] | None = None
        self._left_alone_until: dict[str, float] = {}
        self._chores = (
            _Chore("stuck runs", STUCK_SECONDS, self._crash_stuck_runs),
            _Chore("Prefect's deployments", DEPLOYMENTS_SECONDS, self._compare_deployments),
            _Chore("the pin of the data", PIN_SECONDS, self._compare_pin),
            _Chore("the remote channel", REMOTE_SECONDS, self._compare_remote),
            _Chore("the catalogue", SWEEP_SECONDS, self._sweep),
            _Chore("the rows answered", DUE_SECONDS, self._due.look),
            _Chore("the prediction log", LOG_SECONDS, self._compact_log),
        )

    def run(self) -> None:
        """Tick until the process ends; nothing has to be put away then."""
        listen(self._heard)
        log.info("watching %s", ", ".join(list_models(load_settings().models)) or "no model yet")
        while True:
            with self._telling("the ledger"):
                self.tick()
            if self._heard.wait(TICK_SECONDS) and time.monotonic() < self._no_look_before:
                time.sleep(TICK_SECONDS)

    def tick(self) -> None:
        """Look at the inboxes, at each model the ledger has news of, and at everything when it is time."""
        started, changed = time.monotonic(), self._list_changed()
        everything = self._is_time(started)
        models = list_models(load_settings().models)
        if everything or changed:
            self._unrestored = {*models}
            with self._telling("the data"):
                self._find_unrestored()
        self._prefect_answers = True
        looked_at = [model for model in models if everything or model in changed]
        # first of all what must go on while Prefect is down, or a model's folder is away
        for serving in ledger().list_serving() if everything or changed else ():
            if everything or serving.model in changed:
                self._keep_serving(serving.model)
        for model in looked_at:
            self._keep(model)
        for model in models:
            if model not in self._unrestored and self._prefect_answers:
                with self._telling(model if model in looked_at else f"{model}'s inbox"):
                    self._look(model) if model in looked_at else self._look_for_files(model)
        with self._telling("the looks at rollouts"):
            self._rollouts.look()
        if everything or changed:
            with self._telling("showing rollouts"):
                self._show_rollouts()
        if everything:
            self._pace(time.monotonic() - started)
        self._do_chores()

    def _find_unrestored(self) -> None:
        """Leave a model alone whose data is still where the clone came from; others need not wait for it."""
        try:
            ensure_restored()
        except UnrestoredPartsError as error:
            self._unrestored = {*error.models}
            raise
        self._unrestored = set()

    def _list_changed(self) -> set[str]:
        if self._head is None:
            head = ledger().head()
            self._head = head.seq if head else 0
        news = ledger().entries(after_seq=self._head)
        self._head = news[-1].seq if news else self._head
        self._turned.update({entry.model: entry.seq for entry in news if is_turn(entry.fact)})
        return {entry.model for entry in news}

    def _is_time(self, now: float) -> bool:
        if now < self._no_look_before or (now < self._next_look and not self._heard.is_set()):
            return False
        self._heard.clear()
        self._next_look = now + LOOK_SECONDS
        return True

    def _pace(self, took: float) -> None:
        """Keep looking to its share of a core, however many models there are and whatever is heard."""
        now = time.monotonic()
        self._no_look_before = now + took / BUSY_SHARE
        if took / IDLE_SHARE > LOOK_SECONDS:
            self._next_look = now + took / IDLE_SHARE

    def _do_chores(self) -> None:
        for chore in self._chores:
            if time.monotonic() >= chore.next_at:
                chore.next_at = time.monotonic() + chore.seconds
                with self._telling(chore.about):
                    chore.act()

    def _crash_stuck_runs(self) -> None:
        for name in crash_stuck_runs(list_living_runs()):
            log.warning("%s: its process has not been heard of, it counts as crashed", name)

    def _compare_deployments(self) -> None:
        differences = "; ".join(find_differences())
        if differences and self._is_ripe(differences):
            log.warning("Prefect differs from prefect.yaml and the models: %s", differences)
            self._leave_alone(differences)
            run_verb("deploy")

    def _compare_pin(self) -> None:
        in_hand = any(is_in_hand(model, FlowName.INGEST) for model in list_models(load_settings().models))
        if not is_data_pinned() and not in_hand and self._is_ripe(TROUBLE):
            self._leave_alone(TROUBLE)
            self._sweep()

    def _compare_remote(self) -> None:
        for model, trouble in find_remote_troubles().items():
            with self._telling(f"{model} at the remote channel"):
                if not is_in_hand(model) and self._is_ripe(f"{model}: remote, {trouble}"):
                    self._leave_alone(f"{model}: remote, {trouble}")
                    log.warning("%s", run_verb("reconcile", model))

    def _compact_log(self) -> None:
        if (self._compaction is None or self._compaction.poll() is not None) and is_log_waiting(clock.now()):
            self._compaction = start_verb("log", "compact")

    def _sweep(self) -> None:
        log.info("%s", run_verb("reconcile"))

    def _keep_serving(self, model: str) -> None:
        """Keep the pointer what the ledger says, and have what is on its way looked at."""
        with self._telling(f"{model}'s pointer"):
            self._publish(model)
        with self._telling(f"{model}'s rollout"):
            self._rollouts.note(model)

    def _keep(self, model: str) -> None:
        """Keep the model's files and people up to date; none of it needs Prefect."""
        now = clock.now()
        with self._telling(f"{model}'s files"):
            ensure_inbox(model)
            self._repair(model)
        with self._telling(f"{model}'s alerts"):
            notice_silence(model, self._run_id, now)
            if self._is_ripe(ALERTS) and send_alerts(model, self._run_id, now):
                self._leave_alone(ALERTS)

    def _show_rollouts(self) -> None:
        """Let Prefect show what rollouts came to; while it is down they go on without."""
        while self._turned and self._prefect_answers:
            model, seq = next(iter(self._turned.items()))
            work = Work(FlowName.ROLLOUT, model, f"rollout:{model}", "it took a turn", "", timedelta(0))
            start_run(work, f"rollout:{model}:{seq}")
            del self._turned[model]  # not before: a server that is busy is asked again

    def _look_for_files(self, model: str) -> None:
        work = find_arrived(model, self._inbox)
        if work is not None:
            self._attend(work, clock.now())

    def _look(self, model: str) -> None:
        now = clock.now()
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
            return find_standing(name_request(request.key, request.attempt))

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

    def _publish(self, model: str) -> None:
        """Publish what was left unpublished, whatever else is under way: what answers may be wrong."""
        trouble = find_pointer_trouble(model)
        if trouble is None:
            self._first_seen.pop((model, POINTER), None)
        elif self._has_stood(model, POINTER, TROUBLE_SECONDS) and self._is_ripe(f"{model}: {trouble}"):
            self._leave_alone(f"{model}: {trouble}")
            log.warning("%s: pointer repaired, it was: %s", model, repair_pointer(model, clock.now()))

    def _repair(self, model: str) -> None:
        trouble = find_dataset_trouble(model) or find_offer_trouble(model)
        if trouble is None or is_in_hand(model):
            self._first_seen.pop((model, TROUBLE), None)
        elif self._has_stood(model, TROUBLE, TROUBLE_SECONDS) and self._is_ripe(f"{model}: {trouble}"):
            self._leave_alone(f"{model}: {trouble}")
            log.warning("%s", run_verb("reconcile", model))

    def _is_ripe(self, matter: str) -> bool:
        return time.monotonic() >= self._left_alone_until.get(matter, 0.0)

    def _leave_alone(self, matter: str) -> None:
        self._left_alone_until[matter] = time.monotonic() + AGAIN_SECONDS

    def _has_stood(self, model: str, key: str, seconds: float) -> bool:
        """Whether `key` was first seen so long ago; if not, everything is looked at again when it will be."""
        now = time.monotonic()
        ripe_at = self._first_seen.setdefault((model, key), now) + seconds
        if now < ripe_at:
            self._next_look = min(self._next_look, ripe_at)
        return now >= ripe_at

    def _forget_all_but(self, model: str, keys: set[str]) -> None:
        for seen in [seen for seen in self._first_seen if seen[0] == model and seen[1] not in keys]:
            if seen[1] not in {TROUBLE, POINTER}:
                del self._first_seen[seen]

    @contextmanager
    def _telling(self, about: str) -> Iterator[None]:
        """Say what is wrong once, and go on: with the other models, and with this one at the next tick."""
        try:
            yield
        except UnavailableError as error:
            self._prefect_answers = False
            self._tell(about, str(error))
        except MillraceError as error:
            self._tell(about, str(error))
        except Exception as error:  # one model's surprise must not stop the others
            if self._tell(about, f"a mistake in Millrace, please report it: {error!r}"):
                log.exception("%s", about)
        else:
            self._said.pop(about, None)

    def _tell(self, about: str, words: str) -> bool:
        if self._said.get(about) == words:
            return False
        self._said[about] = words
        log.warning("%s: %s", about, words)
        return True
