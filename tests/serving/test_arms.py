"""Weights decide who answers a key, and a shadow, whatever it does, decides nothing."""

import dataclasses
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from millrace.adapters.export import export_skops
from millrace.adapters.prediction_log.reader import Window, read_window
from millrace.domain.bundle import SCHEMA_FILE, Engine
from millrace.domain.config import ModelConfig
from millrace.domain.kinds import Task
from millrace.domain.pointer import Arm, ArmRole, Durability
from millrace.serving.shadow import BROKEN_ROWS
from tests.adapters.planted import pack, planted_config, planted_rows, train
from tests.serving.service import Packed, RunningService, ServiceHome, changed, running_service, wait_for
from tests.serving.under_load import (
    MODEL,
    PATH,
    ask,
    edition,
    edition_of,
    home_with,
    publish,
    row,
    rows_body,
    total,
    wait_for_generation,
)

RIDES = 2_000
SIGMAS = 6


def answering(digest: str, weight: int) -> Arm:
    return Arm(digest, ArmRole.ANSWER, weight)


def shadow(digest: str, weight: int = 100) -> Arm:
    return Arm(digest, ArmRole.SHADOW, weight)


def arms_of_rides(service: RunningService) -> dict[int, int]:
    """Ask for every ride, and return the edition that answered it."""
    found = {}
    for first in range(0, RIDES, 100):
        numbers = range(first, first + 100)
        answers = ask(service, *numbers).json["answers"]
        found |= {number: edition_of(one["answer"]) for number, one in zip(numbers, answers, strict=True)}
    return found


def share_is(count: int, share: float) -> bool:
    return abs(count - RIDES * share) <= SIGMAS * (RIDES * share * (1 - share)) ** 0.5


def test_weights_share_out_the_keys_and_only_those_move_that_must(tmp_path: Path) -> None:
    home, [one, two] = home_with(tmp_path, 1, 2)
    with running_service(home) as service:

        def told(weight: int) -> dict[int, int]:
            arms = [answering(one, 100 - weight), answering(two, weight)]
            wait_for_generation(service, publish(home, *arms, sticky_key="carrier"))
            found = arms_of_rides(service)
            assert share_is(Counter(found.values())[2], weight / 100)
            return found

        quarter = told(25)
        assert arms_of_rides(service) == quarter
        alone = {number: edition_of(ask(service, number).json["answer"]) for number in range(40)}
        assert alone == {number: quarter[number] for number in alone}
        half = told(50)
        assert all(half[number] == 2 for number in half if quarter[number] == 2)
        assert told(25) == quarter
        assert set(told(0).values()) == {1}
        assert set(told(100).values()) == {2}


def test_without_a_sticky_key_a_request_is_answered_by_one_arm(tmp_path: Path) -> None:
    home, [one, two] = home_with(tmp_path, 1, 2)
    publish(home, answering(one, 50), answering(two, 50))
    with running_service(home) as service:
        by_request = [
            {answer["digest"] for answer in ask(service, *range(5)).json["answers"]} for _ in range(60)
        ]
        assert {len(digests) for digests in by_request} == {1}
        assert set.union(*by_request) == {one, two}
        named = [service.post(PATH, rows_body(1), {"x-request-id": "one"}) for _ in range(9)]
        assert len({answer.json["digest"] for answer in named}) == 1


def build(_config: ModelConfig) -> Any:
    """Build a pipeline that raises for a carrier it does not know."""
    known = OneHotEncoder(handle_unknown="error", sparse_output=False)
    return make_pipeline(make_column_transformer((known, ["carrier"]), ("passthrough", ["weekday"])), Ridge())


