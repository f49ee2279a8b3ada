"""Do labels get into the prediction log, typed as the model's rows are, all of a request or none?"""

import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from millrace.adapters.prediction_log.reader import Window, read_window
from millrace.domain.pointer import ServingSettings
from tests.serving.bundles import NAMES, example_rows
from tests.serving.service import Packed, RunningService, ServiceHome, running_service, wait_for

KEY = {"flight id": "F1", "at": "2013-01-01T00:00:00Z"}


def window_of(service: RunningService, model: str) -> Window:
    start = datetime.now(UTC) - timedelta(hours=1)
    return read_window(service.home.predictions, model, start, start + timedelta(hours=2))


def label_of(service: RunningService, model: str, request_id: str, row: int = 0) -> Any:
    """Return the label that is joined with an answered row."""
    rows = window_of(service, model).predictions
    mine = rows[(rows["request_id"] == request_id) & (rows["row"] == row)]
    assert len(mine) == 1
    return mine["label"].iloc[0]


def predict(
    service: RunningService, packed: dict[str, Packed], model: str, request_id: str, **key: Any
) -> None:
    rows = [row | key for row in example_rows(packed[model])[:2]]
    answered = service.post(f"/v1/models/{model}/predict", rows, {"x-request-id": request_id})
    assert answered.status == 200, answered


@pytest.mark.parametrize(
    ("given", "joined"), [("1", "1"), (1, "1"), (1.0, "1"), (True, "1"), ("0", "0"), (0, "0"), (False, "0")]
)
def test_a_class_is_the_text_it_was_in_the_data_however_it_is_written(
    service: RunningService, packed: dict[str, Packed], given: Any, joined: str
) -> None:
    name = f"class-{type(given).__name__}-{joined}"
    predict(service, packed, "flights", name)
    taken = service.post("/v1/models/flights/labels", {"request_id": name, "row": 1, "label": given})
    assert (taken.status, taken.json["accepted"]) == (200, 1)
    assert taken.json["request_id"] == taken.headers["x-request-id"]
    assert label_of(service, "flights", name, 1) == joined
    assert label_of(service, "flights", name, 0) != joined


def test_many_labels_are_taken_and_counted(service: RunningService, packed: dict[str, Packed]) -> None:
    predict(service, packed, "fares", "many")
    before = service.metric('millrace_labels_total{model="fares"}')
    taken = service.post(
        "/v1/models/fares/labels",
        [{"request_id": "many", "label": 2}, {"request_id": "many", "row": 1.0, "label": -0.5}],
    )
    assert taken.json["accepted"] == 2
    assert [label_of(service, "fares", "many", row) for row in (0, 1)] == [2.0, -0.5]
    assert service.metric('millrace_labels_total{model="fares"}') == before + 2


@pytest.mark.parametrize("at", ["2013-01-01T00:00:00Z", "2013-01-01T05:30:00+05:30", "2013-01-01T00:00:00"])
def test_a_key_names_its_rows_however_its_time_is_written(
    service: RunningService, packed: dict[str, Packed], at: str
) -> None:
    flight = f"F-{at}"
    predict(service, packed, "flights", f"key-{len(at)}", **{"flight id": flight, "at": KEY["at"]})
    taken = service.post("/v1/models/flights/labels", {"key": {"flight id": flight, "at": at}, "label": "1"})
    assert taken.status == 200
    assert [label_of(service, "flights", f"key-{len(at)}", row) for row in (0, 1)] == ["1", "1"]


