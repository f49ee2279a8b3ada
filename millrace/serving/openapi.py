"""What can be asked of this service, as OpenAPI? Written from the schemas of what answers now."""

import re
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from millrace.serving.access import OPEN_PATHS
from millrace.serving.binary_tensors import OCTETS
from millrace.serving.describing import example_label, example_row, example_tensors
from millrace.serving.json_schemas import (
    MAYBE_REQUEST_ID,
    REQUEST_ID,
    Json,
    answer_schema,
    closed,
    decision_schema,
    infer_answer_schema,
    infer_schema,
    label_schema,
    one_or_many,
    protocol_refusal_schema,
    refusal_schema,
    row_schema,
)
from millrace.serving.tensors import DECISION

if TYPE_CHECKING:
    from millrace.serving.served import Served
    from millrace.serving.service import Service

ABOUT = (
    "Answers of machine-learning models. Each answer tells the digest of the bundle that gave it. "
    "A request is answered whole or not at all."
)
ABOUT_LABELS = (
    "Tells what became true of rows that were answered, by the request and the row's position in it, or by "
    "the values of its key. All labels of a request are taken, or none. A label may come at any time and "
    "again: whether it is late, repeated, contradicts another or names no row is found, and counted, when "
    "labels are joined with answers."
)
ABOUT_INFER = (
    "The Open Inference Protocol, version 2: one tensor for each column, as JSON, of shape [n] or [n, 1]. "
    "As an extension `data` may hold nulls where the column does. Tensors may come, and outputs go, as bytes "
    "behind the JSON, by the protocol's extension `binary_tensor_data`."
)
GET_REFUSALS = (400, 401, 405, 500, 503)
MODEL_REFUSALS = (*GET_REFUSALS, 404)
POST_REFUSALS = (*MODEL_REFUSALS, 408, 413, 415, 422)

_REQUEST_ID_HEADER = {
    "name": "x-request-id",
    "in": "header",
    "required": False,
    "description": "Your name for this request; without one it gets a new one.",
    "schema": MAYBE_REQUEST_ID,
}


