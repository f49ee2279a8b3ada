"""Which version answers, and which one before it may answer again?"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from millrace.domain.facts import (
    ChampionPromoted,
    ChampionRolledBack,
    Fact,
    OfflineRollbackOvertaken,
    ProbationEnded,
    RolloutAborted,
    RolloutAdvanced,
    RolloutStarted,
    ServingFact,
)
from millrace.domain.rollout.policy import Strategy
from millrace.domain.rollout.state import Rollout
from millrace.errors import MillraceError


@dataclass(frozen=True)
class Serving:
    """What serves for one model. `generation` counts its changes and guards the next one.

    The last four are None unless a challenger is on its way; `weight` is its share of requests in percent.
    """

    model: str
    generation: int = 0
    champion: str | None = None
    previous: str | None = None
    challenger: str | None = None
    strategy: Strategy | None = None
    step: int | None = None
    weight: int | None = None


class NothingToRollBackToError(MillraceError):
    """The history holds no champion before the current one."""

    def __init__(self, model: str, champion: str | None) -> None:
        self.model, self.champion = model, champion
        found = f"champion {champion[:12]} is its first" if champion else "it has no champion"
        super().__init__(
            f"{model}: nothing to roll back to, {found}. `millrace history {model}` lists what served"
        )


def standing_champions(facts: Iterable[Fact]) -> tuple[str, ...]:
    """Return the champions a rollback can still reach, oldest first, the current one last.

    A promotion adds one; a rollback takes the newest away for good, one that was overtaken its own.
    """
    standing: list[str] = []
    for fact in facts:
        match fact:
            case ChampionPromoted():
                standing.append(fact.digest)
            case ChampionRolledBack():
                standing.pop()
            case OfflineRollbackOvertaken():
                earlier = [digest for digest in standing[:-1] if digest != fact.withdrawn]
                standing = [*earlier, *standing[-1:]]
            case _:
                pass
    return tuple(standing)


def plan_promotion(serving: Serving | Rollout, challenger: str, reason: str) -> ChampionPromoted:
    """Return the fact that makes `challenger` the champion of the next generation."""
    return ChampionPromoted(challenger, serving.champion, serving.generation + 1, reason)


def plan_rollback(serving: Serving, standing: tuple[str, ...], reason: str) -> ChampionRolledBack:
    """Return the fact that makes the champion before the current one answer again.

    Raises
    ------
    NothingToRollBackToError
        If there is no earlier champion in `standing`.
    """
    *earlier, _current = standing or (None,)
    if serving.champion is None or not earlier:
        raise NothingToRollBackToError(serving.model, serving.champion)
    return ChampionRolledBack(earlier[-1], serving.champion, serving.generation + 1, reason)


def serving_after(serving: Serving, fact: ServingFact) -> Serving:
    """Return what serves once `fact` has happened."""
    alone = Serving(serving.model, fact.generation, serving.champion, serving.previous)
    match fact:
        case ChampionPromoted():
            return replace(alone, champion=fact.digest, previous=fact.previous)
        case ChampionRolledBack():
            return replace(alone, champion=fact.digest, previous=fact.withdrawn)
        case OfflineRollbackOvertaken():
            return replace(alone, champion=fact.champion, previous=fact.previous)
        case RolloutStarted():
            policy = fact.policy
            return replace(
                alone, challenger=fact.challenger, strategy=policy.strategy, step=0,
                weight=policy.steps[0].weight,
            )  # fmt: skip
        case RolloutAdvanced():
            return replace(serving, generation=fact.generation, step=fact.step, weight=fact.weight)
        case RolloutAborted() | ProbationEnded():
            return alone
