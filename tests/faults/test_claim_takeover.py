"""Whose work is it? A dead owner's is taken over at once; whoever lost a claim writes nothing more."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient

from millrace.adapters import clock
from millrace.adapters.process import current_owner, is_dead
from millrace.domain.claim import Claim, ClaimLostError
from millrace.domain.decision import Reason
from millrace.domain.facts import (
    Action,
    BatchAccepted,
    ChallengerJudged,
    ChallengerTrained,
    ChampionPromoted,
    Fact,
    VersionRegistered,
)
from millrace.settings import load_settings
from millrace.steps.arrivals import list_arrivals, stage_arrival
from millrace.steps.batch import accept_batch, claim_batch, hold_to_contract
from millrace.steps.claims import LEASE, held
from millrace.steps.dataset import current_dataset
from millrace.steps.decide import Decided, decide_retraining, finish_run
from millrace.steps.gate import judge_challenger
from millrace.steps.register import register_version
from millrace.steps.rollout import start_rollout
from millrace.steps.rows import load_rows
from millrace.steps.stores import ledger
from millrace.steps.train import train_challenger
from tests.faults import processes
from tests.faults.pauses import wait_for
from tests.faults.tides import MODEL, NOW


def decide(run_id: str) -> Decided:
    return decide_retraining(MODEL, Reason.BY_HAND, False, NOW, run_id)


def decide_and_live_on(decided: Path) -> None:
    decide("the first run")
    decided.touch()
    time.sleep(120)


def test_the_claim_of_a_living_run_is_left_to_it_and_of_a_dead_one_taken_over_at_once(
    ingested_home: Path, tmp_path: Path
) -> None:
    first = processes.start(ingested_home, decide_and_live_on, tmp_path / "decided")
    wait_for(tmp_path / "decided")
    refused = decide("the second run")
    assert (refused.decision.action, refused.claim) == (Action.SKIP, None)
    assert "is being done by run the first run" in refused.decision.reason
    first.kill()
    processes.exit_code(first)
    taken = decide("the third run")
    assert taken.decision.action is Action.TRAIN
    assert taken.claim is not None
    assert (taken.claim.token, taken.claim.owner.run_id) == (2, "the third run")


def take_over(claim: Claim) -> Claim:
    """Another run takes the claim, as it may once the lease has run out."""
    later = clock.now() + LEASE + timedelta(seconds=1)
    return ledger().claim(claim.key, current_owner("another run"), later, LEASE, is_dead)


class Run:
    """A retraining step by step, under its own claim."""

    def __init__(self) -> None:
        decided = decide("the first run")
        assert decided.claim is not None
        self.decision, self.claim = decided.decision, decided.claim
        self.rows = load_rows(MODEL, self.decision.inputs.dataset, NOW)

    def train(self) -> None:
        arguments = (MODEL, self.rows, self.decision, self.claim, NOW)
        self.trained = train_challenger(*arguments, lambda _done, _total: None)

    def judge(self) -> None:
        self.judged = judge_challenger(MODEL, self.rows, self.trained, self.claim, NOW)

    def register(self) -> None:
        register_version(MODEL, self.rows, self.trained, self.judged, self.claim, NOW)

    def promote(self) -> None:
        start_rollout(MODEL, self.judged, self.claim, NOW)

    def finish(self) -> None:
        finish_run(self.claim, self.judged)


STAGES: tuple[tuple[Callable[[Run], None], type[Fact] | None], ...] = (
    (Run.train, ChallengerTrained),
    (Run.judge, ChallengerJudged),
    (Run.register, VersionRegistered),
    (Run.promote, ChampionPromoted),
    (Run.finish, None),
)


@pytest.mark.parametrize("number", range(len(STAGES)), ids=[stage.__name__ for stage, _ in STAGES])
def test_a_run_that_lost_its_claim_writes_nothing_more(ingested_home: Path, number: int) -> None:
    run, (stage, kind) = Run(), STAGES[number]
    for earlier, _ in STAGES[:number]:
        earlier(run)
    theirs = take_over(run.claim)
    before = ledger().head()
    with pytest.raises(ClaimLostError, match="token 1 is stale, another run took over"), held(run.claim):
        stage(run)
    assert ledger().head() == before
    assert kind is None or ledger().entries(MODEL, (kind,)) == []
    assert ledger().serving(MODEL).generation == (1 if stage is Run.finish else 0)
    assert ledger().list_claims() == [theirs]
    assert [claim.key for claim in ledger().list_claims("done") if claim.key.startswith("retrain:")] == []


def test_a_run_that_lost_its_claim_leaves_the_catalogue_alone(ingested_home: Path) -> None:
    run = Run()
    run.train()
    run.judge()
    take_over(run.claim)
    with pytest.raises(ClaimLostError, match="another run took over"):
        run.register()
    url = load_settings().catalogue_url
    assert list(MlflowClient(url, url).search_model_versions(f"name = '{MODEL}'")) == []


def test_an_ingest_that_lost_its_claim_adds_nothing_to_the_dataset(tides_home: Path) -> None:
    [arrival] = list_arrivals(MODEL, None, NOW)
    staged = stage_arrival(arrival)
    claim = claim_batch(arrival, staged, "the first run")
    checked = hold_to_contract(arrival, staged)
    take_over(claim)
    with pytest.raises(ClaimLostError, match="another run took over"):
        accept_batch(arrival, checked, claim, NOW)
    assert current_dataset(MODEL).parts == ()
    assert ledger().entries(MODEL, (BatchAccepted,)) == []
