"""Do clients of the Open Inference Protocol get the answers of `predict`, by the same way?"""

import dataclasses
import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from millrace.adapters.prediction_log.reader import read_window
from millrace.domain.bundle import SCHEMA_FILE
from millrace.domain.pointer import Arm, ArmRole
from tests.serving.bundles import example_rows
from tests.serving.service import Answer, Packed, RunningService, changed, wait_for

DATATYPES = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}


def whole_rows(packed: Packed, count: int = 8) -> list[dict[str, Any]]:
    """Return rows without nulls: numpy has none."""
    return [row for row in example_rows(packed) if None not in row.values()][:count]


def tensors(rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return the body of a request for rows of the planted columns; `changes` are of its first tensor."""
    columns = [
        {"name": name, "datatype": datatype, "shape": [len(rows)], "data": [row[name] for row in rows]}
        for name, datatype in zip(rows[0], ("FP64", "INT64", "BYTES", "INT64", "BOOL"), strict=True)
    ]
    return {"inputs": [{**columns[0], **changes}, *columns[1:]]}


def answers_of(service: RunningService, model: str, rows: list[dict[str, Any]]) -> list[Any]:
    answered = service.post(f"/v1/models/{model}/predict", rows)
    assert answered.status == 200, answered
    return [one["answer"] for one in answered.json["answers"]]


def window_of(service: RunningService, model: str) -> Any:
    start = datetime.now(UTC) - timedelta(hours=1)
    return read_window(service.home.predictions, model, start, start + timedelta(hours=2))


@pytest.fixture
def client(service: RunningService) -> InferenceServerClient:
    return InferenceServerClient(f"127.0.0.1:{service.port}")


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("model", ["flights", "odd", "fares"])
def test_an_independent_client_gets_the_answers_of_predict(
    service: RunningService,
    packed: dict[str, Packed],
    client: InferenceServerClient,
    model: str,
    binary: bool,
) -> None:
    rows = whole_rows(packed[model])
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(model)
    assert client.is_model_ready(model, "1")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = client.get_model_metadata(model)
    required = [column for column in metadata["inputs"] if not column["parameters"]["optional"]]
    inputs = []
    for shape, column in zip([[len(rows)], [len(rows), 1]] * 3, required, strict=False):
        one = InferInput(column["name"], shape, column["datatype"])
        values = np.array([row[column["name"]] for row in rows], dtype=DATATYPES[column["datatype"]])
        one.set_data_from_numpy(values.reshape(shape), binary_data=binary)
        inputs.append(one)
    wanted = [InferRequestedOutput(name, binary_data=binary) for name in ("answer", "digest")]
    mixed = [InferRequestedOutput("answer"), InferRequestedOutput("digest", binary_data=False)]
    for outputs in (wanted, mixed, None):
        result = client.infer(model, inputs, request_id=f"triton-{model}", outputs=outputs)
        said = result.get_response()
        assert (said["id"], said["model_name"], said["model_version"]) == (f"triton-{model}", model, "1")
        digest = service.get(f"/v1/models/{model}").json["arms"][0]["digest"]
        assert said["parameters"] == {"generation": 1, "arm": "answer", "digest": digest}
        # as bytes texts are bytes
        assert {one.decode() if isinstance(one, bytes) else one for one in result.as_numpy("digest")} == {
            digest
        }
        # the client wants bytes where it is not told otherwise
        is_binary = {one["name"]: "binary_data_size" in one.get("parameters", {}) for one in said["outputs"]}
        assert is_binary == {
            "answer": binary or outputs is not wanted,
            "digest": binary if outputs is wanted else outputs is None,
        }
        native = answers_of(service, model, rows)
        if model == "odd":
            classes = service.get(f"/v1/models/{model}").json["classes"]
            native = [[one[name] for name in classes] for one in native]
        np.testing.assert_array_equal(result.as_numpy("answer"), np.array(native))


def test_an_independent_client_reads_a_refusal(
    packed: dict[str, Packed], client: InferenceServerClient
) -> None:
    one = InferInput("label", [1], "FP64")
    one.set_data_from_numpy(np.array([1.0]), binary_data=False)
    with pytest.raises(InferenceServerException, match="field 'my column': found nothing"):
        client.infer("flights", [one])
    with pytest.raises(InferenceServerException, match="no model 'nobody'"):
        client.get_model_metadata("nobody")
    with pytest.raises(InferenceServerException, match="what answers is generation 1"):
        client.get_model_metadata("flights", "2")


def test_its_rows_are_logged_as_those_of_predict_under_the_id_of_the_body(
    service: RunningService, packed: dict[str, Packed]
) -> None:
    rows = example_rows(packed["flights"])[:3]
    at = ["2013-01-01T02:00:00+02:00", "2013-01-02T00:00:00Z", None]
    body = tensors(rows) | {"id": "by-the-body"}
    key = {"name": "at", "datatype": "BYTES", "shape": [3, 1], "data": [[one] for one in at]}
    refused = service.post("/v2/models/flights/infer", {**body, "inputs": [*body["inputs"], key]})
    assert (refused.status, refused.json["problems"][0]["row"]) == (422, 2), refused
    key["data"] = [at[0], at[1], at[1]]
    answered = service.post(
        "/v2/models/flights/infer",
        {**body, "inputs": [*body["inputs"], key]},
        {"x-request-id": "by-the-head"},
    )
    assert (answered.status, answered.headers["x-request-id"]) == (200, "by-the-body")
    logged = window_of(service, "flights").predictions
    mine = logged[logged["request_id"] == "by-the-body"].sort_values("row")
    assert mine["row"].tolist() == [0, 1, 2]
    assert mine["input.at"].tolist() == ["2013-01-01T00:00:00+00:00", *["2013-01-02T00:00:00+00:00"] * 2]
    assert mine["answer"].tolist() == answered.json["outputs"][0]["data"]
    assert not (logged["request_id"] == "by-the-head").any()


def test_only_the_outputs_that_are_asked_for_come(service: RunningService, packed: dict[str, Packed]) -> None:
    body = tensors(example_rows(packed["fares"])[:2])
    for names in (["answer"], ["digest"], ["digest", "answer"]):
        asked = service.post(
            "/v2/models/fares/versions/1/infer", {**body, "outputs": [{"name": name} for name in names]}
        )
        assert {one["name"] for one in asked.json["outputs"]} == set(names)
    asked = service.post("/v2/models/fares/infer", {**body, "outputs": [{"name": "price"}]})
    assert (asked.status, asked.json["problems"][0]["found"]) == (422, "'price'")


@pytest.mark.parametrize(
    ("changes", "found", "allowed"),
    [
        ({"name": "width"}, "nothing", "a tensor of datatype FP64"),
        ({"name": "carrier"}, "nothing", "a tensor of datatype FP64"),
        ({"datatype": "BYTES"}, "datatype 'BYTES'", "FP16 or FP32 or FP64 or INT8"),
        ({"datatype": "FP128"}, "datatype 'FP128'", "FP64"),
        ({"shape": [3]}, "2 values", "the 3 that its shape says"),
        ({"shape": [2, 2]}, "shape [2, 2]", "[n] or [n, 1]"),
        ({"shape": []}, "shape []", "[n] or [n, 1]"),
        ({"shape": [2, 1, 1]}, "shape [2, 1, 1]", "[n] or [n, 1]"),
        ({"data": None}, "no data", "values in 'data'"),
        ({"data": [1.0], "shape": [1]}, "2 values", "1, as many as tensor 'label' has"),
        ({"data": [1.0, [[2.0]]]}, "[2.0]", "a FP64 that is a number"),
        ({"data": [1.0, "2"]}, '"2"', "a FP64 that is a number"),
        ({"data": [1.0, True]}, "true", "a FP64 that is a number"),
        ({"data": [1.0, 300], "datatype": "UINT8"}, "300", "a UINT8 that is a number"),
        ({"data": [1.0, 2.5], "datatype": "INT32"}, "2.5", "a INT32 that is a number"),
        ({"data": [1.0, 1e39]}, "1e+39", "a number from -3.40282e+38"),
        ({"data": [1.0, 1e5], "datatype": "FP16"}, "100000.0", "a FP16 that is a number"),
    ],
)
def test_a_refusal_names_the_tensor_the_row_what_came_and_what_is_allowed(
    service: RunningService, packed: dict[str, Packed], changes: dict[str, Any], found: str, allowed: str
) -> None:
    digest = service.get("/v1/models/fares").json["arms"][0]["digest"][:12]
    scored = f'millrace_rows_total{{arm="answer",digest="{digest}",model="fares"}}'
    before = service.metric(scored)
    refused = service.post("/v2/models/fares/infer", tensors(example_rows(packed["fares"])[:2], **changes))
    assert refused.status == 422, refused
    problem = refused.json["problems"][0]
    assert found in problem["found"], problem
    assert allowed in problem["allowed"], problem
    assert problem["row"] == (1 if len(changes.get("data") or ()) == 2 else None)
    assert problem["field"] is not None
    assert f"found {problem['found']}" in refused.json["error"]
    assert service.metric(scored) == before


def test_nulls_are_answered_where_the_column_has_them(
    service: RunningService, packed: dict[str, Packed]
) -> None:
    rows = [row | {"label": None, "carrier": None} for row in example_rows(packed["fares"])[:2]]
    answered = service.post("/v2/models/fares/infer", tensors(rows))
    assert answered.json["outputs"][0]["data"] == answers_of(service, "fares", rows)
    rows[1]["holiday"] = None
    refused = service.post("/v2/models/fares/infer", tensors(rows))
    assert (refused.status, refused.json["problems"][0]["row"]) == (422, 1)


def test_requests_that_have_no_form(service: RunningService) -> None:
    path = "/v2/models/fares/infer"
    for body in (b"{", b"[]", b"{}", b'{"inputs": {}}', b'{"inputs":[],"inputs":[]}', b"[" * 100_000):
        refused = service.post(path, body)
        assert (refused.status, refused.json["kind"]) == (400, "malformed"), body[:20]
    assert service.post(path, {"inputs": []}).status == 422
    assert service.post(path, b"{}", {"content-type": "application/octet-stream"}).status == 415
    assert service.post(path, {"id": "a b", "inputs": []}).status == 422


LABELS = struct.pack("<2d", 1.0, 2.0)


@pytest.mark.parametrize(
    ("datatype", "size", "behind", "found", "allowed"),
    [
        ("FP64", 17, LABELS, "binary_data_size 17", "one up to 16, and no 'data'"),
        ("FP64", -1, LABELS, "binary_data_size -1", "one up to 16"),
        ("FP64", True, LABELS, "binary_data_size true", "one up to 16"),
        ("FP64", "16", LABELS, 'binary_data_size "16"', "one up to 16"),
        ("FP64", 15, LABELS[:15], "15 bytes", "a multiple of 8, as FP64"),
        ("FP64", 8, LABELS[:8], "1 values", "the 2 that its shape says"),
        ("FP64", 16, struct.pack("<2d", 1.0, float("nan")), "NaN", "a FP64 that is a number"),
        ("FP64", 16, struct.pack("<2d", 1.0, float("inf")), "inf", "3.40282e+38"),
        ("FP128", 16, LABELS, "datatype 'FP128'", "FP64"),
        ("BYTES", 16, LABELS, "datatype 'BYTES'", "FP64"),
    ],
)
def test_bytes_that_are_not_what_their_tensor_says_are_refused_by_its_name(  # noqa: PLR0917
    service: RunningService,
    packed: dict[str, Packed],
    datatype: str,
    size: object,
    behind: bytes,
    found: str,
    allowed: str,
) -> None:
    body = tensors(
        example_rows(packed["fares"])[:2], datatype=datatype, parameters={"binary_data_size": size}
    )
    del body["inputs"][0]["data"]
    refused = send_with_bytes(service, body, behind)
    assert refused.status == 422, refused
    problem = refused.json["problems"][0]
    if datatype != "BYTES":  # these bytes are no texts either, which is found first
        assert problem["found"].lower().startswith(found.lower()), problem
        assert allowed in problem["allowed"], problem
    assert problem["field"] == "label"


def test_texts_as_bytes_are_read_by_their_lengths_and_refused_where_these_lie(
    service: RunningService, packed: dict[str, Packed]
) -> None:
    rows = [
        row | {"carrier": name} for row, name in zip(example_rows(packed["fares"]), ("Ü", "AA"), strict=False)
    ]
    body = tensors(rows)
    texts = b"\x02\0\0\0\xc3\x9c\x02\0\0\0AA"
    carrier = body["inputs"][2]
    assert carrier.pop("data") == ["Ü", "AA"]
    for behind, problem in (
        (texts, None),
        (texts[:-1], "11 bytes"),
        (b"\x01\0\0\0\xff\x02\0\0\0AA", "bytes that are no text"),
        (texts[:7], "bytes that are no text"),
    ):
        carrier["parameters"] = {"binary_data_size": len(behind)}
        answered = send_with_bytes(service, body, behind)
        if problem is None:
            assert answered.json["outputs"][0]["data"] == answers_of(service, "fares", rows)
        else:
            assert answered.status == 422, answered
            assert answered.json["problems"][0]["found"].startswith(problem)


def test_bytes_that_nobody_names_or_a_length_that_is_none_are_malformed(
    service: RunningService, packed: dict[str, Packed]
) -> None:
    body = tensors(example_rows(packed["fares"])[:2])
    assert send_with_bytes(service, body, b"").status == 200
    left = send_with_bytes(service, body, b"12345")
    assert (left.status, left.json["kind"]) == (400, "malformed")
    assert "5 bytes that no binary_data_size names" in left.json["error"]
    body["inputs"][0]["parameters"] = {"binary_data_size": 16}
    assert "beside 'data'" in send_with_bytes(service, body, LABELS).json["problems"][0]["found"]
    whole = json.dumps(tensors(example_rows(packed["fares"])[:2])).encode()
    for length in ("3", "-1", "", "1e1", "9" * 5000, str(len(whole) + 1)):
        refused = service.post("/v2/models/fares/infer", whole, {"inference-header-content-length": length})
        assert (refused.status, refused.json["kind"]) == (400, "malformed"), length


def send_with_bytes(service: RunningService, body: dict[str, Any], behind: bytes) -> Answer:
    said = json.dumps(body).encode()
    headers = {"inference-header-content-length": str(len(said)), "content-type": "application/octet-stream"}
    return service.post("/v2/models/fares/infer", said + behind, headers)


def test_of_two_bundles_each_row_tells_which_answered_it(
    service: RunningService, packed: dict[str, Packed]
) -> None:
    home, bundle = service.home, packed["fares"]
    digests = [home.add("twins", (dataclasses.replace(bundle[0], seed=seed), bundle[1])) for seed in (1, 2)]
    generation = home.publish("twins", *(Arm(digest, ArmRole.ANSWER, 50) for digest in digests))
    wait_for(lambda: service.get("/v2/models/twins").json.get("versions") == [str(generation)], "twins")
    body = tensors(example_rows(bundle)[:1])
    found = {
        service.post("/v2/models/twins/infer", {**body, "id": f"r{at}"}).json["outputs"][1]["data"][0]
        for at in range(40)
    }
    assert found == set(digests)


def test_bundles_of_different_classes_are_no_one_tensor_and_labels_of_all_are_taken(
    service: RunningService, packed: dict[str, Packed]
) -> None:
    other = changed(
        packed["odd"], SCHEMA_FILE, lambda schema: {**schema, "classes": ["early", "late", "never"]}
    )
    arms = [Arm(service.home.add("mixed", one), ArmRole.ANSWER, 50) for one in (packed["odd"], other)]
    service.home.publish("mixed", *arms)
    wait_for(lambda: service.get("/v2/models/mixed").status == 200, "mixed")
    rows = example_rows(packed["odd"])[:1]
    refused = service.post("/v2/models/mixed/infer", tensors(rows))
    assert (refused.status, refused.json["kind"]) == (409, "classes_differ")
    assert service.post("/v1/models/mixed/predict", rows).status == 200
    labels = [{"request_id": "a", "label": label} for label in ("on time", "never")]
    assert service.post("/v1/models/mixed/labels", labels).status == 200
