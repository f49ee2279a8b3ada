"""Drift leads to a decision exactly once, however often Prefect's server dies and whatever it forgets."""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from millrace.domain.facts import Action, AttentionAsked, ChallengerTrained, DecisionMade, RunParked
from millrace.steps.audit import verify_everything
from millrace.steps.stores import ledger
from tests.controller.drifting import MODELS, Drifting, crown_all, lay_out
from tests.controller.stack import Stack, running

SEED = int(os.environ.get("MILLRACE_TEST_SEED", "20130501"))
EVENTS = 60
DEADLINE_SECONDS = 1_800

pytestmark = pytest.mark.slow


@pytest.fixture
def stack(tmp_path: Path, catalogue_template: Path) -> Iterator[Stack]:
    """A server that knows the deployments; the rest the test starts."""
    home = lay_out(tmp_path, catalogue_template)
    with running(Stack(home.path, home.models), "server") as stack:
        yield stack


def test_sixty_drifts_while_the_server_is_killed_are_decided_on_once_and_trained_once(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """60 drifts of six models, whose events are sent, doubled or lost, while the server is killed at random.

    Proves that each is answered by exactly one decision, that what can be trained is trained exactly once,
    that a person is asked once for each drift that no training can mend, and that nothing is given up.
    """
    crown_all(stack.home)
    before = newest()
    stack.start("worker")
    stack.start("controller")
    luck, counts, started = random.Random(SEED), Counter[str](), time.monotonic()  # noqa: S311
    drifting = [
        Drifting(stack, model, random.Random(f"{SEED} {model}"), EVENTS // len(MODELS), counts)  # noqa: S311
        for model in MODELS
    ]
    kill_at, start_at = luck.uniform(5, 15), 0.0
    while sum(one.step() for one in drifting):
        now = time.monotonic() - started
        assert now < DEADLINE_SECONDS, f"seed {SEED}: {sum(len(one.recorded) for one in drifting)} recorded"
        if "server" in stack.processes and now >= kill_at:
            stack.kill("server")
            counts["kills of the server"] += 1
            start_at, kill_at = now + luck.uniform(0, 6), now + luck.uniform(12, 30)
        elif now >= start_at:
            supervise(stack)
        time.sleep(0.2)
    with capsys.disabled():
        sys.stdout.write(summarise(counts, before, time.monotonic() - started))
    for one in drifting:
        assert_answered_once(one, before)
    assert counts["kills of the server"] >= 3
    verify_everything()


def newest() -> int:
    head = ledger().head()
    assert head is not None
    return head.seq


def supervise(stack: Stack) -> None:
    """Start again what has ended, as `make up` would: a worker that finds no server, say."""
    for name in ("server", "worker", "controller"):
        process = stack.processes.get(name)
        if process is None or process.poll() is not None:
            stack.launch(name)


def assert_answered_once(one: Drifting, before: int) -> None:
    made = [entry.fact for entry in ledger().entries(one.model, (DecisionMade,), before)]
    answered = [seq for fact in made if isinstance(fact, DecisionMade) for seq in fact.answers]
    assert sorted(answered) == one.recorded
    trained = [entry.fact for entry in ledger().entries(one.model, (ChallengerTrained,))]
    keys = [fact.run_key for fact in trained if isinstance(fact, ChallengerTrained)]
    assert len(keys) == len(set(keys))
    begun = {
        fact.run_key
        for fact in made
        if isinstance(fact, DecisionMade) and fact.action is Action.TRAIN and fact.answers
    }
    assert begun == set(keys[1:])
    asked = [entry.fact for entry in ledger().entries(one.model, (AttentionAsked,))]
    since = [fact.since for fact in asked if isinstance(fact, AttentionAsked)]
    assert len(since) == len(set(since))
    assert ledger().entries(one.model, (RunParked,)) == []


def summarise(counts: Counter[str], before: int, seconds: float) -> str:
    entries = ledger().entries(kinds=(DecisionMade, ChallengerTrained, AttentionAsked), after_seq=before)
    made = [entry.fact for entry in entries if isinstance(entry.fact, DecisionMade)]
    answers = Counter(f"answered by {fact.action}" for fact in made for _seq in fact.answers)
    others = Counter(f"other {fact.action}: {fact.reason[:40]}" for fact in made if not fact.answers)
    kinds = Counter(entry.kind for entry in entries)
    every = [*counts.items(), *answers.items(), *kinds.items(), *others.items()]
    told = "\n".join(f"  {what}: {count}" for what, count in sorted(every))
    return f"\nseed {SEED}, {seconds:.0f} s\n{told}\n"
