"""Does a service read texts, and decide where a bundle has a threshold, by both protocols and its pages?"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest

from millrace.adapters.prediction_log.reader import read_window
from millrace.domain.bundle import SCHEMA_FILE
from millrace.domain.kinds import Task
from millrace.domain.pointer import Arm, ArmRole, ServingSettings
from millrace.domain.words import MAX_CHARACTERS
from tests.adapters.planted import pack, train
from tests.adapters.worded import worded_config, worded_rows
from tests.serving.service import Packed, RunningService, ServiceHome, changed, running_service

THRESHOLD = 0.3
ROW = {"label": 100.0, "my column": 3, "carrier": "AA", "weekday": 2, "holiday": False, "note": "fine"}


def worded(*, threshold: float | None) -> Packed:
    packed = pack(train(worded_config(Task.BINARY), worded_rows(Task.BINARY, 300)))
    return changed(packed, SCHEMA_FILE, lambda schema: {**schema, "threshold": threshold})


@pytest.fixture(scope="module")
def deciding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """`notes` has a threshold; of `mixed` only one of two arms has one; `hidden` logs no plain texts."""
    home = ServiceHome(tmp_path_factory.mktemp("deciding"))
    with_one, without = worded(threshold=THRESHOLD), worded(threshold=None)
    home.publish("notes", home.add("notes", with_one))
    arms = [Arm(home.add("mixed", one), ArmRole.ANSWER, 50) for one in (with_one, without)]
    home.publish("mixed", *arms)
    home.publish("hidden", home.add("hidden", with_one), settings=ServingSettings(hashed=("note",)))
    with running_service(home) as running:
        yield running


def asked(service: RunningService, model: str, *notes: str | None) -> list[dict[str, Any]]:
    answered = service.post(f"/v1/models/{model}/predict", [{**ROW, "note": note} for note in notes])
    assert answered.status == 200, answered
    return answered.json["answers"]


def test_a_word_decides_whatever_its_case_and_a_null_is_no_word(deciding: RunningService) -> None:
    said = asked(deciding, "notes", "KAPUTT", "(kaputt)!", "KAP UTT", "", None, "w" * MAX_CHARACTERS)
    assert [one["decision"] for one in said] == ["1", "1", "0", "0", "0", "0"]
    [doubtful] = asked(deciding, "notes", "größe 😀")
    assert (THRESHOLD < doubtful["answer"] < 0.5, doubtful["decision"]) == (True, "1")
    assert all((one["answer"] >= THRESHOLD) == (one["decision"] == "1") for one in said)
    one = deciding.post("/v1/models/notes/predict", {**ROW, "note": "KAPUTT"}).json
    assert (one["decision"], one["answer"]) == ("1", said[0]["answer"])


def test_a_text_that_is_too_long_is_refused_with_the_bound(deciding: RunningService) -> None:
    refused = deciding.post("/v1/models/notes/predict", {**ROW, "note": "w" * (MAX_CHARACTERS + 1)})
    [problem] = refused.json["error"]["problems"]
    assert (refused.status, problem["field"]) == (422, "note")
    assert problem["allowed"] == "a text of at most 20,000 characters, or null"


def test_the_open_inference_protocol_has_the_decision_as_an_output(deciding: RunningService) -> None:
    kinds = {float: "FP64", int: "INT64", bool: "BOOL", str: "BYTES"}
    tensors = [
        {"name": name, "datatype": kinds[type(value)], "shape": [2], "data": [value, value]}
        for name, value in ROW.items()
    ]
    tensors[-1]["data"] = ["kaputt", "fine"]
    given = deciding.post("/v2/models/notes/infer", {"inputs": tensors}).json["outputs"]
    by_name = {one["name"]: one for one in given}
    assert by_name["decision"] == {"name": "decision", "datatype": "BYTES", "shape": [2], "data": ["1", "0"]}
    wanted = {"inputs": tensors, "outputs": [{"name": "decision"}]}
    only = deciding.post("/v2/models/notes/infer", wanted).json["outputs"]
    assert only == [by_name["decision"]]
    outputs = [one["name"] for one in deciding.get("/v2/models/notes").json["outputs"]]
    assert outputs == ["answer", "digest", "decision"]


def test_an_arm_without_a_threshold_decides_nothing_beside_one_that_does(deciding: RunningService) -> None:
    digests = {arm["digest"] for arm in deciding.get("/v1/models/mixed").json["arms"]}
    said = [
        deciding.post("/v1/models/mixed/predict", ROW, {"x-request-id": f"r{at}"}).json for at in range(40)
    ]
    deciding_arms = {one["digest"] for one in said if "decision" in one}
    assert {one["digest"] for one in said} == digests
    assert len(deciding_arms) == 1
    assert all(("decision" in one) == (one["digest"] in deciding_arms) for one in said)


def test_the_pages_say_what_is_decided_and_how_long_a_text_may_be(deciding: RunningService) -> None:
    document = deciding.get("/openapi.json").json
    openapi_spec_validator.validate(document)
    answers = document["paths"]["/v1/models/notes/predict"]["post"]["responses"]["200"]
    schema = {**answers["content"]["application/json"]["schema"], "components": document["components"]}
    said = deciding.post("/v1/models/notes/predict", ROW).json
    jsonschema.validate(said, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({key: value for key, value in said.items() if key != "decision"}, schema)
    [name] = [one for one in document["components"]["schemas"] if re.fullmatch(r"notes\.\d+\.Row", one)]
    note = document["components"]["schemas"][name]["properties"]["note"]
    assert (note["type"], note["maxLength"]) == (["string", "null"], MAX_CHARACTERS)
    page = deciding.get("/docs").body.decode()
    assert "From 0.3 on that is the decision too." in page
    assert "a text of at most 20,000 characters, or null" in page
    assert deciding.get("/v1/models/notes").json["threshold"] == THRESHOLD


def test_texts_are_logged_as_they_came_or_hashed(deciding: RunningService) -> None:
    asked(deciding, "hidden", "a secret Text")
    asked(deciding, "notes", "a plain Text!")
    start, end = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    predictions = deciding.home.predictions
    plain, hashed = (
        [*read_window(predictions, model, start, end).predictions["input.note"]]
        for model in ("notes", "hidden")
    )
    assert "a plain Text!" in plain
    assert hashed
    assert "a secret Text" not in hashed
