"""Do the examples come from their rows to a champion that answers, is watched, and is shown?"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.adapters import clock
from millrace.adapters.models import find_model, load_source
from millrace.domain.facts import ChallengerJudged, WindowMonitored
from millrace.domain.monitoring.findings import Watched, WindowFindings
from millrace.domain.verdict import Outcome
from millrace.steps.claims import taking_turns
from millrace.steps.explaining.answer import explain_answer
from millrace.steps.monitoring.compare import measure_drift
from millrace.steps.monitoring.counting import count_window
from millrace.steps.monitoring.health import check_health
from millrace.steps.monitoring.look import next_window, record_look
from millrace.steps.monitoring.performance import measure_performance
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.serving.service import RunningService, ServiceHome, running_service
from tests.site.reading import see
from tests.site.told import running_site

ROWS = 1_200
"""So many are asked about: what any of the examples wants before it judges a window."""


@dataclass(frozen=True)
class Example:
    """A model of the clone with a champion that answers."""

    name: str
    target: str
    service: RunningService

    def ask(self, rows: pd.DataFrame, request_id: str) -> list[Any]:
        """Ask about rows in one request, tell what became of them, and return the answers."""
        answers = self.answer(rows, request_id)
        self.tell(
            [
                {"request_id": request_id, "row": row, "label": truth[self.target]}
                for row, truth in enumerate(as_json(rows[[self.target]]))
            ]
        )
        return answers

    def answer(self, rows: pd.DataFrame, request_id: str) -> list[Any]:
        asked = as_json(rows.drop(columns=self.target))
        answer = self.service.post(f"/v1/models/{self.name}/predict", asked, {"x-request-id": request_id})
        assert answer.status == 200, answer.body
        return [one["answer"] for one in answer.json["answers"]]

    def tell(self, labels: list[dict[str, Any]]) -> None:
        told = self.service.post(f"/v1/models/{self.name}/labels", labels)
        assert (told.status, told.json["accepted"]) == (200, len(labels)), told.body


def as_json(rows: pd.DataFrame) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(rows.to_json(orient="records", date_format="iso"))
    return found


@contextmanager
def crowned(home: Home, name: str, now: datetime) -> Iterator[Example]:
    """Take in what an example's source has by then and train it; that version answers in the block."""
    config, served = find_model(home.models, name), ServiceHome(home.path)
    assert {one.outcome for one in take_in(name, now)} == {"accepted"}
    judged = retrain(name, now, in_catalogue=True).judged
    assert judged is not None
    assert judged.outcome is Outcome.PASS, judged.reason
    served.generations[name] = 1
    with running_service(served) as service:
        yield Example(name, config.data.target, service)


def asked_rows(home: Home, name: str) -> pd.DataFrame:
    source = load_source(home.models, name)
    [batch] = source.list_batches(clock.now())
    rows = source.read_batch(batch)
    return rows.sample(ROWS, replace=len(rows) < ROWS, random_state=1)


def look(name: str, now: datetime) -> WindowMonitored:
    """Take a look as the flow does."""
    window = next_window(name, now)
    with taking_turns(f"monitor:{name}:look", "a test") as claim:
        counted = count_window(name, window)
        found = WindowFindings(
            name, window.digest, window.start, window.end, measure_drift(name, counted),
            measure_performance(name, window), check_health(name, window, now),
        )  # fmt: skip
        return record_look(name, window, counted, found, claim, now)


def pages_of(home: Home, name: str) -> dict[str, str]:
    champion = home.serving(name).champion
    parts = ("", "/monitoring", "/rollout", "/batches", f"/versions/{champion}")
    with running_site(home) as site:
        return {part.split("/")[-1][:12]: see(site.get(f"/models/{name}{part}")).text for part in parts}


EVERYTHING = {
    Watched.DATA, Watched.PREDICTIONS, Watched.TARGET, Watched.PERFORMANCE, Watched.CONCEPT,
    Watched.CALIBRATION, Watched.SKEW, Watched.LATENCY, Watched.ERRORS, Watched.STALENESS,
}  # fmt: skip


