"""Does a refusal stay cheap and short, whatever is wrong with the request?"""

import json

import pytest

from millrace.domain.bundle import InputColumn
from millrace.domain.kinds import ColumnType
from millrace.serving.requests import (
    InvalidRowsError,
    MalformedRequestError,
    RequestSchema,
    refuse_repeated_fields,
)
from tests.serving.service import RunningService

FIELDS = 200_000
"""Compared with each other they would take hours."""
LONG = "y" * 10_000


@pytest.fixture
def schema() -> RequestSchema:
    return RequestSchema([InputColumn("a", ColumnType.FLOAT, nullable=False)])


def test_many_fields_are_looked_through_once() -> None:
    fields = ",".join(f'"x{at}":1' for at in range(FIELDS))
    refuse_repeated_fields(f"{{{fields}}}".encode())
    with pytest.raises(MalformedRequestError, match="field 'x7' twice"):
        refuse_repeated_fields(f'{{{fields},"x9":1,"x7":1}}'.encode())


def test_a_repeated_field_with_a_long_name_is_named_in_few_words() -> None:
    with pytest.raises(MalformedRequestError, match="'yyy") as refused:
        refuse_repeated_fields(f'{{"{LONG}":1,"{LONG}":2}}'.encode())
    assert len(str(refused.value)) < 200


def test_of_many_unknown_fields_few_are_told_and_their_names_are_cut(schema: RequestSchema) -> None:
    row = {"a": 1.0} | {f"{LONG[:100]}{at}": 1 for at in range(FIELDS // 10)}
    with pytest.raises(InvalidRowsError, match="an unknown field") as refused:
        schema.decode(json.dumps(row).encode())
    problems = refused.value.problems
    assert len(problems) == 20
    assert {problem.field for problem in problems} == {f"{LONG[:80]}..."}


@pytest.mark.parametrize("is_key", [False, True])
def test_labels_of_many_unknown_fields_get_few_words(service: RunningService, *, is_key: bool) -> None:
    unknown = {f"{LONG[:100]}{at}": 1 for at in range(1_000)}
    label = {"label": 1, "key": unknown} if is_key else {"label": 1, "request_id": "a", **unknown}
    refused = service.post("/v1/models/flights/labels", label)
    assert refused.status == 422
    assert len(refused.json["error"]["problems"]) == 20
    assert len(refused.body) < 10_000


def test_tensors_of_many_unknown_names_get_few_words(service: RunningService) -> None:
    tensors = [
        {"name": f"{LONG[:100]}{at}", "shape": [1], "datatype": "FP64", "data": [1.0]} for at in range(1_000)
    ]
    refused = service.post("/v2/models/flights/infer", {"inputs": tensors})
    assert refused.status == 422
    assert len(refused.json["problems"]) == 20
    assert len(refused.body) < 10_000


def test_the_keys_of_one_request_may_be_of_so_many_sets_of_columns_and_no_more(
    service: RunningService,
) -> None:
    path = "/v1/models/flights/labels"
    needed = {"flight id": "F1", "at": "2013-01-01T00:00:00Z"}
    more = [("label", 1.0), ("my column", 1), ("carrier", "AA"), ("weekday", 1), ("holiday", True)]
    labels = [
        {
            "label": 1,
            "key": needed | {name: value for bit, (name, value) in enumerate(more) if chosen >> bit & 1},
        }
        for chosen in range(17)
    ]
    assert service.post(path, [*labels[:16], *labels[:16]]).json["accepted"] == 32
    refused = service.post(path, labels)
    assert refused.status == 422
    (problem,) = refused.json["error"]["problems"]
    assert (problem["row"], problem["field"]) == (16, "key")
    assert problem["allowed"] == "at most 16 sets of columns in one request"
