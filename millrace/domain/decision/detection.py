"""Which drift and decay of the champion is still to be answered, and what was already tried against it?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from millrace.domain.facts import (
    Action,
    ChallengerJudged,
    ChallengerTrained,
    ChampionRolledBack,
    Decay,
    DecisionMade,
    Drift,
    RolloutAborted,
    WindowMonitored,
)
from millrace.domain.ledger import Entry
from millrace.domain.verdict import Outcome

TRIED_KINDS = (ChallengerTrained, ChallengerJudged, RolloutAborted, ChampionRolledBack)
"""The kinds of entry that tell what became of trainings."""


@dataclass(frozen=True)
class Detection:
    """A drift, a decay or both that entry `seq` records of the champion.

    `begun` are the run keys of the trainings that were decided on for it and have not come to their end.
    """

    seq: int
    drift: Drift | None
    decay: Decay | None
    begun: frozenset[str] = frozenset()

    def __str__(self) -> str:
        drift = [tell_drift(self.drift)] if self.drift is not None else []
        return "; ".join([*drift, tell_decay(self.decay)] if self.decay is not None else drift)

    @property
    def since(self) -> datetime:
        """When the first of the windows began that it is about."""
        return min(found.since for found in (self.drift, self.decay) if found is not None)

    @property
    def tried_since(self) -> datetime:
        """A challenger trained from here on has learned of all that it is about."""
        return max(found.since for found in (self.drift, self.decay) if found is not None)


def list_open_detections(
    entries: Iterable[Entry], champion: str, is_done: Callable[[str], bool]
) -> tuple[Detection, ...]:
    """List the detections of `champion` that no decision has answered for good, oldest first.

    A decision to train answers a detection once that training has come to its end: one that died
    half way has answered nothing, and is taken up again.

    Parameters
    ----------
    entries
        Every `WindowMonitored` and `DecisionMade` since the champion began to serve, oldest first.
    champion
        Its digest: what was found of another version is over.
    is_done
        Whether the training of a run key was finished.
    """
    found: dict[int, Detection] = {}
    begun: dict[int, set[str]] = {}
    for entry in entries:
        match entry.fact:
            case WindowMonitored() as fact if fact.digest == champion and (fact.drift or fact.decay):
                found[entry.seq] = Detection(entry.seq, fact.drift, fact.decay)
            case DecisionMade() as fact if fact.action is Action.TRAIN and not is_done(fact.run_key):
                for seq in fact.answers:
                    begun.setdefault(seq, set()).add(fact.run_key)
            case DecisionMade() as fact:
                for seq in fact.answers:
                    found.pop(seq, None)
            case _:
                pass
    return tuple(
        Detection(one.seq, one.drift, one.decay, frozenset(begun.get(one.seq, ()))) for one in found.values()
    )


def find_failed_try(entries: Iterable[Entry], since: datetime, is_done: Callable[[str], bool]) -> str | None:
    """Tell what became of the newest challenger that was trained at or after `since` and came to nothing.

    Refits are left out: with other hyperparameters a full training may do better. So is a run that died
    after its judgement: it is taken up again.

    Parameters
    ----------
    entries
        Every entry of `TRIED_KINDS` of the model, oldest first.
    since
        When what it was to mend began.
    is_done
        Whether the training of a run key was finished.
    """
    trained: set[str] = set()
    failed: str | None = None
    for entry in entries:
        match entry.fact:
            case ChallengerTrained() as fact if entry.at >= since and not fact.inputs.is_refit:
                trained.update([fact.digest] if is_done(fact.run_key) else [])
            case ChallengerJudged(digest=digest, outcome=outcome) as fact if digest in trained:
                if outcome is not Outcome.PASS:
                    failed = f"challenger {digest[:12]} was refused: {fact.reason}"
            case RolloutAborted(challenger=digest) as fact if digest in trained:
                failed = f"the rollout of challenger {digest[:12]} was aborted: {fact.reason}"
            case ChampionRolledBack(withdrawn=digest) as fact if digest in trained:
                failed = f"{digest[:12]} was rolled back: {fact.reason}"
            case _:
                pass
    return failed


def tell_drift(drift: Drift) -> str:
    """Return a drift as one line with its numbers."""
    columns = f" ({', '.join(drift.columns)})" if drift.columns else ""
    windows = _tell_windows(drift.windows, drift.since)
    return f"drift: share {drift.share:.2f} of the columns{columns} in {windows}"


def tell_decay(decay: Decay) -> str:
    """Return a decay as one line with its numbers."""
    found = f"{decay.metric} as a loss {decay.loss:.4g}, {decay.excess_loss:.2g} above {decay.level:.4g}"
    return f"decay: {found} in {_tell_windows(decay.windows, decay.since)}"


def _tell_windows(windows: int, since: datetime) -> str:
    return f"{windows} {'window' if windows == 1 else 'windows'} since {since:%Y-%m-%d %H:%M} UTC"
