"""Is every state legal, whatever comes in whatever order?"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from millrace.domain.facts import (
    ChampionPromoted,
    ChampionRolledBack,
    RolloutAdvanced,
    RolloutFact,
    ServingFact,
)
from millrace.domain.pointer import WHOLE, ArmRole
from millrace.domain.rollout.advance import Transition, abort, advance, approve, pause, reject, resume, start
from millrace.domain.rollout.evidence import Compared, Evidence
from millrace.domain.rollout.policy import Approval, Policy
from millrace.domain.rollout.state import Phase, Rollout, rollout_after
from millrace.domain.verdict import Outcome
from tests.domain.rollout.rolling import BROKEN, GOOD, MINUTE, POLICY, START, arm, evidence_for, labelled

FEW = Compared(arm(), arm(requests=10))
COMPARED = {
    "good": GOOD,
    "broken": BROKEN,
    "few": FEW,
    "proven": labelled(GOOD, -0.05),
    "harmful": labelled(GOOD, 0.2),
}
SPOILT: dict[str, Callable[[Evidence, datetime], Evidence | None]] = {
    "missing": lambda _evidence, _now: None,
    "foreign": lambda evidence, _now: replace(evidence, challenger="f" * 64),
    "stale": lambda evidence, now: replace(evidence, since=now - 2 * MINUTE, until=now - 60 * MINUTE),
    "future": lambda evidence, now: replace(evidence, until=now + 60 * MINUTE),
    "unready": lambda evidence, _now: replace(evidence, ready=1),
    "nobody": lambda evidence, _now: replace(evidence, services=0, ready=0),
}
VISITED: Counter[tuple[Phase, str]] = Counter()


class RolloutMachine(RuleBasedStateMachine):
    """A rollout that lives through anything; what is recorded is all that survives a crash."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.rollout = START, Rollout("fares")
        self.recorded: list[tuple[RolloutFact, datetime]] = []
        self.digests = iter(f"{number:064x}" for number in range(1000))
        self.gone: set[str] = set()

    @property
    def policy(self) -> Policy:
        return POLICY

    def take(self, event: str, move: Transition, *, dies: bool = False) -> None:
        """Record what a transition asks for, unless the process dies before."""
        VISITED[self.rollout.phase, event] += 1
        before, after, fact = self.rollout, move.after, move.fact
        if fact is None:
            assert (after, bool(move.reason)) == (before, True)
            return
        assert after == rollout_after(before, fact, self.now)
        assert after.generation == before.generation + isinstance(fact, ServingFact)
        if dies:
            return
        self.recorded.append((fact, self.now))
        self.rollout = after
        if isinstance(fact, ChampionRolledBack):
            self.gone.add(fact.withdrawn)

    @rule(dies=st.booleans())
    def begin(self, dies: bool) -> None:
        self.take("start", start(self.rollout, next(self.digests), self.policy, self.now), dies=dies)

    @rule(kind=st.sampled_from(sorted(COMPARED)), minutes=st.integers(0, 5), dies=st.booleans())
    def look(self, kind: str, minutes: int, dies: bool) -> None:
        self.now += minutes * MINUTE
        evidence = evidence_for(self.rollout, COMPARED[kind], self.now)
        move = advance(self.rollout, evidence, self.policy, self.now)
        if isinstance(move.fact, (RolloutAdvanced, ChampionPromoted)):
            assert kind in {"good", "proven"}
            assert {one.outcome for one in move.verdicts} == {Outcome.PASS}
            assert self.rollout.paused is None
            assert self.policy.approval is Approval.AUTO or self.rollout.is_approved
        self.take(kind, move, dies=dies)

    @rule(looks=st.integers(1, 4))
    def do_well(self, looks: int) -> None:
        for _ in range(looks):
            self.look("good", minutes=1, dies=False)
            if self.rollout.is_asking:
                self.say(approve, dies=False)
                self.look("good", minutes=1, dies=False)

    @rule(kind=st.sampled_from(sorted(COMPARED)), how=st.sampled_from(sorted(SPOILT)))
    def look_at_spoilt_evidence(self, kind: str, how: str) -> None:
        evidence = SPOILT[how](evidence_for(self.rollout, COMPARED[kind], self.now), self.now)
        move = advance(self.rollout, evidence, self.policy, self.now)
        assert not isinstance(move.fact, (RolloutAdvanced, ChampionPromoted))
        self.take(how, move)

    @rule(word=st.sampled_from([approve, reject, abort, pause, resume]), dies=st.booleans())
    def say(self, word: Callable[[Rollout, str, datetime], Transition], dies: bool) -> None:
        self.take(word.__name__, word(self.rollout, "a person's word", self.now), dies=dies)

    @rule()
    def roll_back(self) -> None:
        if self.rollout.phase is Phase.PROBATION:
            champion, control = str(self.rollout.champion), str(self.rollout.control)
            fact = ChampionRolledBack(control, champion, self.rollout.generation + 1, "a person's word")
            self.take("rollback", Transition(fact, rollout_after(self.rollout, fact, self.now), "back"))

    @rule(hours=st.integers(-48, 48))
    def jump(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def restart(self) -> None:
        VISITED[self.rollout.phase, "restart"] += 1
        known = Rollout("fares")
        for fact, at in self.recorded:
            known = rollout_after(known, fact, at)
        assert known == self.rollout

    @invariant()
    def answers_are_whole(self) -> None:
        arms = self.rollout.arms
        answering = [one for one in arms if one.role is ArmRole.ANSWER]
        assert sum(one.weight for one in answering) == (WHOLE if self.rollout.champion else 0)
        assert len({one.digest for one in arms}) == len(arms) <= 2
        assert all(one.weight > 0 for one in arms)
        assert not arms or arms[0].digest == self.rollout.champion

    @invariant()
    def idle_means_idle(self) -> None:
        rollout = self.rollout
        assert (rollout.challenger is not None) == (rollout.phase in {Phase.SHADOW, Phase.CANARY})
        assert (rollout.phase is Phase.IDLE) == (rollout.control is None)
        assert not (rollout.phase is Phase.IDLE and (rollout.failures or rollout.paused or rollout.is_asking))
        assert rollout.failures < self.policy.failure_limit
        assert (rollout.weight > 0) == (rollout.phase is Phase.CANARY)

    @invariant()
    def withdrawn_versions_never_return(self) -> None:
        assert self.rollout.champion not in self.gone
        assert self.rollout.control not in self.gone


class ApprovedMachine(RolloutMachine):
    """The same, where a person has to approve each step."""

    @property
    def policy(self) -> Policy:
        return replace(POLICY, approval=Approval.MANUAL)


def run(machine: type[RolloutMachine], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("machine", [RolloutMachine, ApprovedMachine])
def test_no_order_of_events_leads_to_an_illegal_state(machine: type[RolloutMachine]) -> None:
    run(machine, examples=60)


@pytest.mark.slow
def test_two_thousand_lives_visit_every_pair_of_state_and_event() -> None:
    VISITED.clear()
    for machine in (RolloutMachine, ApprovedMachine):
        run(machine, examples=1000)
    words = ("start", "approve", "reject", "abort", "pause", "resume", "restart")
    missing = set(product(Phase, (*words, *COMPARED, *SPOILT))) - set(VISITED)
    assert not missing, missing
