"""The loop: what is looked at in each tick, and in which order."""

import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import uuid4

from flows.controller.chores import Chore
from flows.controller.mirrors import Mirrors
from flows.controller.pace import Pace, Patience
from flows.controller.requests import Requests
from flows.controller.telling import Teller, log
from millrace.adapters import clock
from millrace.adapters.models import list_models
from millrace.domain.rollout.timeline import is_turn
from millrace.domain.work import FlowName, Work
from millrace.settings import load_settings
from millrace.steps.alerts import send_alerts
from millrace.steps.dataset import UnrestoredPartsError, ensure_restored
from millrace.steps.monitoring.watch import DueWatch
from millrace.steps.rollout import RolloutWatch
from millrace.steps.silence import notice_silence
from millrace.steps.stores import ledger
from tasks.listening import listen
from tasks.runs import start_run

TICK_SECONDS = 0.5
"""How often the inboxes and the head of the ledger are looked at."""
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
"""How often it is seen whether the prediction log waits to be compacted."""
REMOTE_SECONDS = 60.0
"""How often the pointers of a remote channel are compared: each is a request, and answers when it likes."""

ALERTS = "alerts"


class Controller:
    """What one process has seen; all of it can be lost, for the ledger has the rest. Any number may run."""

    def __init__(self) -> None:
        self._run_id = f"controller {uuid4()}"
        self._teller, self._pace = Teller(), Pace()
        self._patience = Patience(self._pace)
        self._mirrors = Mirrors(self._teller, self._pace)
        self._requests = Requests(self._run_id, self._pace)
        self._rollouts, due = RolloutWatch(), DueWatch()
        self._turned: dict[str, int] = {}
        self._head: int | None = None
        self._unrestored: set[str] = set()
        self._chores = (
            Chore("stuck runs", STUCK_SECONDS, self._mirrors.crash_stuck_runs),
            Chore("Prefect's deployments", DEPLOYMENTS_SECONDS, self._mirrors.compare_deployments),
            Chore("the pin of the data", PIN_SECONDS, self._mirrors.compare_pin),
            Chore("the remote channel", REMOTE_SECONDS, self._mirrors.compare_remote),
            Chore("the catalogue", SWEEP_SECONDS, self._mirrors.sweep),
            Chore("the rows answered", DUE_SECONDS, due.look),
            Chore("the prediction log", LOG_SECONDS, self._mirrors.compact_log),
        )

    def run(self) -> None:
        """Tick until the process ends; nothing has to be put away then."""
        listen(self._pace.heard)
        log.info("watching %s", ", ".join(list_models(load_settings().models)) or "no model yet")
        while True:
            with self._teller.telling("the ledger"):
                self.tick()
            self._pace.wait(TICK_SECONDS)

    def tick(self) -> None:
        """Look at the inboxes, at each model the ledger has news of, and at everything when it is time."""
        started, changed = time.monotonic(), self._list_changed()
        everything = self._pace.is_time(started)
        models = list_models(load_settings().models)
        is_news = everything or bool(changed)
        looked_at = {*models} if everything else changed.intersection(models)
        if is_news:
            with self._teller.telling("the data"):
                self._find_unrestored(models)
        self._teller.prefect_answers = True
        if is_news:
            # first of all what must go on while Prefect is down, or a model's folder is away
            self._keep_serving(None if everything else changed)
        for model in sorted(looked_at):
            self._keep(model)
        for model in models:
            self._ask_for_runs(model, is_whole=model in looked_at)
        with self._teller.telling("the looks at rollouts"):
            self._rollouts.look()
        if is_news:
            with self._teller.telling("showing rollouts"):
                self._show_rollouts()
        if everything:
            self._pace.keep_to_share(time.monotonic() - started)
        for chore in self._chores:
            chore.do_if_due(self._teller)

    def _list_changed(self) -> set[str]:
        if self._head is None:
            head = ledger().head()
            self._head = head.seq if head else 0
        news = ledger().entries(after_seq=self._head)
        self._head = news[-1].seq if news else self._head
        self._turned.update({entry.model: entry.seq for entry in news if is_turn(entry.fact)})
        return {entry.model for entry in news}

    def _find_unrestored(self, models: Sequence[str]) -> None:
        """Leave a model alone whose data is still where the clone came from; others need not wait for it."""
        self._unrestored = {*models}
        try:
            ensure_restored()
        except UnrestoredPartsError as error:
            self._unrestored = {*error.models}
            raise
        self._unrestored = set()

    def _keep_serving(self, only: Collection[str] | None) -> None:
        """Keep the pointers what the ledger says, and have what is on its way looked at."""
        for serving in ledger().list_serving():
            if only is None or serving.model in only:
                with self._teller.telling(f"{serving.model}'s pointer"):
                    self._mirrors.keep_pointer(serving.model)
                with self._teller.telling(f"{serving.model}'s rollout"):
                    self._rollouts.note(serving.model)

    def _keep(self, model: str) -> None:
        """Keep the model's files and people up to date; none of it needs Prefect."""
        now = clock.now()
        with self._teller.telling(f"{model}'s files"):
            self._mirrors.keep_files(model)
        with self._teller.telling(f"{model}'s alerts"):
            notice_silence(model, self._run_id, now)
            if self._patience.is_ripe(ALERTS) and send_alerts(model, self._run_id, now):
                self._patience.leave_alone(ALERTS)

    def _ask_for_runs(self, model: str, *, is_whole: bool) -> None:
        if model in self._unrestored or not self._teller.prefect_answers:
            return
        with self._teller.telling(model if is_whole else f"{model}'s inbox"):
            if is_whole:
                self._requests.look(model)
            else:
                self._requests.look_for_files(model)

    def _show_rollouts(self) -> None:
        """Let Prefect show what rollouts came to; while it is down they go on without."""
        while self._turned and self._teller.prefect_answers:
            model, seq = next(iter(self._turned.items()))
            work = Work(FlowName.ROLLOUT, model, f"rollout:{model}", "it took a turn", "", timedelta(0))
            start_run(work, f"rollout:{model}:{seq}")
            del self._turned[model]  # not before: a server that is busy is asked again
