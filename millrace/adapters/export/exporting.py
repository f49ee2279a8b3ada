"""Is it a graph that answers, or the pipeline itself, and do both answer alike?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from millrace.adapters.export.conversion import export_onnx
from millrace.domain.answers import FloatArray, answers_of, measure_agreement
from millrace.domain.bundle import Engine, Schema
from millrace.domain.config import GateSection
from millrace.domain.facts import Agreement
from millrace.domain.features import Columns, feature_frame
from millrace.domain.trusted import TRUSTED_TYPES, UNCHECKED_TREE
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import pandas as pd

OpenScorer = Callable[[Engine, bytes, Schema], Callable[[Columns], FloatArray]]


class UntrustedTypeError(MillraceError):
    """A pipeline holds types a bundle may not carry, so it could never be opened again."""

    def __init__(self, types: tuple[str, ...], before: str = "") -> None:
        self.types = types
        super().__init__(
            f"{before}the pipeline holds {', '.join(types)}; a bundle carries only what converts to ONNX or "
            f"stands in millrace/domain/trusted.py. {_way_out(types)}"
        )


class UnservablePipelineError(UntrustedTypeError):
    """A pipeline can be served neither as a graph nor by the fallback."""

    def __init__(self, types: tuple[str, ...], reason: str) -> None:
        self.reason = reason
        super().__init__(types, f"not as a graph: {reason}. And not by skops either: ")


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

    Raises
    ------
    UnservablePipelineError
        If neither is possible.
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
    try:
        content = export_skops(pipeline)
    except UntrustedTypeError as error:
        raise UnservablePipelineError(error.types, reason) from error
    return exported(Engine.SKLEARN, content, reason)


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


def _way_out(types: tuple[str, ...]) -> str:
    if UNCHECKED_TREE in types:
        return (
            "Decision trees, random forests and GradientBoosting are served as graphs only, as nothing "
            "checks their nodes: change the step that does not convert, or take HistGradientBoosting"
        )
    return "Build it from scikit-learn's own estimators in pipeline.py"


def _agrees(agreement: Agreement, gate: GateSection) -> bool:
    return agreement.disagreeing_rows <= gate.max_disagreeing_share * agreement.rows


def _disagreement(agreement: Agreement, gate: GateSection) -> str:
    return (
        f"ONNX differs from the pipeline by more than {gate.agreement_tolerance:g} on "
        f"{agreement.disagreeing_rows} of {agreement.rows} rows, allowed is a share of "
        f"{gate.max_disagreeing_share:g}; largest difference {agreement.largest_difference:.3g}"
    )
