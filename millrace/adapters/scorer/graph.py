"""What does an exported graph answer?"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from millrace.domain.answers import FloatArray, shape_answers
from millrace.domain.bundle import Engine, Schema
from millrace.domain.features import Columns, feature_columns
from millrace.errors import MillraceError


class UnreadableScorerError(MillraceError):
    """The scorer's bytes cannot be opened, or do not fit the schema beside them."""

    def __init__(self, engine: Engine, found: str, needed: str) -> None:
        self.engine, self.found, self.needed = engine, found, needed
        super().__init__(
            f"{engine.file_name}: found {found}, needed {needed}. Run `millrace retrain` for a new bundle"
        )


@dataclass(frozen=True)
class Graph:
    """An opened graph. It is fed by position: conversion renames a column whose name clashes inside it."""

    session: Any
    schema: Schema
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def answer(self, columns: Columns) -> FloatArray:
        ready = feature_columns(columns, self.schema.inputs).values()
        feed = {name: values[:, None] for name, values in zip(self.inputs, ready, strict=True)}
        with graph_refusals("a graph that answers these rows"):
            return shape_answers(self.session.run(self.outputs, feed)[0], self.schema.task)


def open_graph(content: bytes, schema: Schema) -> Graph:
    """Open a graph whose inputs are those of the schema, in its order."""
    session = open_session(content)
    tensors = session.get_inputs()
    found = [tensor.type for tensor in tensors]
    needed = ["tensor(string)" if column.is_text else "tensor(float)" for column in schema.inputs]
    if found != needed:
        raise UnreadableScorerError(Engine.ONNX, f"inputs {found}", f"the schema's {needed}")
    names = tuple(tensor.name for tensor in tensors)
    return Graph(session, schema, names, (session.get_outputs()[-1].name,))


def open_session(content: bytes) -> Any:
    """Load a graph that runs in the thread which asks, and says nothing on the terminal."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    with graph_refusals("a graph onnxruntime can load"):
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


@contextlib.contextmanager
def graph_refusals(needed: str) -> Iterator[None]:
    """Tell what onnxruntime refuses in our words."""
    from onnxruntime.capi import onnxruntime_pybind11_state as failures

    refusals = (
        failures.Fail,
        failures.InvalidArgument,
        failures.InvalidGraph,
        failures.InvalidProtobuf,
        failures.NotImplemented,
        failures.RuntimeException,
    )
    try:
        yield
    except refusals as error:
        raise UnreadableScorerError(Engine.ONNX, str(error), needed) from error
