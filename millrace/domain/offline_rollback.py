"""How does a model go back while the ledger is away, and what does the ledger make of it afterwards?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from millrace.domain.facts import ChampionFact, ChampionRolledBack, Fact, OfflineRollbackOvertaken
from millrace.domain.pointer import WHOLE, Arm, ArmRole, OfflineRollback, Pointer
from millrace.domain.serving import Serving, serving_after, standing_champions
from millrace.errors import MillraceError

REACH = 3
"""How many earlier champions a pointer names: as many as services keep warm, and one more."""


class NoEarlierChampionNamedError(MillraceError):
    """The pointer names no champion before the one that answers."""

    def __init__(self, model: str, champion: str) -> None:
        self.model, self.champion = model, champion
        super().__init__(
            f"{model}: nothing to go back to offline, its pointer names no champion before {champion[:12]}. "
            f"`millrace rollback {model} --reason TEXT` goes by the whole history, once the ledger is up"
        )


def name_reachable(standing: Sequence[str]) -> tuple[str, ...]:
    """Return the champions that a pointer names as earlier ones, newest first.

    `standing` are those a rollback can still reach, oldest first, the current one last.
    """
    return tuple(reversed(standing[:-1]))[:REACH]


def plan_offline_rollback(pointer: Pointer, reason: str, actor: str, at: datetime) -> Pointer:
    """Return the pointer that makes the champion before the current one answer alone.

    Raises
    ------
    NoEarlierChampionNamedError
        If `pointer` names none.
    """
    if not pointer.previous:
        raise NoEarlierChampionNamedError(pointer.model, pointer.champion)
    digest, *earlier = pointer.previous
    generation = pointer.generation + 1
    made = OfflineRollback(digest, pointer.champion, generation, reason, actor, at.astimezone(UTC))
    return replace(
        pointer,
        generation=generation,
        arms=(Arm(digest, ArmRole.ANSWER, WHOLE),),
        previous=tuple(earlier),
        offline=(*pointer.offline, made),
    )


def plan_entries(
    offline: Sequence[OfflineRollback], serving: Serving, history: Sequence[Fact]
) -> list[tuple[OfflineRollback, ChampionFact]]:
    """Return the facts that enter each rollback the ledger does not have yet, in order.

    One whose withdrawn version is still the champion is adopted; one that came after something else is
    recorded as overtaken. Each makes a generation above the ledger's and the pointer's, so that services
    take the pointer that follows from it.

    Parameters
    ----------
    offline
        What the pointer says was done, oldest first.
    serving
        What serves by the ledger.
    history
        All facts of the model that changed what serves, in the ledger's order.
    """
    facts, planned = list(history), []
    entered = {fact.offline_generation for fact in facts if isinstance(fact, _ENTERED)}
    newest = max([serving.generation, *(made.generation for made in offline)])
    for made in offline:
        if made.generation in entered:
            continue
        newest += 1
        fact = _enter(made, serving, standing_champions(facts), newest)
        serving = serving_after(serving, fact)
        facts.append(fact)
        planned.append((made, fact))
    return planned


_ENTERED = ChampionRolledBack | OfflineRollbackOvertaken


def _enter(
    made: OfflineRollback, serving: Serving, standing: tuple[str, ...], generation: int
) -> ChampionFact:
    champion = serving.champion or ""
    reason = f"offline at {made.at:%Y-%m-%d %H:%M} UTC: {made.reason}"
    if champion != made.withdrawn:
        finding = f"{champion[:12]} had taken its place in the ledger"
    elif standing[-2:-1] != (made.digest,):
        finding = f"the ledger does not go back to {made.digest[:12]} from it"
    else:
        return ChampionRolledBack(made.digest, made.withdrawn, generation, reason, made.generation)
    return OfflineRollbackOvertaken(
        champion, serving.previous, made.withdrawn, generation, made.generation, reason, finding
    )