@cache
def sklearn_bundle() -> Packed:
    rows = planted_rows(Task.REGRESSION, 300)
    rows["carrier"] = rows["carrier"].fillna("AA")
    trained = train(planted_config(Task.REGRESSION), rows, build)
    exported = dataclasses.replace(
        trained.exported, engine=Engine.SKLEARN, content=export_skops(trained.pipeline)
    )
    manifest, files = pack(dataclasses.replace(trained, exported=exported))
    return dataclasses.replace(manifest, model=MODEL), files


@cache
def narrow_edition(number: int) -> Packed:
    """Return a bundle that needs neither weekday nor holiday."""
    plain = planted_config(Task.REGRESSION).model_dump(exclude_none=True)
    features = {"numeric": ["label", "my column"], "categorical": ["carrier"]}
    config = ModelConfig.model_validate({**plain, "features": features})
    rows = planted_rows(Task.REGRESSION, 300)
    rows["y"] += 100.0 * number
    manifest, files = pack(train(config, rows))
    return dataclasses.replace(manifest, model=MODEL), files


def window_of(home: ServiceHome) -> Window:
    now = datetime.now(UTC)
    return read_window(home.predictions, MODEL, now - timedelta(days=1), now + timedelta(minutes=1))


def answers_to(service: RunningService, first: int, count: int, size: int, **changes: Any) -> list[Any]:
    """Ask many rows, so many at once; return what was answered but for the request's name and generation."""
    found = []
    for start in range(first, first + count, size):
        rows = [row(number) | changes for number in range(start, start + size)]
        answer = service.post(PATH, json.dumps(rows).encode())
        assert answer.status == 200, answer.body
        found += answer.json["answers"]
    return found


@pytest.mark.parametrize("engine", ["onnx", "sklearn"])
def test_a_shadow_changes_no_answer_and_its_own_are_logged_beside_their_rows(
    tmp_path: Path, engine: str
) -> None:
    home, [champion] = home_with(tmp_path, 1)
    packed = edition(2) if engine == "onnx" else sklearn_bundle()
    other = home.add(MODEL, packed)
    known = {"carrier": "AA"} if engine == "sklearn" else {}
    with running_service(home) as service:
        without = answers_to(service, 0, 500, 50, **known)
        wait_for_generation(service, publish(home, answering(champion, 100), shadow(other)))
        assert answers_to(service, 0, 500, 50, **known) == without
        wait_for(lambda: total(service, "millrace_rows_total", arm="shadow") == 500, "the shadow")
        wait_for_generation(
            service, publish(home, answering(champion, 100), shadow(other, 30), sticky_key="carrier")
        )
        assert service.stop() == 0
    found = window_of(home)
    assert (found.rows, len(found.shadows), found.stray_shadows, found.failed_shadows) == (1_000, 500, 0, 0)
    shadowed = found.predictions.dropna(subset="shadow_answer")
    assert set(shadowed["generation"]) == {2}
    assert set(shadowed["shadow_digest"]) == {other}
    if engine == "onnx":
        assert (shadowed["shadow_answer"] - shadowed["answer"]).sub(100.0).abs().max() < 5.0


def failed(service: RunningService) -> float:
    return total(service, "millrace_shadow_failed_rows_total")


def dropped(service: RunningService) -> float:
    return total(service, "millrace_shadow_dropped_rows_total")


def test_a_shadow_that_raises_is_counted_and_changes_no_answer(tmp_path: Path) -> None:
    home, [champion] = home_with(tmp_path, 1, durability=Durability.FAST)
    raising = home.add(MODEL, sklearn_bundle())
    with running_service(home) as service:
        without = answers_to(service, 0, 300, 50)
        publish(home, answering(champion, 100), shadow(raising), durability=Durability.FAST)
        wait_for_generation(service, 2)
        assert answers_to(service, 0, 300, 50) == without
        wait_for(lambda: failed(service) + dropped(service) == 300, "the shadow")
        told = failed(service)
        assert service.stop() == 0
    found = window_of(home)
    assert (found.rows, len(found.shadows), found.failed_shadows, found.stray_shadows) == (600, told, told, 0)
    assert told >= BROKEN_ROWS


