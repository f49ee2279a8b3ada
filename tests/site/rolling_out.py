"""A rollout that is brought to where a test wants it, by the decisions and the ledger of every other."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from millrace.domain.canonical import canonical_json
from millrace.domain.facts import ProbationEnded
from millrace.domain.rollout.advance import Transition, abort, advance, start
from millrace.domain.rollout.evidence import Compared
from millrace.domain.rollout.policy import Approval, Policy, Strategy, steps_of
from millrace.domain.rollout.state import Phase, Rollout, rollout_after
from millrace.domain.verdict import Outcome
from millrace.durable import replace_file
from millrace.steps.rollout import Look
from tests.domain.rollout.rolling import BROKEN, GOOD, POLICY, evidence_for, labelled
from tests.site.told import ACTOR, HOSTILE, Told, entered

BY_HAND = replace(POLICY, approval=Approval.MANUAL)
BLUE_GREEN = replace(POLICY, strategy=Strategy.BLUE_GREEN, steps=steps_of(Strategy.BLUE_GREEN, ()))
PROVEN = labelled(GOOD, -0.1)


@dataclass
class Rolling:
    """The rollout of `fares`; `now` goes on by an interval with each look."""

    told: Told
    now: datetime

    @classmethod
    def on(cls, told: Told) -> "Rolling":
        return cls(told, datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))

    @property
    def state(self) -> Rollout:
        with entered(self.told.home):
            return self.told.home.ledger.rollout("fares")

    def begin(self, policy: Policy = POLICY) -> Transition:
        """Start another rollout; what was on its way is taken back, a probation is over by it."""
        self.end()
        challenger = self.told.second if self.state.champion == self.told.first else self.told.first
        return self._record(start(self.state, challenger, policy, self._later()))

    def end(self) -> None:
        """Take back what is on its way."""
        self._record(abort(self.state, "room for a test", self.now))

    def look(self, compared: Compared = GOOD) -> Transition:
        """Take a look, record what follows, and keep it as the controller does."""
        before, now = self.state, self._later()
        assert before.policy is not None
        slices = {f"tariff day {HOSTILE}": compared}
        evidence = replace(evidence_for(before, compared, now), slices=slices)
        transition = advance(before, evidence, before.policy, now)
        look = Look(
            "fares", now, str(before.on_trial), before.generation, transition.reason or "passed",
            transition.verdicts, evidence, type(transition.fact).__name__ if transition.fact else None,
        )  # fmt: skip
        replace_file(self.told.home.path / "var/rollouts/fares.json", canonical_json(look).encode())
        return self._record(transition)

    def look_until(self, phase: Phase) -> None:
        """Look on as long as all goes well."""
        while self.state.phase is not phase:
            self.look()

    def end_unproven(self) -> None:
        """Let the probation end with nothing seen of it."""
        before = self.state
        champion, generation, reason = str(before.champion), before.generation + 1, "nobody has asked"
        fact = ProbationEnded(champion, generation, Outcome.INCONCLUSIVE, reason)
        self._record(Transition(fact, rollout_after(before, fact, self._later()), reason))

    def facts(self) -> list[str]:
        with entered(self.told.home):
            return self.told.home.kinds("fares")

    def last_entry(self) -> tuple[str, str, dict[str, object]]:
        """Return the actor, the kind and the body of the newest entry."""
        with entered(self.told.home):
            entry = self.told.home.ledger.entries("fares")[-1]
            return entry.actor, entry.kind, json.loads(entry.body)

    def _record(self, transition: Transition) -> Transition:
        if transition.fact is not None:
            with entered(self.told.home):
                ledger = self.told.home.ledger
                ledger.change_rollout(ledger.rollout("fares"), transition.fact, self.now, ACTOR)
        return transition

    def _later(self) -> datetime:
        self.now += timedelta(minutes=2)
        return self.now


__all__ = ["BLUE_GREEN", "BROKEN", "BY_HAND", "GOOD", "PROVEN", "Rolling"]
