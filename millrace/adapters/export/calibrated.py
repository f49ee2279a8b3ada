"""How does a calibrated classifier become nodes of a graph?

In place of skl2onnx's own converter, which rounds to the nearest knot of an isotonic calibration (off by 0.14
on three classes) and takes probabilities of LightGBM for scores.
"""

from typing import Any

import numpy as np

from millrace.domain.answers import FloatArray


def convert_calibrated(scope: Any, operator: Any, container: Any) -> None:
    """Write `CalibratedClassifierCV`: the mean over its classifiers, each with its calibrators.

    Raises
    ------
    RuntimeError
        If the scores it calibrates, or its method, are none this knows of.
    """
    fitted, graph = operator.raw_operator, _Nodes(scope, container)
    shares = [_shares_of(one, operator, scope, container, graph) for one in fitted.calibrated_classifiers_]
    whole = shares[0] if len(shares) == 1 else graph.mean(shares)
    label, answer = (output.full_name for output in operator.outputs)
    graph.node("Identity", [whole], answer)
    place = graph.node("ArgMax", [whole], axis=1, keepdims=0)
    graph.node("Gather", [graph.whole_numbers(fitted.classes_), place], label, axis=0)


class _Nodes:
    """Nodes and constants of a graph, each with a name of its own."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container

    def node(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        from onnx.defs import get_schema

        name: str = output or self._scope.get_unique_variable_name(kind.lower())
        version = get_schema(kind, self._container.target_opset).since_version
        unique = self._scope.get_unique_operator_name(kind)
        self._container.add_node(kind, inputs, name, op_version=version, name=unique, **attributes)
        return name

    def numbers(self, values: Any) -> str:
        from onnx import TensorProto

        return self._constant(TensorProto.FLOAT, np.asarray(values, dtype=np.float32))

    def whole_numbers(self, values: Any) -> str:
        from onnx import TensorProto

        return self._constant(TensorProto.INT64, np.asarray(values).astype(np.int64))

    def mean(self, parts: list[str]) -> str:
        return self.node("Mean", parts)

    def _constant(self, kind: int, values: Any) -> str:
        name: str = self._scope.get_unique_variable_name("constant")
        self._container.add_initializer(name, kind, list(values.shape), values.ravel().tolist())
        return name


def _shares_of(one: Any, operator: Any, scope: Any, container: Any, graph: _Nodes) -> str:
    scores = _scores_of(one.estimator, operator, scope, container)
    if len(one.classes) == 2:  # noqa: PLR2004 - the one calibrator is of the positive class
        scores = graph.node("Gather", [scores, graph.whole_numbers([1])], axis=1)
    match one.method:
        case "sigmoid":
            shares = _by_sigmoid(one.calibrators, scores, graph)
        case "isotonic":
            shares = _by_knots(one.calibrators, scores, graph)
        case other:
            raise RuntimeError(f"calibration by {other} has no converter")
    if len(one.classes) == 2:  # noqa: PLR2004
        return graph.node("Concat", [graph.node("Sub", [graph.numbers([1.0]), shares]), shares], axis=1)
    return _summing_to_one(shares, len(one.classes), graph)


def _scores_of(estimator: Any, operator: Any, scope: Any, container: Any) -> str:
    """Ask for what was calibrated: the decision function, or the probabilities of what has none."""
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common.data_types import Int64TensorType

    if hasattr(estimator, "decision_function"):
        if not container.has_options(estimator, "raw_scores"):
            raise RuntimeError(f"the converter of {type(estimator).__name__} has no raw scores to calibrate")
        container.add_options(id(estimator), {"raw_scores": True})
        scope.add_options(id(estimator), {"raw_scores": True})
    inner = scope.declare_local_operator(sklearn_operator_name_map[type(estimator)], estimator)
    inner.inputs = operator.inputs
    inner.outputs.append(scope.declare_local_variable("uncalibrated_label", Int64TensorType()))
    scores = scope.declare_local_variable("uncalibrated", operator.inputs[0].type.__class__())
    inner.outputs.append(scores)
    name: str = scores.full_name
    return name


def _by_sigmoid(calibrators: Any, scores: str, graph: _Nodes) -> str:
    slopes, offsets = ([getattr(one, name) for one in calibrators] for name in ("a_", "b_"))
    scaled = graph.node("Mul", [scores, graph.numbers(slopes)])
    exponent = graph.node("Add", [scaled, graph.numbers(offsets)])
    return graph.node("Sigmoid", [graph.node("Neg", [exponent])])


def _by_knots(calibrators: Any, scores: str, graph: _Nodes) -> str:
    columns = []
    for at, one in enumerate(calibrators):
        column = graph.node("Gather", [scores, graph.whole_numbers([at])], axis=1)
        columns.append(_between_knots(column, one.X_thresholds_, one.y_thresholds_, graph))
    return columns[0] if len(columns) == 1 else graph.node("Concat", columns, axis=1)


def _between_knots(scores: str, xs: FloatArray, ys: FloatArray, graph: _Nodes) -> str:
    """Interpolate linearly; beyond the outermost knots stand their values."""
    from onnx import TensorProto

    narrow = xs.astype(np.float32).astype(np.float64)
    widths, rises = np.diff(narrow, append=narrow[-1]), np.diff(ys, append=ys[-1])
    # two knots may be one number in float32
    slopes = np.divide(rises, widths, out=np.zeros_like(rises), where=widths > 0.0)
    knots = graph.numbers(xs)
    clipped = graph.node("Clip", [scores, graph.numbers(xs[0]), graph.numbers(xs[-1])])
    passed = graph.node("Cast", [graph.node("GreaterOrEqual", [clipped, knots])], to=TensorProto.INT32)
    count = graph.node("ReduceSum", [passed, graph.whole_numbers([1])], keepdims=1)
    place = graph.node("Sub", [graph.node("Cast", [count], to=TensorProto.INT64), graph.whole_numbers([1])])
    beyond = graph.node("Sub", [clipped, graph.node("Gather", [knots, place], axis=0)])
    slope = graph.node("Gather", [graph.numbers(slopes), place], axis=0)
    start = graph.node("Gather", [graph.numbers(ys), place], axis=0)
    return graph.node("Add", [start, graph.node("Mul", [slope, beyond])])


def _summing_to_one(shares: str, classes: int, graph: _Nodes) -> str:
    total = graph.node("ReduceSum", [shares, graph.whole_numbers([1])], keepdims=1)
    nothing = graph.node("Equal", [total, graph.numbers([0.0])])
    return graph.node("Where", [nothing, graph.numbers([1.0 / classes]), graph.node("Div", [shares, total])])
