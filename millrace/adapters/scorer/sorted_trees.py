"""How does a graph of trees answer many rows fastest?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.adapters.scorer.graph import graph_refusals, open_session
from millrace.domain.answers import FloatArray, shape_answers
from millrace.domain.bundle import Schema
from millrace.domain.features import Columns, feature_columns

QUESTIONS = 62
"""So many splits sort the rows, one bit each: those that most rows come by."""

LEAF = b"LEAF"


@dataclass(frozen=True)
class Split:
    """Whether a feature, by its position, is at most `limit`."""

    feature: int
    limit: float


@dataclass(frozen=True, eq=False)
class SortedTrees:
    """A graph cut before its trees: `head` makes their features, `trees` answers rows sorted by them.

    Sorted, neighbours go the same ways through the trees, which a processor then foresees: a row of
    boosted trees takes half the time, and its answer is the same to the bit.
    """

    head: Any
    trees: Any
    schema: Schema
    splits: tuple[Split, ...]

    def answer(self, columns: Columns) -> FloatArray:
        """Answer raw rows, as the whole graph does; shape (n_rows,) or (n_rows, n_classes)."""
        ready = feature_columns(columns, self.schema.inputs).values()
        names = [tensor.name for tensor in self.head.get_inputs()]
        name, wanted = self.trees.get_inputs()[0].name, self.trees.get_outputs()[-1].name
        with graph_refusals("a graph that answers these rows"):
            [seen] = self.head.run(None, {name: one[:, None] for name, one in zip(names, ready, strict=True)})
            order = sorting_order(seen, self.splits)
            [raw] = self.trees.run([wanted], {name: seen.take(order, axis=0)})
        found = shape_answers(raw, self.schema.task)
        answers = np.empty_like(found)
        answers[order] = found
        return answers


def sorting_order(seen: npt.NDArray[np.float32], splits: tuple[Split, ...]) -> npt.NDArray[np.intp]:
    """Return the positions of rows in the order of the ways they go; shape (n_rows,).

    Parameters
    ----------
    seen
        Features; shape (n_rows, n_features).
    splits
        The first counts most: rows that differ in it are apart.
    """
    features = np.ascontiguousarray(seen.T)
    code = np.zeros(len(seen), dtype=np.uint64)
    for split in splits:
        np.left_shift(code, np.uint64(1), out=code)
        code |= features[split.feature] <= np.float32(split.limit)
    return np.argsort(code)


def find_sorted_trees(content: bytes, schema: Schema) -> SortedTrees | None:
    """Cut a graph before its trees, None where it has none or sorting is no help.

    None for texts too: those of all rows would be in the graph at once.
    """
    import onnx

    if any(column.text for column in schema.inputs):
        return None
    graph = onnx.load_from_string(content).graph
    places = [place for place, node in enumerate(graph.node) if node.op_type.startswith("TreeEnsemble")]
    if len(places) != 1 or not _can_be_cut(graph, places[0]):
        return None
    node = graph.node[places[0]]
    splits = _first_splits({one.name: onnx.helper.get_attribute_value(one) for one in node.attribute})
    head, trees = onnx.load_from_string(content), onnx.load_from_string(content)
    del head.graph.node[places[0] :], head.graph.output[:]
    head.graph.output.append(onnx.helper.make_empty_tensor_value_info(node.input[0]))
    del trees.graph.node[: places[0]], trees.graph.input[:]
    seen = onnx.helper.make_tensor_value_info(node.input[0], onnx.TensorProto.FLOAT, [None, None])
    trees.graph.input.append(seen)
    first, second = (open_session(part.SerializeToString()) for part in (head, trees))
    return SortedTrees(first, second, schema, splits)


def _can_be_cut(graph: Any, place: int) -> bool:
    """Whether the nodes from `place` on, in the order of running, need but what the first takes."""
    seen = graph.node[place].input[0]
    made = {name for node in graph.node[:place] for name in node.output}
    before = made | {tensor.name for tensor in graph.input}
    needed = {name for node in graph.node[place:] for name in node.input}
    return seen in made and needed & before == {seen}


def _first_splits(nodes: Mapping[str, Any]) -> tuple[Split, ...]:
    """Return the splits that most rows come by, if each sends half of them either way."""
    ids = list(zip(nodes["nodes_treeids"], nodes["nodes_nodeids"], strict=True))
    children = {
        one: ((one[0], left), (one[0], right))
        for one, mode, left, right in zip(
            ids, nodes["nodes_modes"], nodes["nodes_truenodeids"], nodes["nodes_falsenodeids"], strict=True
        )
        if mode != LEAF
    }
    asked = dict(zip(ids, map(Split, nodes["nodes_featureids"], nodes["nodes_values"]), strict=True))
    shares: dict[Split, float] = {}
    rows = {one: 1.0 for one in ids if one[1] == 0}
    while rows:
        below: dict[tuple[int, int], float] = {}
        for one, share in rows.items():
            if one in children:
                shares[asked[one]] = shares.get(asked[one], 0.0) + share
                below |= dict.fromkeys(children[one], share / 2)
        rows = below
    return tuple(sorted(shares, key=lambda split: -shares[split])[:QUESTIONS])
