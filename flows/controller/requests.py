"""Requests: what waits at a model is asked for as a flow run, waited for, or parked."""

from datetime import datetime

from flows.controller.pace import Pace, Patience
from flows.controller.telling import log
from millrace.adapters import clock
from millrace.domain.facts import RunRequested
from millrace.domain.work import Ask, Park, Standing, Wait, Work, plan_next
from millrace.steps.claims import list_dead_claims, release_dead_trainings
from millrace.steps.inbox import InboxWatch
from millrace.steps.requests import list_requests, name_request, park_work, record_request
from millrace.steps.work import find_arrived, find_work
from tasks.runs import find_standing, mark_crashed, start_run


class Requests:
    """What the inboxes held, and since when each piece of work waits."""

    def __init__(self, run_id: str, pace: Pace) -> None:
        self._run_id = run_id
        self._inbox, self._patience = InboxWatch(), Patience(pace)

    def look_for_files(self, model: str) -> None:
        """Ask for the ingestion of files that have arrived."""
        work = find_arrived(model, self._inbox)
        if work is not None:
            self._attend(work, clock.now())

    def look(self, model: str) -> None:
        """Let go of what dead runs held, and ask for all that waits and has waited long enough."""
        now = clock.now()
        for claim in list_dead_claims(model):
            mark_crashed(claim.owner.run_id)
        release_dead_trainings(model)
        waiting = find_work(model, self._inbox, now)
        self._patience.forget_all_but(model, {work.key for work in waiting})
        for work in waiting:
            if self._patience.has_stood(model, work.key, work.patience.total_seconds()):
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
