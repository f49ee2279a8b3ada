"""How does a fitted pipeline become the scorer of a bundle?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.domain.answers import FloatArray, answers_of, measure_agreement
from millrace.domain.bundle import Engine, Examples, InputColumn, Schema
from millrace.domain.config import GateSection
from millrace.domain.facts import Agreement
from millrace.domain.features import Columns, feature_frame
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.trusted import TRUSTED_TYPES
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import pandas as pd

EXAMPLE_ROWS = 20

OpenScorer = Callable[[Engine, bytes, Schema], Callable[[Columns], FloatArray]]

CONVERSION_REFUSALS = (RuntimeError, LookupError, ValueError, TypeError, AttributeError, AssertionError)
"""What skl2onnx raises for a pipeline it cannot convert; it has no error class of its own for all of it."""


class UntrustedTypeError(MillraceError):
    """A pipeline holds types a bundle may not carry, so it could never be opened again."""

    def __init__(self, types: tuple[str, ...]) -> None:
        self.types = types
        super().__init__(
            f"the pipeline holds {', '.join(types)}; a bundle carries only what converts to ONNX or "
            "stands in millrace/domain/trusted.py. Build it from scikit-learn's own estimators in pipeline.py"
        )


class UnconvertibleError(MillraceError):
    """skl2onnx cannot convert this pipeline."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the pipeline does not convert to ONNX: {reason}. Export it with skops, as export_scorer does"
        )


@dataclass(frozen=True)
class ExportedScorer:
    """What goes into the bundle, how far it is from the pipeline, and why it is not ONNX if it is not."""

    engine: Engine
    content: bytes
    agreement: Agreement
    reason: str | None = None

    @property
    def file_name(self) -> str:
        return self.engine.file_name


def export_scorer(
    pipeline: Any, schema: Schema, gate: GateSection, rows: "pd.DataFrame", open_scorer: OpenScorer
) -> ExportedScorer:
    """Export to ONNX, or to skops where conversion fails or answers otherwise than the pipeline.

    `rows` are raw rows to compare on, all golden ones say; `open_scorer` is the one that serves.
    """
    answers = answers_of(pipeline, feature_frame(rows, schema.inputs), schema.task)

    def exported(engine: Engine, content: bytes, reason: str | None) -> ExportedScorer:
        served = open_scorer(engine, content, schema)(rows)
        return ExportedScorer(
            engine, content, measure_agreement(answers, served, gate.agreement_tolerance), reason
        )

    try:
        by_graph = exported(Engine.ONNX, export_onnx(pipeline, schema), None)
    except MillraceError as error:
        reason = str(error)
    else:
        if _agrees(by_graph.agreement, gate):
            return by_graph
        reason = _disagreement(by_graph.agreement, gate)
    return exported(Engine.SKLEARN, export_skops(pipeline), reason)


def export_onnx(pipeline: Any, schema: Schema) -> bytes:
    """Convert to a graph whose bytes depend on the pipeline alone.

    Raises
    ------
    UnconvertibleError
        If skl2onnx has no way to.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    inputs = [
        (column.name, (StringTensorType if column.categorical else FloatTensorType)([None, 1]))
        for column in schema.inputs
    ]
    options = None if schema.task is Task.REGRESSION else {"zipmap": False}
    try:
        graph = convert_sklearn(pipeline, name="millrace", initial_types=inputs, options=options)
    except CONVERSION_REFUSALS as error:
        raise UnconvertibleError(f"{type(error).__name__}: {error}") from error
    return _stable_bytes(graph)


def export_skops(pipeline: Any) -> bytes:
    """Write with skops, if everything in it may be opened again.

    Raises
    ------
    UntrustedTypeError
        If it holds a type that is not in our allow-list.
    """
    import skops.io

    content: bytes = skops.io.dumps(pipeline)
    if foreign := set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES):
        raise UntrustedTypeError(tuple(sorted(foreign)))
    return content


def make_examples(
    rows: "pd.DataFrame", schema: Schema, answering: Callable[[Columns], FloatArray]
) -> Examples:
    """Choose evenly spaced rows whose answers are finite, with the scorer's answers."""
    positions = np.unique(np.linspace(0, max(len(rows) - 1, 0), EXAMPLE_ROWS).astype(np.intp))
    chosen = rows.iloc[positions[: len(rows)]]
    columns = {column.name: _plain_values(chosen[column.name], column) for column in schema.inputs}
    answers = answering(columns)
    finite = np.isfinite(answers) if answers.ndim == 1 else np.isfinite(answers).all(axis=1)
    return Examples(
        rows=tuple({name: values[i] for name, values in columns.items()} for i in np.flatnonzero(finite)),
        answers=tuple(
            tuple(answer) if isinstance(answer, list) else answer for answer in answers[finite].tolist()
        ),
    )


def _agrees(agreement: Agreement, gate: GateSection) -> bool:
    return agreement.disagreeing_rows <= gate.max_disagreeing_share * agreement.rows


def _disagreement(agreement: Agreement, gate: GateSection) -> str:
    return (
        f"ONNX differs from the pipeline by more than {gate.agreement_tolerance:g} on "
        f"{agreement.disagreeing_rows} of {agreement.rows} rows, allowed is a share of "
        f"{gate.max_disagreeing_share:g}; largest difference {agreement.largest_difference:.3g}"
    )


def _stable_bytes(graph: Any) -> bytes:
    """Fix what skl2onnx leaves to chance: it writes `opset_import` in the order of a set."""
    opsets = sorted(graph.opset_import, key=lambda opset: str(opset.domain))
    ordered = [(opset.domain, opset.version) for opset in opsets]
    del graph.opset_import[:]
    for domain, version in ordered:
        graph.opset_import.add(domain=domain, version=version)
    graph.producer_name, graph.producer_version, graph.doc_string = "millrace", "", ""
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _plain_values(column: Any, wanted: InputColumn) -> list[object]:
    plain_types: dict[ColumnType, Callable[[Any], object]] = {
        ColumnType.FLOAT: float,
        ColumnType.INT: int,
        ColumnType.BOOL: bool,
    }
    plain = plain_types.get(wanted.type, str)
    values = column.to_numpy(dtype=object, na_value=None)
    return [None if value is None or not np.isfinite(_number(value)) else plain(value) for value in values]


def _number(value: object) -> float:
    return 0.0 if isinstance(value, str) else float(value)  # type: ignore[arg-type]
