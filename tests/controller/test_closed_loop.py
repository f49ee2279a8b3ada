"""Does what is asked in production lead to a new champion, or to a person, with no further hand?

From February on rides of more than 15 km cost six for each kilometre, and only short ones were learned from
before. A retraining that sees them mends it. A drift of `noise`, by which nothing costs more, none can.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.models import change_section
from millrace.adapters.service_client import Given, ServiceClient, running_service
from millrace.domain.facts import (
    Action,
    AttentionAsked,
    ChallengerJudged,
    ChampionPromoted,
    DecisionMade,
    ProbationEnded,
    ReportKept,
    RolloutStarted,
    WindowMonitored,
)
from millrace.domain.monitoring.findings import Watched
from millrace.domain.rollout.state import Phase
from millrace.domain.verdict import Outcome
from millrace.settings import PROJECT_ROOT
from millrace.steps.stores import ledger
from tests.controller.conftest import lay_out
from tests.controller.fares import deliver, facts
from tests.controller.stack import Stack, running, wait_for

ROWS_OF_REQUEST = 20
LONG_KM = 15.0
WAIT_SECONDS = 240.0

SECTIONS = {
    "monitor": {"schedule": "0 0 1 1 *", "every_rows": 2000},
    "drift": {
        "numeric": {"test": "wasserstein", "threshold": 0.3},
        "categorical": {"test": "jensenshannon", "threshold": 0.3},
        "min_rows": 500,
        "confidence": 0.99,
        "max_unseen_share": 0.05,
        "max_column_share": 0.4,
        "windows": 1,
    },
    "rollout": {
        "strategy": "canary",
        "weights": [50],
        "approval": "auto",
        "step_requests": 200,
        "interval": "1s",
        "failure_limit": 3,
        "deadline": "5m",
        "probation_labels": 200,
        "probation_deadline": "5m",
        "confidence": 0.95,
        "max_excess_errors": 0.05,
        "max_latency_ratio": 20.0,
        "max_shift": 10.0,
        "max_disagreement": 1.0,
        "max_excess_loss": 1.0,
    },
}


def rides(first: str, days: int, *, with_long: bool, noise: float, seed: int) -> pd.DataFrame:
    """Rides of some days, thirty-four of each, half of them long if there are long ones."""
    luck, start = np.random.default_rng(seed), pd.Timestamp(first, tz="UTC")
    rows = 34 * days
    km = luck.uniform(1.0, LONG_KM, rows)
    is_long = with_long & (luck.random(rows) < 0.5)
    km = np.where(is_long, km + LONG_KM, km)
    # the step keeps a straight line from being as good as trees
    cost = 3.0 * km + 30.0 * (km > 8.0) + np.where(is_long, 3.0 * (km - LONG_KM), 0.0)
    return pd.DataFrame(
        {
            "ride": np.arange(rows) + 100_000 * seed,
            "at": start + pd.to_timedelta(np.arange(rows) * 86_400 // 34, unit="s"),
            "distance_km": km,
            "luggage": 0,
            "noise": luck.normal(noise, 1.0, rows),
            "tariff": "day",
            "fare": cost + luck.normal(0.0, 1.0, rows),
        }
    )


class Asking:
    """Somebody who asks all the time, about rides of a kind that may change, and tells what they cost."""

    def __init__(self, service: ServiceClient) -> None:
        self._service, self._seed = service, 1000
        self.with_long, self.noise, self.is_over = False, 0.0, False

    def run(self) -> None:
        while not self.is_over:
            self._seed += 1
            rows = rides("2013-06-01", 1, with_long=self.with_long, noise=self.noise, seed=self._seed)
            rows = rows.head(ROWS_OF_REQUEST)
            asked = rows[["distance_km", "noise"]].to_dict("records")
            given: list[Given] = self._service.ask("fares", asked)
            self._service.tell_labels("fares", list(zip(given, rows["fare"].tolist(), strict=True)))
            time.sleep(0.02)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Iterator[Stack]:
    home = lay_out(tmp_path_factory.mktemp("loop"), catalogue_template)
    home.rewrite("fares", 'estimator = "linear"', 'estimator = "hist_gradient_boosting"\nwindow = "60d"')
    home.rewrite("fares", 'numeric = ["distance_km"]', 'numeric = ["distance_km", "noise"]')
    home.rewrite("fares", "min_new_rows = 30", "min_new_rows = 100000")
    home.rewrite("fares", "golden_margin = 0.5", "golden_margin = 2.0")
    for name, section in SECTIONS.items():
        change_section(home.models, "fares", name, section)
    with running(Stack(home.path, home.models), "server", "worker", "controller") as stack:
        yield stack


@contextmanager
def asking(stack: Stack) -> Iterator[Asking]:
    def start(*verb: str) -> "subprocess.Popen[bytes]":
        with (stack.home / "var" / "log" / "service.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "millrace", *verb], cwd=PROJECT_ROOT, env=stack.environment,
                stdout=log, stderr=log,
            )  # fmt: skip

    with running_service(start) as service:
        service.wait_until_answers_by("fares", str(ledger().serving("fares").champion))
        asked = Asking(service)
        thread = threading.Thread(target=asked.run, daemon=True)
        thread.start()
        try:
            yield asked
        finally:
            asked.is_over = True
            thread.join()


def looks() -> list[WindowMonitored]:
    return facts(WindowMonitored)


def outcome_of(looked: WindowMonitored, watched: Watched) -> Outcome:
    return next(one.outcome for one in looked.verdicts if one.rule == watched)


def next_look(after: int) -> WindowMonitored:
    found: list[WindowMonitored] = wait_for("the next look", lambda: looks()[after:], seconds=WAIT_SECONDS)
    return found[0]


def test_drifted_requests_lead_to_a_champion_that_knows_them_and_one_that_cannot_help_to_a_person(
    stack: Stack,
) -> None:
    deliver(stack, "winter", rides("2013-01-01", 90, with_long=False, noise=0.0, seed=1))
    wait_for("a champion", lambda: facts(ChampionPromoted))
    [first] = facts(ChampionPromoted)
    with asking(stack) as asked:
        assert outcome_of(next_look(0), Watched.DATA) is Outcome.PASS

        # rows like the new requests are there, too few of them to retrain for that alone
        deliver(stack, "spring", rides("2013-04-01", 50, with_long=True, noise=0.0, seed=2))
        asked.with_long = True
        drifted = wait_for(
            "drift", lambda: [one for one in looks() if one.drift is not None], seconds=WAIT_SECONDS
        )[0]
        assert drifted.digest == first.digest
        assert drifted.drift.columns[0] == "distance_km"
        promoted = wait_for("another champion", lambda: facts(ChampionPromoted)[1:], seconds=WAIT_SECONDS)[0]
        trained = [one for one in facts(DecisionMade) if one.action is Action.TRAIN]
        assert "drift" in trained[-1].reason
        assert len(trained) == 2
        assert [one.outcome for one in facts(ChallengerJudged)] == [Outcome.PASS, Outcome.PASS]
        assert facts(RolloutStarted)[-1].challenger == promoted.digest
        assert facts(ReportKept), "what crossed a line has a report"
        wait_for("the end of its probation", lambda: facts(ProbationEnded), seconds=WAIT_SECONDS)
        assert ledger().serving("fares").champion == promoted.digest
        clean = wait_for(
            "a look at the new champion",
            lambda: [
                one
                for one in looks()
                if one.digest == promoted.digest and outcome_of(one, Watched.DATA) is not Outcome.INCONCLUSIVE
            ],
            seconds=WAIT_SECONDS,
        )[0]
        assert outcome_of(clean, Watched.DATA) is Outcome.PASS

        # noise costs nobody anything: no training can be better for it
        deliver(stack, "summer", rides("2013-05-21", 20, with_long=True, noise=4.0, seed=3))
        asked.noise = 4.0
        [cry] = wait_for("a person to be asked", lambda: facts(AttentionAsked), seconds=WAIT_SECONDS)
        assert cry.reason
        asked.is_over = True
    refused = facts(ChallengerJudged)[-1]
    assert refused.outcome is not Outcome.PASS
    assert refused.digest[:12] in cry.reason
    assert ledger().rollout("fares").phase is Phase.IDLE
    assert ledger().serving("fares").champion == promoted.digest
    assert facts(DecisionMade)[-1].action is Action.SKIP
    keys = [one.run_key for one in facts(DecisionMade) if one.action is Action.TRAIN]
    assert len(keys) == len(set(keys)) == 3