def test_a_key_is_as_private_as_the_rows_it_names(service: RunningService, packed: dict[str, Packed]) -> None:
    secret = {"flight id": "SECRET-1", "at": "2013-01-01T00:00:00Z"}
    predict(service, packed, "odd", "private", **secret)
    assert service.post("/v1/models/odd/labels", {"key": secret, "label": "late"}).status == 200
    wait_for(lambda: window_of(service, "odd").labels.joined, "the label")
    assert label_of(service, "odd", "private") == "late"
    files = [path for path in service.home.predictions.rglob("*") if path.is_file()]
    assert any(b"late" in path.read_bytes() for path in files)
    assert not any(b"SECRET-1" in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    ("model", "label", "field", "found", "allowed"),
    [
        ("flights", 5, None, "5", "an object with 'label'"),
        ("flights", {"request_id": "a"}, "label", "nothing", "one of 0, 1"),
        ("flights", {"request_id": "a", "label": "2"}, "label", '"2"', "one of 0, 1"),
        ("flights", {"request_id": "a", "label": 0.5}, "label", "0.5", "one of 0, 1"),
        ("flights", {"request_id": "a", "label": None}, "label", "null", "one of 0, 1"),
        ("flights", {"request_id": "a", "label": [1]}, "label", "[1]", "one of 0, 1"),
        ("odd", {"request_id": "a", "label": "never"}, "label", '"never"', "one of early, late, on time"),
        ("fares", {"request_id": "a", "label": "1"}, "label", '"1"', "a finite number"),
        ("fares", {"request_id": "a", "label": True}, "label", "true", "a finite number"),
        ("flights", {"label": 1}, "request_id", "neither request_id nor key", "one of the two"),
        ("flights", {"label": 1, "request_id": "a", "key": KEY}, "request_id", "both", "one of the two"),
        ("flights", {"label": 1, "request_id": "a b"}, "request_id", '"a b"', "1 to 128 letters"),
        ("flights", {"label": 1, "request_id": 7}, "request_id", "7", "1 to 128 letters"),
        ("flights", {"label": 1, "request_id": "a", "row": -1}, "row", "-1", "a whole number from 0"),
        ("flights", {"label": 1, "request_id": "a", "row": 0.5}, "row", "0.5", "a whole number from 0"),
        ("flights", {"label": 1, "request_id": "a", "row": True}, "row", "true", "a whole number from 0"),
        ("flights", {"label": 1, "key": KEY, "row": 0}, "row", "0", "no row"),
        ("flights", {"label": 1, "request_id": "a", "when": 0}, "when", "an unknown field", "one of label"),
        ("flights", {"label": 1, "key": {}}, "key", "{}", "an object with columns of"),
        ("flights", {"label": 1, "key": [1]}, "key", "[1]", "an object with columns of"),
        ("flights", {"label": 1, "key": {"flight id": "F"}}, "at", "nothing", "a value for each key column"),
        ("flights", {"label": 1, "key": KEY | {"x": 1}}, "x", "an unknown column", "one of label"),
        ("flights", {"label": 1, "key": KEY | {"at": "noon"}}, "at", '"noon"', "a time such as"),
        ("flights", {"label": 1, "key": KEY | {"flight id": 3}}, "flight id", "3", "a text"),
        ("flights", {"label": 1, "key": KEY | {"flight id": None}}, "flight id", "null", "a text"),
        ("flights", {"label": 1, "key": KEY | {"at": "0001-01-01T00:00:00+05:00"}}, "at", "0001", "a time"),
        (
            "odd",
            {"label": "late", "key": KEY | {NAMES["weekday"]: 1}},
            NAMES["weekday"],
            "leaves out",
            "one of",
        ),
    ],
)
def test_one_bad_label_is_named_and_none_is_taken(
    service: RunningService, model: str, label: Any, field: str | None, found: str, allowed: str
) -> None:
    good = {"request_id": "good", "label": 0.25 if model == "fares" else "late" if model == "odd" else 0}
    before = service.metric(f'millrace_labels_total{{model="{model}"}}')
    refused = service.post(f"/v1/models/{model}/labels", [good, good, label])
    assert (refused.status, refused.json["error"]["kind"]) == (422, "invalid_labels"), refused
    problem = refused.json["error"]["problems"][0]
    assert (problem["row"], problem["field"]) == (2, field)
    assert found in problem["found"]
    assert allowed in problem["allowed"]
    assert "label 2" in refused.json["error"]["message"]
    assert "No label was taken" in refused.json["error"]["message"]
    assert service.metric(f'millrace_labels_total{{model="{model}"}}') == before


def test_bodies_that_are_no_labels(service: RunningService) -> None:
    path = "/v1/models/flights/labels"
    twice = b'{"request_id": "a", "label": 1, "label": 0}'
    for body in (b"", b"{", b"[]", b"[" * 100_000, b'{"label": 1e400}', b"9" * 5_000, b"\xff", twice):
        refused = service.post(path, body)
        assert (refused.status, refused.json["error"]["kind"]) == (400, "malformed"), body[:40]
    assert service.post(path, b"1").status == 422
    assert service.post("/v1/models/nobody/labels", {"request_id": "a", "label": 1}).status == 404
    assert service.post(path, b"{}", {"content-type": "text/plain"}).status == 415


def test_where_the_disk_takes_nothing_no_label_is_acknowledged(
    packed: dict[str, Packed], tmp_path: Path
) -> None:
    home = ServiceHome(tmp_path)
    home.publish("flights", home.add("flights", packed["flights"]))
    label = {"request_id": "a", "label": 1}
    with running_service(home) as service:
        assert service.post("/v1/models/flights/labels", label).status == 200
        pid = service.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        refused = service.post("/v1/models/flights/labels", label)
        assert (refused.status, refused.json["error"]["kind"]) == (503, "log_unavailable")
        assert refused.headers["retry-after"] == "1"
        wait_for(lambda: service.metric("millrace_log_failing") == 1, "the metric")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        wait_for(lambda: service.post("/v1/models/flights/labels", label).status == 200, "the disk")
        wait_for(lambda: service.metric("millrace_log_failing") == 0, "the metric")
        taken = service.metric('millrace_labels_total{model="flights"}')
    assert taken == 2


def test_a_key_that_is_not_wholly_logged_names_no_row(packed: dict[str, Packed], tmp_path: Path) -> None:
    home = ServiceHome(tmp_path)
    home.publish(
        "flights", home.add("flights", packed["flights"]), settings=ServingSettings(left_out=("at",))
    )
    with running_service(home) as service:
        label = {"key": {"flight id": "UA1"}, "label": 1}
        refused = service.post("/v1/models/flights/labels", label)
        assert (refused.status, refused.json["error"]["problems"][0]["field"]) == (422, "key")
        assert "at is not logged" in refused.json["error"]["message"]
        assert service.post("/v1/models/flights/labels", {"request_id": "a", "label": 1}).status == 200
