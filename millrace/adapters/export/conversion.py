"""How does a fitted pipeline become an ONNX graph, the same bytes every time?"""

import copy
from collections.abc import Iterator
from typing import Any

from millrace.adapters.export.converters import prepare_for
from millrace.domain.bundle import Schema
from millrace.domain.kinds import Task
from millrace.domain.words import WORD
from millrace.errors import MillraceError

CONVERSION_REFUSALS = (RuntimeError, LookupError, ValueError, TypeError, AttributeError, AssertionError)
"""What skl2onnx raises for a pipeline it cannot convert; it has no error class of its own for all of it."""

LONGEST_REASON = 300
"""Some reasons list every operator there is."""


class UnconvertibleError(MillraceError):
    """skl2onnx cannot convert this pipeline."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the pipeline does not convert to ONNX: {reason}")


def export_onnx(pipeline: Any, schema: Schema) -> bytes:
    """Convert to a graph whose bytes depend on the pipeline alone.

    Raises
    ------
    UnconvertibleError
        If skl2onnx has no way to.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    _check_calibrated(pipeline)
    opsets = prepare_for(pipeline)
    inputs = [
        (column.name, (StringTensorType if column.is_text else FloatTensorType)([None, 1]))
        for column in schema.inputs
    ]
    ready = _with_told_words(pipeline)
    try:
        graph = convert_sklearn(
            ready,
            name="millrace",
            initial_types=inputs,
            options=_options(ready, schema),
            target_opset=opsets,
        )
    except CONVERSION_REFUSALS as error:
        raise UnconvertibleError(_explain(pipeline, error)) from error
    return _stable_bytes(graph)


def _check_calibrated(pipeline: Any) -> None:
    """Refuse a calibration around a Pipeline, whose graph would answer wrongly without an error."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.pipeline import Pipeline

    for name, step in {"": pipeline, **pipeline.get_params(deep=True)}.items():
        if isinstance(step, CalibratedClassifierCV) and isinstance(step.estimator, Pipeline):
            where = (
                f"step {name.replace('__', ' > ')} (CalibratedClassifierCV)" if name else type(step).__name__
            )
            raise UnconvertibleError(
                f"{where} is around a Pipeline; put it around the last step alone, or in place of it set "
                "training.calibration, which calibrates the whole pipeline"
            )


def _explain(pipeline: Any, error: Exception) -> str:
    """Name the step that the refusal is about, where it tells of its class."""
    # the first sentence tells why, those after it whom to ask
    told = " ".join(f"{type(error).__name__}: {error}".split()).partition(". ")[0].rstrip(".")
    named = {
        type(step).__name__: name
        for name, step in pipeline.get_params(deep=True).items()
        if hasattr(step, "get_params") and type(step).__name__ in told
    }
    at = [f"step {name.replace('__', ' > ')} ({kind})" for kind, name in named.items() if kind != "Pipeline"]
    return ": ".join([*at[-1:], told[:LONGEST_REASON]])


def _options(pipeline: Any, schema: Schema) -> dict[int, dict[str, object]]:
    options: dict[int, dict[str, object]] = {
        id(one): {"tokenexp": one.token_pattern, "locale": "C"} for one in _vectorizers(pipeline)
    }
    if schema.task is not Task.REGRESSION:
        options[id(pipeline)] = options[id(_last(pipeline))] = {"zipmap": False}
    return options


def _last(pipeline: Any) -> Any:
    from sklearn.pipeline import Pipeline

    return pipeline.steps[-1][1] if isinstance(pipeline, Pipeline) else pipeline


def _with_told_words(pipeline: Any) -> Any:
    """Say of each pair of words which they are, where a space parts them; skl2onnx would have to guess."""
    if not any(_vectorizers(pipeline)):
        return pipeline
    told = copy.deepcopy(pipeline)
    for one in _vectorizers(told):
        one.vocabulary_ = {tuple(words.split(" ")): at for words, at in one.vocabulary_.items()}
        lengths = {len(words) for words in one.vocabulary_}
        # onnxruntime opens no graph that is told of pairs and has none
        one.ngram_range = (min(lengths), max(lengths))
    return told


def _vectorizers(pipeline: Any) -> Iterator[Any]:
    """Yield the fitted vectorizers of single words that only a space parts."""
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import Pipeline

    match pipeline:
        case Pipeline():
            inner = [step for _, step in pipeline.steps]
        case ColumnTransformer():
            inner = [step for _, step, _ in getattr(pipeline, "transformers_", ())]
        case CountVectorizer() if pipeline.token_pattern == WORD and hasattr(pipeline, "vocabulary_"):
            yield pipeline
            return
        case _:
            return
    for step in inner:
        yield from _vectorizers(step)


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