class OpenApi:
    """The document, written anew when something else answers."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._written_for: object = None
        self._document: Json = {}

    def document(self) -> Json:
        """Return the OpenAPI document of what answers now."""
        service = self._service
        state = (service.models, service.gatekeeper.needs_token)
        # what answers is replaced as a whole, never changed
        if self._written_for is None or state != self._written_for:
            self._document, self._written_for = _document(service), state
        return self._document


def _document(service: "Service") -> Json:
    needs_token = service.gatekeeper.needs_token
    schemas: Json = {"Refusal": refusal_schema(), "ProtocolRefusal": protocol_refusal_schema()}
    paths = _paths_of_service()
    for at, (_, served) in enumerate(sorted(service.models.items())):
        name = re.sub(r"[^A-Za-z0-9._-]", "_", served.model) + f".{at}"
        schemas[f"{name}.Row"] = row_schema(served)
        schemas[f"{name}.Answer"] = answer_schema(served)
        schemas[f"{name}.Label"] = label_schema(served, service.limits.max_rows)
        schemas[f"{name}.InferRequest"] = infer_schema(served, service.limits.max_rows)
        paths |= _paths_of_model(served, name, service.limits.max_rows)
        paths |= _paths_of_protocol(served, name)
    for path, operations in paths.items():
        for operation in operations.values():
            _finish(path, operation, needs_token=needs_token)
    components: Json = {"schemas": schemas}
    if needs_token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Millrace prediction service",
            "version": version("millrace"),
            "description": ABOUT,
        },
        "paths": paths,
        "components": components,
    }


def _paths_of_service() -> dict[str, Json]:
    anything = {"type": "object"}
    ready = closed({"ready": {"type": "boolean"}}, ["ready"]) | {"additionalProperties": True}
    unready = {"503": _json_response("Not ready, or busy.", {"anyOf": [ready, _ref("Refusal")]})}
    v2_unready = {"503": _json_response("Not ready, or busy.", {"anyOf": [ready, _ref("ProtocolRefusal")]})}
    metrics = {"description": "For Prometheus.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {
        "/healthz": _get("Does the process live?", anything),
        "/readyz": _get("Does everything answer, and if not, why?", ready, unready),
        "/metrics": {
            "get": {"summary": "Counts for Prometheus", "responses": {"200": metrics}, "tags": ["service"]}
        },
        "/openapi.json": _get("This document", anything),
        "/v1/models": _get("What answers?", anything),
        "/v2": _get("What is this server?", anything),
        "/v2/health/live": _get("Does the process live?", anything),
        "/v2/health/ready": _get("Does everything answer?", ready, v2_unready),
    }


def _paths_of_model(served: "Served", name: str, most: int) -> dict[str, Json]:
    path, model = f"/v1/models/{served.model}", served.model
    said = {"digest": {"type": "string"}, "arm": {"type": "string"}, "answer": _ref(f"{name}.Answer")}
    required = [*said]
    if DECISION in served.outputs:
        said["decision"] = decision_schema(served)
    if served.always_decides:
        required.append("decision")
    head = {
        "request_id": {"type": "string"},
        "model": {"const": model},
        "generation": {"type": "integer"},
    }
    many = {"type": "array", "items": closed(said, required)}
    answered = {
        "oneOf": [
            closed({**head, **said}, [*head, *required]),
            closed({**head, "answers": many}, [*head, "answers"]),
        ]
    }
    taken = closed({"request_id": {"type": "string"}, "accepted": {"type": "integer"}}, ["accepted"])
    return {
        path: _get(f"What answers for {model}, and what may it be asked?", {"type": "object"}, tag=model),
        f"{path}/predict": _post(
            f"Answer one row or many by {model}",
            one_or_many(_ref(f"{name}.Row"), "row", most),
            example_row(served),
            answered,
            model,
        ),
        f"{path}/labels": _post(
            f"Tell {model} what became true",
            one_or_many(_ref(f"{name}.Label"), "label", most),
            example_label(served),
            taken,
            model,
            ABOUT_LABELS,
        ),
    }


def _paths_of_protocol(served: "Served", name: str) -> dict[str, Json]:
    paths: dict[str, Json] = {}
    path, tag = f"/v2/models/{served.model}", f"{served.model}, Open Inference Protocol"
    for place in (path, f"{path}/versions/{served.generation}"):
        paths[place] = _get("The model's metadata", {"type": "object"}, tag=tag)
        paths[f"{place}/ready"] = _get("Does the model answer?", {"type": "object"}, tag=tag)
        paths[f"{place}/infer"] = _post(
            "Answer rows given as tensors",
            _ref(f"{name}.InferRequest"),
            example_tensors(served),
            infer_answer_schema(),
            tag,
            ABOUT_INFER,
        )
        differ = _json_response("Bundles of different classes answer.", _ref("ProtocolRefusal"))
        responses = paths[f"{place}/infer"]["post"]["responses"]
        responses["409"] = differ
        responses["200"]["content"][OCTETS] = {"schema": {"type": "string", "format": "binary"}}
    return paths


def _get(summary: str, schema: Json, more: Json | None = None, tag: str = "service") -> Json:
    responses = {"200": _json_response("Found.", schema), **(more or {})}
    return {"get": {"summary": summary, "responses": responses, "tags": [tag]}}


def _post(summary: str, body: Json, example: Json, answer: Json, tag: str, about: str = "") -> Json:
    answered = _json_response("Done.", answer) | {"headers": {"x-request-id": {"schema": REQUEST_ID}}}
    return {
        "post": {
            "summary": summary,
            "description": about,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": body, "example": example}},
            },
            "responses": {"200": answered},
            "tags": [tag],
        }
    }


def _finish(path: str, operation: Json, *, needs_token: bool) -> None:
    """Add what every operation has: the request's name, the refusals, and the token."""
    statuses = POST_REFUSALS if "requestBody" in operation else MODEL_REFUSALS
    is_open = path in OPEN_PATHS or not needs_token
    form = "ProtocolRefusal" if path.startswith("/v2") else "Refusal"
    operation["parameters"] = [_REQUEST_ID_HEADER]
    for status in sorted(statuses):
        if status != HTTPStatus.UNAUTHORIZED or not is_open:
            phrase = HTTPStatus(status).phrase
            operation["responses"].setdefault(str(status), _json_response(f"{phrase}.", _ref(form)))
    if not is_open:
        operation["security"] = [{"token": []}]


def _json_response(description: str, schema: Json) -> Any:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
