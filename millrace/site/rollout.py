"""Where is a model's rollout, and how did this one and those before it go?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from millrace.domain.facts import ROLLOUT_KINDS, RolloutStarted
from millrace.domain.rollout.state import Phase, Rollout
from millrace.domain.rollout.timeline import Turn, list_turns
from millrace.domain.verdict import Outcome
from millrace.site.charts import WHOLE, Drawn, Stretch, draw_weights
from millrace.steps.rollout import Act, RolloutStatus, rollout_status
from millrace.steps.stores import ledger

LATEST = 5
"""How many rollouts are shown."""

_STARTED = RolloutStarted.__name__
_ENDS = {
    "RolloutAborted": "aborted",
    "ChampionRolledBack": "rolled back",
    "OfflineRollbackOvertaken": "rolled back",
    "ProbationEnded": "unproven",
    "ChampionPromoted": "promoted",
}


@dataclass(frozen=True)
class Story:
    """One rollout from its start to whatever became of its challenger; `turns` oldest first.

    `challenger` is None for what happened before the first rollout; `made_room` says that another began.
    """

    model: str
    challenger: str | None
    turns: tuple[Turn, ...]
    made_room: bool

    @property
    def number(self) -> int:
        return self.turns[0].seq

    @property
    def outcome(self) -> str:
        """How it ended, or the phase it is in."""
        last = self.turns[-1]
        if last.after.phase is not Phase.IDLE:
            made_room = "unproven" if last.after.phase is Phase.PROBATION else "superseded"
            return made_room if self.made_room else last.after.phase
        kinds = [turn.kind for turn in self.turns if turn.kind in _ENDS]
        if last.outcome is Outcome.PASS:
            return "proven"
        return _ENDS[kinds[-1]] if kinds else last.after.phase

    def charts(self, now: datetime) -> Drawn:
        """Draw its weights, up to `now` while it goes on."""
        is_over = self.turns[-1].after.phase is Phase.IDLE or self.made_room
        failed = tuple(turn.at for turn in self.turns if turn.kind == "StepFailed")
        # what goes on is drawn anew each minute, not for each reader
        end = self.turns[-1].at if is_over else now.replace(second=0, microsecond=0)
        return draw_weights(f"{self.model}{self.number}", self.stretches(), failed, end)

    def stretches(self) -> tuple[Stretch, ...]:
        return tuple(
            Stretch(turn.at, _weight_of(turn.after, self.challenger), turn.after.phase) for turn in self.turns
        )


@dataclass(frozen=True)
class RolloutPage:
    """A model's rollout as it was at `at`, and the latest of all, newest first."""

    at: datetime
    model: str
    status: RolloutStatus
    stories: tuple[Story, ...]
    count: int

    @property
    def acts(self) -> tuple[Act, ...]:
        """What a person can say to it now."""
        rollout = self.status.rollout
        if rollout.on_trial is None:
            return ()
        asked = (Act.APPROVE, Act.REJECT) if rollout.is_asking else ()
        held = Act.RESUME if rollout.paused else Act.PAUSE
        ends = (Act.ABORT,) if rollout.challenger else ()
        return (*asked, held, *ends)


def gather_rollout(now: datetime, model: str) -> RolloutPage:
    """Read what the ledger and the last look know of the model's rollouts.

    Raises
    ------
    UnknownModelError
        If neither a folder nor an entry has that name.
    """
    status = rollout_status(model)
    begun = [entry.seq for entry in ledger().entries(model, (RolloutStarted,))]
    # a page that is asked for every few seconds reads what it shows, not the whole history
    before = begun[-LATEST] - 1 if len(begun) > LATEST else 0
    entries = ledger().entries(model, ROLLOUT_KINDS, after_seq=before)
    stories = _list_stories(model, list_turns(model, entries))
    return RolloutPage(now, model, status, tuple(stories[::-1]), max(len(begun), len(stories)))


def _list_stories(model: str, turns: Iterable[Turn]) -> list[Story]:
    groups: list[list[Turn]] = []
    for turn in turns:
        if not groups or turn.kind == _STARTED:
            groups.append([])
        groups[-1].append(turn)
    last = len(groups) - 1
    return [_tell(model, group, made_room=number < last) for number, group in enumerate(groups)]


def _tell(model: str, turns: list[Turn], *, made_room: bool) -> Story:
    first = turns[0]
    challenger = first.after.challenger if first.kind == _STARTED else None
    return Story(model, challenger, tuple(turns), made_room)


def _weight_of(rollout: Rollout, challenger: str | None) -> int:
    """Return the percent of requests that the challenger of this story answers."""
    if challenger is None or rollout.champion == challenger:
        return WHOLE
    return rollout.weight