@pytest.mark.parametrize(("name", "metric"), [("scenery", "log loss"), ("progression", "MAE")])
def test_an_example_goes_from_its_rows_to_a_champion_that_is_watched(
    home: Home, name: str, metric: str
) -> None:
    rows = asked_rows(home, name)
    with crowned(home, name, clock.now()) as example:
        answers = example.ask(rows, "first")
        metrics = example.service.get("/metrics").body.decode()
    truths = rows[example.target].to_numpy()
    assert f'millrace_labels_total{{model="{name}"}} {ROWS}.0' in metrics
    assert is_mostly_right(answers, truths)

    looked = look(name, clock.now())
    found = {one.rule: one.outcome for one in looked.verdicts}
    assert set(found) == EVERYTHING
    assert {rule for rule, outcome in found.items() if outcome is not Outcome.PASS} <= {Watched.LATENCY}, (
        looked
    )
    assert (looked.rows, looked.labels) == (ROWS, ROWS)

    shown, version = pages_of(home, name), str(home.serving(name).champion)[:12]
    [judged] = home.facts(name, ChallengerJudged)
    assert isinstance(judged, ChallengerJudged)
    assert judged.reason in shown[version]
    assert metric in judged.reason
    assert all(one.reason in shown["monitoring"] for one in looked.verdicts)
    assert f"{version} answers" in shown[""]
    assert "nan" not in " ".join(shown.values()).lower().split()


def test_flights_of_a_month_to_come_are_answered_watched_and_explained_by_how_they_landed(home: Home) -> None:
    april = load_source(home.models, "flights").read_batch("2013-04")
    asked = april.sample(ROWS, random_state=1).sort_index().reset_index(drop=True)
    has_landed = asked["delayed"].notna()
    with crowned(home, "flights", NOON) as example:
        answers = np.array(example.answer(asked, "april"))
        example.tell(landings(home, asked[has_landed]))
    late, in_time = (float(answers[asked["delayed"] == truth].mean()) for truth in (1, 0))
    assert late > in_time + 0.05

    # a landing is told within a day; the champion is of 2013, and so too old by any measure
    looked = look("flights", clock.now() + timedelta(days=2))
    found = {one.rule: one for one in looked.verdicts}
    assert set(found) == EVERYTHING | {Watched.SLICES}
    assert (looked.rows, looked.labels) == (ROWS, has_landed.sum())
    assert "AUC 0.712 at the gate: " in found[Watched.PERFORMANCE].reason
    assert found[Watched.STALENESS].outcome is Outcome.FAIL
    for rule in (Watched.DATA, Watched.PREDICTIONS, Watched.TARGET, Watched.SKEW, Watched.ERRORS):
        assert found[rule].outcome is Outcome.PASS, found[rule]

    shown, version = pages_of(home, "flights"), str(home.serving("flights").champion)[:12]
    assert "AUC" in shown[version]
    assert all(one.reason in shown["monitoring"] for one in looked.verdicts)
    for row in (int(has_landed.argmax()), int(has_landed.argmin())):
        explained = explain_answer("flights", "april", row)
        assert explained.is_same
        assert explained.logged == (answers[row],)
        if has_landed[row]:
            assert explained.truth is not None
            assert explained.truth.label == str(int(asked["delayed"][row]))
        else:
            assert explained.truth is None


def landings(home: Home, flights: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how flights landed, as an airline tells it: by what names a flight, and no request."""
    keys = as_json(flights[list(find_model(home.models, "flights").data.key)])
    return [{"key": key, "label": int(late)} for key, late in zip(keys, flights["delayed"], strict=True)]


def is_mostly_right(answers: list[Any], truths: "np.ndarray[Any, Any]") -> bool:
    if isinstance(answers[0], dict):
        named = [max(answer, key=answer.__getitem__) for answer in answers]
        return float(np.mean(np.array(named) == truths)) > 0.95
    return float(np.corrcoef(np.array(answers), truths)[0, 1]) > 0.6


def test_pictures_in_other_light_are_drift_and_wrong_answers_are_decay(home: Home) -> None:
    rows = asked_rows(home, "scenery")
    colours = ["red", "green", "blue", "intensity", "value"]
    bright = rows.assign(**{name: (rows[name] * 1.5 + 60.0).clip(upper=255.0) for name in colours})
    with crowned(home, "scenery", clock.now()) as example:
        example.ask(bright, "bright")
    found = {one.rule: one for one in look("scenery", clock.now()).verdicts}
    assert found[Watched.PERFORMANCE].outcome is Outcome.FAIL
    assert found[Watched.PREDICTIONS].outcome is Outcome.FAIL
