"""Which drift and decay of the champion is still to be answered, and what was already tried against it?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
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
from millrace.domain.monitoring.findings import Watched
from millrace.domain.verdict import Outcome

TRIED_KINDS = (DecisionMade, ChallengerTrained, ChallengerJudged, RolloutAborted, ChampionRolledBack)
"""The kinds of entry that tell which trainings were begun, and what became of them."""


@dataclass(frozen=True)
class Detection:
    """A drift, a decay or both that entry `seq` records of the champion.

    `first_seq` is the first entry that records the very same: it goes on since. `begun` are the run keys of
    the trainings that were decided on for it and have not come to their end.
    """

    seq: int
    drift: Drift | None
    decay: Decay | None
    first_seq: int = 0
    begun: frozenset[str] = frozenset()


def list_open_detections(
    entries: Iterable[Entry], champion: str, is_done: Callable[[str], bool]
) -> tuple[Detection, ...]:
    """List the detections of `champion` that no decision has answered for good, oldest first.

    A decision to train answers a detection once that training has come to its end: one that died
    half way has answered nothing, and is taken up again.

    Parameters
    ----------
    entries
        Since the champion began to serve, oldest first: every `WindowMonitored` that found drift or decay,
        and every `DecisionMade` that answers one.
    champion
        Its digest: what was found of another version is over.
    is_done
        Whether the training of a run key was finished.
    """
    found: dict[int, Detection] = {}
    first: dict[tuple[type, datetime], int] = {}
    begun: dict[int, set[str]] = {}
    for entry in entries:
        match entry.fact:
            case WindowMonitored() as fact if fact.digest == champion and (fact.drift or fact.decay):
                same = [(type(one), one.since) for one in (fact.drift, fact.decay) if one is not None]
                began = max(first.setdefault(one, entry.seq) for one in same)
                found[entry.seq] = Detection(entry.seq, fact.drift, fact.decay, began)
            case DecisionMade() as fact if fact.action is Action.TRAIN and not is_done(fact.run_key):
                for seq in fact.answers:
                    begun.setdefault(seq, set()).add(fact.run_key)
            case DecisionMade() as fact:
                for seq in fact.answers:
                    found.pop(seq, None)
            case _:
                pass
    return tuple(replace(one, begun=frozenset(begun.get(one.seq, ()))) for one in found.values())


def find_failed_try(entries: Iterable[Entry], is_done: Callable[[str], bool]) -> str | None:
    """Tell what became of the newest challenger whose training was decided on here and that came to nothing.

    Refits are left out: with other hyperparameters a full training may do better. So is a run that died
    after its judgement: it is taken up again.

    Parameters
    ----------
    entries
        Every entry of `TRIED_KINDS` of the model since what was to be mended was recorded first, oldest
        first: what was begun earlier has not learned of it.
    is_done
        Whether the training of a run key was finished.
    """
    begun: set[str] = set()
    trained: set[str] = set()
    failed: str | None = None
    for entry in entries:
        match entry.fact:
            case DecisionMade(action=Action.TRAIN) as fact if not fact.inputs.is_refit:
                begun.add(fact.run_key)
            case ChallengerTrained() as fact if fact.run_key in begun:
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
    if drift.columns and {*drift.columns} <= {Watched.PREDICTIONS, Watched.TARGET}:
        return f"drift: {' and '.join(drift.columns)} in {_tell_windows(drift.windows, drift.since)}"
    columns = f" ({', '.join(drift.columns)})" if drift.columns else ""
    windows = _tell_windows(drift.windows, drift.since)
    return f"drift: share {drift.share:.2f} of the columns{columns} in {windows}"


def tell_decay(decay: Decay) -> str:
    """Return a decay as one line with its numbers."""
    found = f"{decay.metric} as a loss {decay.loss:.4g}, {decay.excess_loss:.2g} above {decay.level:.4g}"
    return f"decay: {found} in {_tell_windows(decay.windows, decay.since)}"


def _tell_windows(windows: int, since: datetime) -> str:
    return f"{windows} {'window' if windows == 1 else 'windows'} since {since:%Y-%m-%d %H:%M} UTC"