def test_a_shadow_that_lacks_a_column_is_logged_as_failing_and_changes_no_answer(tmp_path: Path) -> None:
    home = ServiceHome(tmp_path / "home")
    champion, wider = home.add(MODEL, narrow_edition(1)), home.add(MODEL, edition(2))
    publish(home, champion)
    rows = [row(number) for number in range(100)]
    few = [{name: one[name] for name in ("label", "my column", "carrier")} for one in rows]
    with running_service(home) as service:
        without = service.post(PATH, few).json["answers"]
        assert service.post(PATH, rows).status == 422
        wait_for_generation(service, publish(home, answering(champion, 100), shadow(wider)))
        assert service.post(PATH, few).json["answers"] == without
        wait_for(lambda: total(service, "millrace_shadow_failed_rows_total") == 100, "what it lacks")
        assert service.post(PATH, rows).json["answers"] == without
        wait_for(lambda: total(service, "millrace_rows_total", arm="shadow") == 100, "the shadow")
        assert service.stop() == 0
    found = window_of(home)
    assert (found.rows, len(found.shadows), found.failed_shadows) == (300, 200, 100)
    assert set(found.shadows["error"].dropna()) == {"refused by its schema"}


def test_what_a_shadow_would_refuse_is_its_failure_before_it_answers_anybody(tmp_path: Path) -> None:
    home = ServiceHome(tmp_path / "home")

    def tighten(schema: dict[str, Any]) -> dict[str, Any]:
        bounds = {"my column": {"max": 4.0}, "label": {"nullable": False}}
        return {**schema, "inputs": [one | bounds.get(one["name"], {}) for one in schema["inputs"]]}

    champion = home.add(MODEL, edition(1))
    tighter = home.add(MODEL, changed(edition(2), SCHEMA_FILE, tighten))
    publish(home, champion)
    rows = [row(number) | {"my column": number % 9} for number in range(90)]
    rows[0]["label"] = None
    with running_service(home) as service:
        without = service.post(PATH, rows).json["answers"]
        wait_for_generation(service, publish(home, answering(champion, 100), shadow(tighter)))
        assert service.post(PATH, rows).json["answers"] == without
        wait_for(lambda: failed(service) + total(service, "millrace_rows_total", arm="shadow") == 90, "all")
        assert failed(service) == 41  # 40 of 5 to 8, and the null
        assert service.stop() == 0
    assert set(window_of(home).shadows["error"].dropna()) == {"refused by its schema"}


def test_a_shadow_that_cannot_keep_up_drops_rows_and_counts_each(tmp_path: Path) -> None:
    home, [champion] = home_with(tmp_path, 1, durability=Durability.FAST)
    slower = home.add(MODEL, sklearn_bundle())
    rows, known = 60_000, {"carrier": "AA"}
    with running_service(home) as service:
        without = answers_to(service, 0, rows, 10_000, **known)
        publish(home, answering(champion, 100), shadow(slower), durability=Durability.FAST)
        wait_for_generation(service, 2)
        assert answers_to(service, 0, rows, 10_000, **known) == without
        assert total(service, "millrace_shadow_dropped_rows_total") > 0
        assert ask(service, 1).status == 200
        wait_for(lambda: sum(fates(service)) == rows + 1, "the shadow")
        _, dropped, _ = fates(service)
        assert service.stop() == 0
    found = window_of(home)
    assert (found.rows, len(found.shadows), found.stray_shadows) == (2 * rows + 1, rows + 1 - dropped, 0)


def fates(service: RunningService) -> tuple[float, float, float]:
    """Return how many rows the shadow scored, had no time for, and could not score."""
    return (
        total(service, "millrace_rows_total", arm="shadow"),
        total(service, "millrace_shadow_dropped_rows_total"),
        total(service, "millrace_shadow_failed_rows_total"),
    )
