"""What must hold of `fares` whatever has happened: nothing was done twice, and all that follows agrees."""

import json

from millrace.domain.facts import ChallengerTrained, ChampionPromoted, RunRequested, VersionRegistered
from millrace.settings import load_settings
from millrace.steps.audit import verify_everything
from millrace.steps.reconcile import find_trouble
from millrace.steps.retrain_facts import find_inputs
from millrace.steps.stores import ledger
from tests.controller.fares import facts


def assert_nothing_was_trained_twice() -> None:
    trained = [fact.run_key for fact in facts(ChallengerTrained)]
    assert len(trained) == len(set(trained))
    done = [claim.key for claim in ledger().list_claims("done") if claim.key.startswith("retrain:")]
    assert sorted(done) == sorted(trained)
    registered = [fact.run_key for fact in facts(VersionRegistered)]
    assert sorted(registered) == sorted(trained)
    assert facts(ChallengerTrained)[-1].inputs == find_inputs("fares")
    asked = [(fact.key, fact.attempt) for fact in facts(RunRequested)]
    assert len(asked) == len(set(asked))


def assert_all_agree() -> None:
    verify_everything()
    assert find_trouble("fares") is None
    pointer = json.loads((load_settings().channel / "fares" / "pointer.json").read_text())
    assert pointer["pointer"]["arms"][0]["digest"] == ledger().serving("fares").champion
    assert ledger().serving("fares").generation == len(facts(ChampionPromoted))
