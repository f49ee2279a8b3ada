"""How is history run again under each policy, and gone on with after a stop?"""

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from millrace.domain.replay.comparison import ReplayResult
from millrace.domain.replay.page import ReplayRow
from millrace.domain.schedule import last_due
from millrace.durable import replace_file
from millrace.errors import MillraceError
from millrace.steps.progress import announce
from millrace.steps.replay.asking import PaperLog
from millrace.steps.replay.engine import Batch, Engine
from millrace.steps.replay.history import History, prepare_history
from millrace.steps.replay.loop import PlainLoop
from millrace.steps.replay.plan import NoReplayError, Plan, Policy, entered, lay_out
from millrace.steps.replay.results import gather_results
from millrace.steps.stores import model_config


class ReplayRunningError(MillraceError):
    """Another process runs the very same replay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder}: another process is at this replay. Wait for it, or stop it first")


@dataclass
class HistoryWorld:
    """History as it happened, in the installation of one policy: without accidents."""

    plan: Plan
    policy: Policy
    history: History
    done_file: Path

    def __post_init__(self) -> None:
        self._reached: datetime | None = self.read_done()
        self._log = PaperLog(self.plan.model, self.history, self.plan.bounds)

    def read_done(self) -> datetime | None:
        """Return up to when all is done."""
        if not self.done_file.exists():
            return None
        return datetime.fromisoformat(self.done_file.read_text("utf-8"))

    def reach(self, now: datetime) -> None:
        """Answer, for looks, what was asked in the time up to `now`, by the champion of that time."""
        step = self.plan.bounds.index(now)
        announce(f"{self.policy.name} · {now:%Y-%m-%d %H:%M}", step, len(self.plan.bounds) - 1)
        if step and self._is_watched:
            self._log.write(step)

    def list_arrived(self, now: datetime) -> list[list[Batch]]:
        """List what has come since the last step: all of it comes at once."""
        coming = self.history.list_coming(self._reached, now)
        self._reached = now
        lets_in = self.policy.judges_batches_as(self.plan.never)
        batches = [Batch(one.batch, Path(one.file), one.is_released and lets_in) for one in coming]
        return [batches] if batches else []

    def arrive(self, batches: Sequence[Batch], engine: Engine) -> Iterator[ReplayRow]:
        """Let them arrive."""
        yield from engine.arrive(engine.month, batches)

    def is_look_due(self, before: datetime, now: datetime) -> bool:
        """Say whether the schedule of `[monitor]` was due between the two."""
        monitor = model_config(self.plan.model).monitor
        if monitor is None or not self._is_watched:
            return False
        return last_due(monitor.schedule, now) > before

    def finish(self, now: datetime) -> None:
        """Note that this step is done: it is not done again."""
        replace_file(self.done_file, now.isoformat().encode())

    @property
    def _is_watched(self) -> bool:
        return not self.policy.is_frozen and model_config(self.plan.model).monitor is not None


def run_replay(plan: Plan) -> ReplayResult:
    """Run history again under each policy, one after the other; what was stopped goes on after its last step.

    Raises
    ------
    ReplayRunningError
        If another process is at it.
    NoReplayError
        If nothing has happened in the range.
    """
    with _alone(plan.folder):
        history = _prepare(plan)
        for policy in plan.policies:
            _play(plan, policy, history)
        return gather_results(plan, history)


def _prepare(plan: Plan) -> History:
    """Lay out history; what is refused leaves nothing behind, of its copies least of all."""
    try:
        return prepare_history(plan)
    except NoReplayError:
        shutil.rmtree(plan.folder)
        raise


def _play(plan: Plan, policy: Policy, history: History) -> None:
    home = lay_out(plan, policy)
    with entered(home):
        world = HistoryWorld(plan, policy, history, home / "done")
        done = world.read_done()
        engine = Engine(
            plan.model,
            PlainLoop(plan.model, policy.is_frozen),
            world,
            done or plan.start,
            plan.until,
            plan.every,
            has_begun=done is not None,
        )
        for _row in engine.play():
            pass  # the ledger of this installation has it all


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ReplayRunningError(folder) from error
        yield
