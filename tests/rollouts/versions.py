"""Versions whose worth is known: one like the champion, and some that are wrong in one way each."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from millrace.adapters.scorer import open_scorer
from millrace.domain.answers import FloatArray
from millrace.domain.bundle import EXAMPLES_FILE
from millrace.domain.kinds import Task
from tests.adapters.planted import Trained, pack, planted_config, planted_rows, train
from tests.serving.service import Packed, changed
from tests.serving.under_load import MODEL, row

POOL = range(0, 100_000, 7)
"""The numbers of the rows that are asked about."""

BAD_SHARE = 0.02
"""Of the rows the failing version has no number for."""
MATRIX, TIMES = 256, 30
"""What the slow version multiplies, and how often: some milliseconds for a batch."""


def good(number: int) -> Packed:
    """Return the same scorer under another digest for each number."""
    return _packed(_trained(), number)


def failing(number: int) -> Packed:
    """Return a version that has no number for the rows with the least answers."""
    threshold = np.quantile(truths(), BAD_SHARE)

    def break_graph(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
        graph.initializer.extend(
            [numpy_helper.from_array(np.float32([value]), name) for name, value in
             (("limit", threshold), ("nothing", np.nan))]
        )  # fmt: skip
        return [
            helper.make_node("Less", [output, "limit"], ["too_little"]),
            helper.make_node("Where", ["too_little", "nothing", output], ["answer"]),
        ]

    return _changed(number, break_graph)


def slow(number: int) -> Packed:
    """Return a version that answers the same, some milliseconds later."""

    def slow_down(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
        matrix = np.full((MATRIX, MATRIX), 1e-4, dtype=np.float32)
        graph.initializer.extend(
            [numpy_helper.from_array(matrix, "m"), numpy_helper.from_array(np.float32(0.0), "none")]
        )
        nodes = [
            helper.make_node("ReduceSum", [output], ["all"], keepdims=0),
            helper.make_node("Mul", ["all", "none"], ["zero"]),
            # what hangs on the input cannot be worked out before it comes
            helper.make_node("Add", ["m", "zero"], ["m0"]),
        ]
        nodes += [helper.make_node("MatMul", [f"m{at}", "m"], [f"m{at + 1}"]) for at in range(TIMES)]
        return [
            *nodes,
            helper.make_node("ReduceSum", [f"m{TIMES}"], ["sum"], keepdims=0),
            helper.make_node("Mul", ["sum", "none"], ["nothing"]),
            helper.make_node("Add", [output, "nothing"], ["answer"]),
        ]

    return _changed(number, slow_down)


def scattered(number: int) -> Packed:
    """Return a version that is right on average and wrong on each row, which only labels can tell."""

    def scatter(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
        graph.initializer.extend(
            [
                numpy_helper.from_array(np.float32([value]), name)
                for name, value in (("often", 997.0), ("far", 3.0))
            ]
        )
        return [
            helper.make_node("Mul", [output, "often"], ["angle"]),
            helper.make_node("Sin", ["angle"], ["wave"]),
            helper.make_node("Mul", ["wave", "far"], ["off"]),
            helper.make_node("Add", [output, "off"], ["answer"]),
        ]

    return _changed(number, scatter)


def unproven(number: int) -> Packed:
    """Return a version that does not answer its own examples as they say it does."""

    def wrong(examples: Any) -> Any:
        return {**examples, "answers": [answer + 1.0 for answer in examples["answers"]]}

    return changed(good(number), EXAMPLES_FILE, wrong)


def several(number: int) -> Packed:
    """Return the same scorer of three classes under another digest for each number."""
    return _packed(_trained(Task.MULTICLASS), number)


def mixed_up(number: int) -> Packed:
    """Return a version that gives each class the share of the next: as sure, and always of another one."""

    def mix_up(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
        graph.initializer.extend([numpy_helper.from_array(np.int64([1, 2, 0]), "next")])
        return [helper.make_node("Gather", [output, "next"], ["answer"], axis=1)]

    return _changed(number, mix_up, Task.MULTICLASS)


@cache
def truths() -> FloatArray:
    """Return what becomes true of each row of the pool: what the champion says of it."""
    return _answers(Task.REGRESSION)


@cache
def true_classes() -> tuple[str, ...]:
    """Return the class of each row of the pool: the likeliest by the champion of three classes."""
    classes = _trained(Task.MULTICLASS).schema.classes
    return tuple(classes[at] for at in _answers(Task.MULTICLASS).argmax(axis=1))


def _answers(task: Task) -> FloatArray:
    trained = _trained(task)
    rows = [row(number) for number in POOL]
    columns = {name: [one[name] for one in rows] for name in rows[0]}
    return np.asarray(open_scorer(trained.exported.engine, trained.exported.content, trained.schema)(columns))


@cache
def _trained(task: Task = Task.REGRESSION) -> Trained:
    return train(planted_config(task), planted_rows(task, 300))


def _packed(trained: Trained, number: int) -> Packed:
    manifest, files = pack(trained)
    return replace(manifest, model=MODEL, seed=number), files


def _changed(
    number: int,
    change: Callable[[onnx.GraphProto, str], list[onnx.NodeProto]],
    task: Task = Task.REGRESSION,
) -> Packed:
    """Return a version whose graph ends in other nodes, the last of which gives `answer`."""
    trained = _trained(task)
    graph = onnx.load_from_string(trained.exported.content)
    output = graph.graph.output[-1]
    inner, output.name = output.name, "answer"
    graph.graph.node.extend(change(graph.graph, inner))
    exported = replace(trained.exported, content=graph.SerializeToString())
    return _packed(replace(trained, exported=exported), number)
