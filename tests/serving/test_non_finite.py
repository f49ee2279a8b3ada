"""What happens to a row that the model has no number for? It is refused, and the log remembers."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import onnx
import pytest

from millrace.adapters.prediction_log.reader import read_window
from millrace.domain.kinds import Task
from tests.adapters.planted import pack, planted_config, planted_rows, train
from tests.serving.bundles import example_rows
from tests.serving.service import Packed, RunningService, ServiceHome, running_service

TOO_LOW = -1e6
"""So low a price is negative, and has no logarithm."""


def logarithm() -> Packed:
    """Return a regression whose graph ends in a logarithm: it gives NaN below zero."""
    trained = train(planted_config(Task.REGRESSION), planted_rows(Task.REGRESSION))
    graph = onnx.load_from_string(trained.exported.content)
    [output] = graph.graph.output
    inner, output.name = output.name, "logarithm"
    graph.graph.node.append(onnx.helper.make_node("Log", [inner], ["logarithm"]))
    return pack(replace(trained, exported=replace(trained.exported, content=graph.SerializeToString())))


@pytest.fixture(scope="module")
def packed() -> Packed:
    return logarithm()


@pytest.fixture(scope="module")
def service(packed: Packed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    home = ServiceHome(tmp_path_factory.mktemp("logarithm"))
    home.publish("fares", home.add("fares", packed))
    with running_service(home) as running:
        yield running


def test_a_batch_with_one_such_row_is_refused_by_its_row_and_only_that_row_is_logged(
    service: RunningService, packed: Packed
) -> None:
    good = example_rows(packed)[0]
    refused = service.post("/v1/models/fares/predict", [good, {**good, "label": TOO_LOW}, good])
    assert (refused.status, refused.json["error"]["kind"]) == (422, "non_finite_answer")
    assert [problem["row"] for problem in refused.json["error"]["problems"]] == [1]
    assert b"NaN" not in refused.body

    answered = service.post("/v1/models/fares/predict", good)
    assert answered.status == 200
    assert math.isfinite(answered.json["answer"])
    assert sum(map(float, non_finite_lines(service))) == 1

    assert service.stop() == 0
    now = datetime.now(UTC)
    logged = read_window(service.home.predictions, "fares", now - timedelta(hours=1), now).predictions
    assert logged.set_index("request_id")["row"].to_dict() == {
        refused.json["request_id"]: 1,
        answered.json["request_id"]: 0,
    }
    assert logged["answer"].isna().tolist() == [True, False]


def non_finite_lines(service: RunningService) -> list[str]:
    lines = service.get("/metrics").body.decode().splitlines()
    return [line.split()[-1] for line in lines if line.startswith("millrace_non_finite_answers_total{")]
