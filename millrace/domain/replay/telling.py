"""Which happenings are the entries of a replayed ledger?"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from millrace.domain.facts import (
    Action,
    BatchAccepted,
    BatchQuarantined,
    ChallengerJudged,
    ChallengerTrained,
    ChampionPromoted,
    DecisionMade,
    WindowMonitored,
)
from millrace.domain.ledger import Entry
from millrace.domain.replay.comparison import Happening


def tell_happenings(entries: Iterable[Entry]) -> tuple[Happening, ...]:
    """Return what happened by the entries of one model, in their order.

    Batches that came together are one happening, with the decision that they led to. A decision that was made
    anew because the replay was stopped half way is told once.
    """
    told = _Told()
    for entry in entries:
        told.take(entry)
    told.close_arrival()
    return tuple(told.happenings)


@dataclass
class _Told:
    happenings: list[Happening] = field(default_factory=list)
    champion: str | None = None
    _arrived: list[Entry] = field(default_factory=list)
    _looked: WindowMonitored | None = None
    _of_run: dict[str, int] = field(default_factory=dict)
    """Where the happening of a run stands, by its key."""

    def take(self, entry: Entry) -> None:
        if self._arrived and self._arrived[-1].at != entry.at:
            self.close_arrival()
        match entry.fact:
            case BatchAccepted():
                self._arrived.append(entry)
            case BatchQuarantined() as fact:
                self._add(entry, f"quarantined {fact.batch}", reason=fact.violations[0].message)
            case WindowMonitored() as fact:
                self._looked = fact
            case DecisionMade() as fact:
                self._decide(entry, fact)
            case ChallengerTrained() as fact:
                self._change(fact.run_key, trained_rows=fact.rows, training_seconds=fact.seconds)
            case ChallengerJudged() as fact:
                self._change(fact.run_key, gate=fact.outcome.value, reason=fact.reason)
            case ChampionPromoted() as fact:
                self.champion = fact.digest
                self.happenings[-1] = replace(self.happenings[-1], champion=fact.digest)
            case _:
                pass

    def close_arrival(self) -> None:
        """Tell of batches that nothing was decided on."""
        if self._arrived:
            last, rows = self._arrived[-1], self._rows
            self._arrived.clear()
            self._add(last, "arrived", rows=rows)

    def _decide(self, entry: Entry, made: DecisionMade) -> None:
        known = self._of_run.get(made.run_key)
        if known is not None and self.happenings[known].at == entry.at and not self._arrived:
            return  # taken up again after a stop
        rows, event = self._rows, self._name(made)
        self._arrived.clear()
        if made.action is Action.TRAIN:
            self._of_run[made.run_key] = len(self.happenings)
        self._add(entry, event, rows=rows, decision=made.action.value, reason=made.reason)

    def _name(self, made: DecisionMade) -> str:
        if self._arrived:
            return "arrived"
        asked = ", ".join(made.asked)
        looked = self._looked
        if asked == "drift" and looked is not None and looked.drift is not None:
            return f"drift {looked.drift.share:.2f}"
        if asked == "decay" and looked is not None and looked.decay is not None:
            return f"decay {looked.decay.excess_loss:.3g}"
        return asked

    @property
    def _rows(self) -> int:
        return sum(one.fact.part.rows for one in self._arrived if isinstance(one.fact, BatchAccepted))

    def _change(self, run_key: str, **values: object) -> None:
        place = self._of_run.get(run_key)
        if place is not None:
            self.happenings[place] = replace(self.happenings[place], **values)  # type: ignore[arg-type]

    def _add(self, entry: Entry, event: str, *, rows: int = 0, decision: str = "", reason: str = "") -> None:
        before = self.champion
        self.happenings.append(Happening(entry.at, rows, event, decision, reason, "", before, before))
