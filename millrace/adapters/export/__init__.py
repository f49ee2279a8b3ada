"""How does a fitted pipeline become the scorer of a bundle?"""

from millrace.adapters.export.conversion import UnconvertibleError, export_onnx
from millrace.adapters.export.examples import EXAMPLE_ROWS, make_examples
from millrace.adapters.export.exporting import (
    ExportedScorer,
    OpenScorer,
    UnservablePipelineError,
    UntrustedTypeError,
    export_scorer,
    export_skops,
)

__all__ = [
    "EXAMPLE_ROWS",
    "ExportedScorer",
    "OpenScorer",
    "UnconvertibleError",
    "UnservablePipelineError",
    "UntrustedTypeError",
    "export_onnx",
    "export_scorer",
    "export_skops",
    "make_examples",
]
