"""What answers for a model, in a form that clients read?"""

from typing import TYPE_CHECKING, Any

from millrace.domain.bundle import InputColumn
from millrace.serving.fields import describe_column
from millrace.serving.tensors import datatype_of

if TYPE_CHECKING:
    from millrace.serving.served import Served


def describe_served(served: "Served") -> dict[str, Any]:
    """Return a model's task, its columns and the bundles that answer for it."""
    pointer, schema = served.pointer, served.champion.schema
    required = len(served.schema.required)
    return {
        "model": served.model,
        "task": schema.task,
        "classes": schema.classes,
        "threshold": schema.threshold,
        "generation": pointer.generation,
        "revision": pointer.revision,
        "durability": pointer.settings.durability,
        "sticky_key": pointer.settings.sticky_key,
        "arms": [{"digest": arm.digest, "role": arm.role, "weight": arm.weight} for arm in pointer.arms],
        "columns": [
            _describe_column(column, is_required=at < required)
            for at, column in enumerate(served.schema.columns)
        ],
        "key": [column.name for column in schema.key],
    }


def example_row(served: "Served") -> dict[str, Any]:
    """Return a row that the bundles answered at their export, with what a request must have."""
    row: dict[str, Any] = {}
    for arm in served.arms.values():
        row = {**arm.scorer.examples.rows[0], **row}
    return {column.name: row[column.name] for column in served.schema.required}


def example_label(served: "Served") -> dict[str, Any]:
    """Return a label of an answered row."""
    schema = served.champion.schema
    return {"request_id": "REQUEST-ID", "label": schema.classes[-1] if schema.classes else 0.5}


def example_tensors(served: "Served") -> dict[str, Any]:
    """Return the example row as a request of the Open Inference Protocol."""
    row = example_row(served)
    return {
        "inputs": [
            {
                "name": column.name,
                "datatype": datatype_of(column.type),
                "shape": [1],
                "data": [row[column.name]],
            }
            for column in served.schema.required
        ]
    }


def _describe_column(column: InputColumn, *, is_required: bool) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "required": is_required,
        "nullable": column.nullable,
        "min": column.min,
        "max": column.max,
        "categories": column.categories,
        "allowed": describe_column(column),
    }
