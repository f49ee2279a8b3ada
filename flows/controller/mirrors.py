"""Mirrors: what must say the same as the ledger, here, at Prefect and at a remote channel, is made to."""

import subprocess

from flows.controller.pace import Pace, Patience
from flows.controller.telling import Teller, log
from flows.deployments import find_differences
from millrace.adapters import clock
from millrace.adapters.models import list_models
from millrace.adapters.verbs import run_verb, start_verb
from millrace.domain.work import FlowName
from millrace.settings import load_settings
from millrace.steps.arrivals import ensure_inbox
from millrace.steps.claims import is_in_hand, list_living_runs
from millrace.steps.dataset import find_dataset_trouble, is_data_pinned
from millrace.steps.offers import find_offer_trouble
from millrace.steps.prediction_log import is_log_waiting
from millrace.steps.reconcile import repair_pointer
from millrace.steps.remote_channel import find_remote_troubles
from millrace.steps.serve import find_pointer_trouble
from tasks.runs import crash_stuck_runs

TROUBLE_SECONDS = 5.0
"""How long a mirror must differ from the ledger: a run may just be about to write it."""
PIN, POINTER, FILES = "pin", "pointer", "files"


class Mirrors:
    """What has been seen to differ; each comparison repairs what has differed for long enough."""

    def __init__(self, teller: Teller, pace: Pace) -> None:
        self._teller, self._patience = teller, Patience(pace)
        self._compaction: subprocess.Popen[bytes] | None = None

    def keep_pointer(self, model: str) -> None:
        """Publish what was left unpublished, whatever else is under way: what answers may be wrong."""
        trouble = find_pointer_trouble(model)
        if self._is_to_mend(model, POINTER, trouble):
            log.warning("%s: pointer repaired, it was: %s", model, repair_pointer(model, clock.now()))

    def keep_files(self, model: str) -> None:
        """Keep the model's inbox there, its published dataset as the ledger says, and its offers taken in."""
        ensure_inbox(model)
        trouble = find_dataset_trouble(model) or find_offer_trouble(model)
        if trouble is not None and is_in_hand(model):
            trouble = None  # a run may be about to mend it
        if self._is_to_mend(model, FILES, trouble):
            log.warning("%s", run_verb("reconcile", model))

    def compare_deployments(self) -> None:
        """Deploy where Prefect differs from prefect.yaml and the models."""
        differences = "; ".join(find_differences())
        if differences and self._take_up(differences):
            log.warning("Prefect differs from prefect.yaml and the models: %s", differences)
            run_verb("deploy")

    def compare_pin(self) -> None:
        """Reconcile all where `data.dvc` is not what `data/` is, and nobody is just changing it."""
        in_hand = any(is_in_hand(model, FlowName.INGEST) for model in list_models(load_settings().models))
        if not is_data_pinned() and not in_hand and self._take_up(PIN):
            self.sweep()

    def compare_remote(self) -> None:
        """Reconcile each model of which a remote channel says something else."""
        for model, trouble in find_remote_troubles().items():
            with self._teller.telling(f"{model} at the remote channel"):
                if not is_in_hand(model) and self._take_up(f"{model}: remote, {trouble}"):
                    log.warning("%s", run_verb("reconcile", model))

    def sweep(self) -> None:
        """Reconcile everything, the catalogue too, in a process of its own."""
        log.info("%s", run_verb("reconcile"))

    def compact_log(self) -> None:
        """Compact the prediction log in a process of its own, which nothing here waits for."""
        if (self._compaction is None or self._compaction.poll() is not None) and is_log_waiting(clock.now()):
            self._compaction = start_verb("log", "compact")

    def crash_stuck_runs(self) -> None:
        """Have runs that nobody hears of count as crashed."""
        for name in crash_stuck_runs(list_living_runs()):
            log.warning("%s: its process has not been heard of, it counts as crashed", name)

    def _is_to_mend(self, model: str, mirror: str, trouble: str | None) -> bool:
        if trouble is None:
            self._patience.forget(model, mirror)
            return False
        stood = self._patience.has_stood(model, mirror, TROUBLE_SECONDS)
        return stood and self._take_up(f"{model}: {trouble}")

    def _take_up(self, matter: str) -> bool:
        """Whether to do something about it now; if so, it is left alone afterwards."""
        is_ripe = self._patience.is_ripe(matter)
        if is_ripe:
            self._patience.leave_alone(matter)
        return is_ripe
