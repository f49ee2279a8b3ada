"""What may the bodies of requests hold, as JSON Schema?"""

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from millrace.domain.bundle import InputColumn
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.words import MAX_CHARACTERS
from millrace.serving.fields import bounds_of, describe_column
from millrace.serving.labels import class_texts, key_names
from millrace.serving.tensors import datatypes_of

if TYPE_CHECKING:
    from millrace.serving.served import Served

Json = dict[str, Any]

REQUEST_ID = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"}
MAYBE_REQUEST_ID = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{0,128}$"}
"""A client may leave its own name for a request empty: it is as if there were none."""


def value_schema(column: InputColumn) -> Json:
    """Return what one value of a column may be."""
    low, high = bounds_of(column)
    match column.type:
        case ColumnType.STRING:
            schema: Json = {"type": "string"}
            if column.categories is not None:
                schema["enum"] = [*column.categories]
            elif column.text:
                schema["maxLength"] = MAX_CHARACTERS
        case ColumnType.BOOL:
            schema = {"type": "boolean"}
        case ColumnType.TIMESTAMP:
            schema = {"type": "string", "format": "date-time"}
        case ColumnType.INT:
            schema = {"type": "integer", "minimum": math.ceil(low), "maximum": math.floor(high)}
        case ColumnType.FLOAT:
            schema = {"type": "number", "minimum": low, "maximum": high}
    if column.nullable:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"].append(None)
    return {**schema, "description": describe_column(column)}


def row_schema(served: "Served") -> Json:
    """Return what one row may be."""
    return closed(
        {column.name: value_schema(column) for column in served.schema.columns},
        [column.name for column in served.schema.required],
    )


def one_or_many(schema: Json, what: str, most: int) -> Json:
    """Return the schema of one thing, or an array of them."""
    many = {
        "type": "array",
        "items": schema,
        "minItems": 1,
        "maxItems": most,
        "description": f"Many {what}s.",
    }
    return {"oneOf": [schema, many]}


def answer_schema(served: "Served") -> Json:
    """Return what the model says of one row."""
    schema = served.champion.schema
    match schema.task:
        case Task.MULTICLASS:
            share = {"type": "number", "description": "the probability of this class"}
            return closed(dict.fromkeys(schema.classes, share), [*schema.classes])
        case Task.BINARY:
            return {"type": "number", "description": f"the probability of class {schema.classes[-1]!r}"}
        case Task.REGRESSION:
            return {"type": "number"}


def decision_schema(served: "Served") -> Json:
    """Return what a binary model decides of one row."""
    return {
        "enum": [*served.classes],
        "description": "the class that the bundle's threshold makes of the probability",
    }


def label_schema(served: "Served", max_rows: int) -> Json:
    """Return what one label may be: it names a row of a request, or rows by their key."""
    label = _label_value(served)
    row = {"type": "integer", "minimum": 0, "maximum": max_rows - 1, "default": 0}
    by_request = closed({"label": label, "request_id": REQUEST_ID, "row": row}, ["label", "request_id"])
    if not (names := key_names(served)):
        return by_request
    columns = {
        column.name: value_schema(dataclasses.replace(column, nullable=False))
        for column in served.schema.columns
        if column.name in names
    }
    key = closed(columns, [column.name for column in served.champion.schema.key if column.name in names])
    by_key = closed({"label": label, "key": {**key, "minProperties": 1}}, ["label", "key"])
    return {"oneOf": [by_request, by_key]}


def infer_schema(served: "Served", max_rows: int) -> Json:
    """Return what the body of an Open Inference Protocol request may be."""
    columns, required = served.schema.columns, served.schema.required
    inputs = {
        "type": "array",
        "items": {"oneOf": [_tensor_schema(column, max_rows) for column in columns]},
        "minItems": max(1, len(required)),
        "maxItems": len(columns),
        "description": "One tensor for each column.",
    }
    output = closed({"name": {"enum": [*served.outputs]}, "parameters": {"type": "object"}}, ["name"])
    return closed(
        {
            "id": {**MAYBE_REQUEST_ID, "description": "Names the request, as x-request-id does."},
            "inputs": inputs,
            "outputs": {"type": "array", "items": output},
            "parameters": {"type": "object"},
        },
        ["inputs"],
    )


def closed(properties: Json, required: list[str]) -> Json:
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def infer_answer_schema() -> Json:
    """Return what the answer to such a request is."""
    whole = {"type": "integer"}
    tensor = closed(
        {
            "name": {"type": "string"},
            "datatype": {"type": "string"},
            "shape": {"type": "array", "items": whole},
            "data": {"type": "array"},
        },
        ["name", "datatype", "shape", "data"],
    )
    text = {"type": "string"}
    parameters = closed({"generation": whole, "arm": text, "digest": text}, ["generation", "arm"])
    return closed(
        {
            "model_name": text,
            "model_version": text,
            "id": text,
            "parameters": parameters,
            "outputs": {"type": "array", "items": tensor},
        },
        ["model_name", "model_version", "id", "outputs"],
    )


def refusal_schema() -> Json:
    """Return the one form of refusals."""
    text = {"type": "string"}
    error = closed({"kind": text, "message": text, "problems": _problems()}, ["kind", "message"])
    return closed({"error": error, "request_id": text}, ["error", "request_id"])


def protocol_refusal_schema() -> Json:
    """Return the form of refusals that clients of the Open Inference Protocol read."""
    text = {"type": "string"}
    return closed(
        {"error": text, "kind": text, "problems": _problems(), "request_id": text},
        ["error", "kind", "request_id"],
    )


def _problems() -> Json:
    text = {"type": "string"}
    place = {"row": {"type": ["integer", "null"]}, "field": {"type": ["string", "null"]}}
    problem = closed({**place, "found": text, "allowed": text}, ["row", "field", "found", "allowed"])
    return {"type": "array", "items": problem}


def _tensor_schema(column: InputColumn, max_rows: int) -> Json:
    value = value_schema(column)
    nested = {"type": "array", "items": value, "minItems": 1, "maxItems": 1}
    return closed(
        {
            "name": {"const": column.name},
            "datatype": {"enum": [*datatypes_of(column.type)]},
            "shape": {
                "type": "array",
                "items": {"type": "integer", "minimum": 1, "maximum": max_rows},
                "minItems": 1,
                "maxItems": 2,
                "description": "[n] or [n, 1]",
            },
            "data": {
                "type": "array",
                "items": {"anyOf": [value, nested]},
                "minItems": 1,
                "maxItems": max_rows,
            },
            "parameters": {"type": "object"},
        },
        ["name", "datatype", "shape", "data"],
    )


def _label_value(served: "Served") -> Json:
    schema = served.champion.schema
    if schema.task is Task.REGRESSION:
        return {"type": "number", "minimum": -1.7976931348623157e308, "maximum": 1.7976931348623157e308}
    return {
        "enum": [form for text in served.classes for form in _forms(text)],
        "description": "a class, as text or as the number or truth value it was in the data",
    }


def _forms(text: str) -> list[object]:
    forms: list[object] = [text]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        forms += [
            one for one in (int(number) if number.is_integer() else number,) if text in class_texts(one)
        ]
    return forms + [one for one in (False, True) if text in class_texts(one)]
