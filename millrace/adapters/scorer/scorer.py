"""How is a bundle opened, and proven before it may answer?"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from millrace.adapters.scorer.graph import open_graph
from millrace.domain.answers import FloatArray, answers_of
from millrace.domain.bundle import (
    EXAMPLES_FILE,
    SCHEMA_FILE,
    CorruptBundleError,
    Engine,
    Examples,
    Manifest,
    Schema,
    check_files,
    parse_file,
)
from millrace.domain.features import Columns, feature_columns, feature_frame
from millrace.domain.kinds import Task
from millrace.domain.trusted import TRUSTED_TYPES
from millrace.errors import MillraceError

CHUNK_ROWS = 65_536
"""Rows that are in a graph at once: memory stays bounded however long the frame."""
CHUNK_TEXTS = 512
"""The same of texts, each of which a graph cuts into as many words as the longest has: 160 MB at worst."""

PROOF_TOLERANCE = 1e-5
"""Relative to 1 or the answer, whichever is larger: float32 may round otherwise on another CPU."""

Answering = Callable[[Columns], FloatArray]


class UntrustedScorerError(MillraceError):
    """A skops scorer holds types that are not in Millrace's own allow-list."""

    def __init__(self, types: tuple[str, ...]) -> None:
        self.types = types
        super().__init__(
            f"{Engine.SKLEARN.file_name} holds {', '.join(types)}, which Millrace does not trust. "
            "It was not opened. Allowed types stand in millrace/domain/trusted.py"
        )


class UnprovenBundleError(MillraceError):
    """The scorer does not give the answers it gave when it was exported."""

    def __init__(self, digest: str, row: int | None, found: object, needed: object) -> None:
        self.digest, self.row, self.found, self.needed = digest, row, found, needed
        where = "its examples" if row is None else f"example {row}"
        super().__init__(
            f"bundle {digest[:12]} on {where}: found {found}, needed {needed}. It may not serve; "
            "`millrace doctor` says which packages differ from those it was exported with"
        )


@dataclass(frozen=True)
class Scorer:
    """An opened bundle, ready to answer."""

    manifest: Manifest
    schema: Schema
    examples: Examples
    answering: Answering

    @property
    def digest(self) -> str:
        return self.manifest.digest

    def answer(self, columns: Columns) -> FloatArray:
        """Answer raw rows: shape (n_rows,), or (n_rows, n_classes) for a multiclass model."""
        return self.answering(columns)


def load_scorer(bundle_dir: Path) -> Scorer:
    """Open the bundle in `bundle_dir` from the very bytes its manifest was just checked against."""
    if not bundle_dir.is_dir():
        raise CorruptBundleError(str(bundle_dir), "no such folder", "a bundle")
    # a folder counts as an empty file that no manifest names: it is refused like one
    files = {path.name: path.read_bytes() if path.is_file() else b"" for path in bundle_dir.iterdir()}
    manifest = check_files(files)
    schema = parse_file(files[SCHEMA_FILE], Schema, SCHEMA_FILE)
    examples = parse_file(files[EXAMPLES_FILE], Examples, EXAMPLES_FILE)
    content = files[manifest.engine.file_name]
    return Scorer(manifest, schema, examples, open_scorer(manifest.engine, content, schema))


def open_scorer(engine: Engine, content: bytes, schema: Schema) -> Answering:
    """Open a scorer from its bytes alone, as export does before there is a bundle."""
    match engine:
        case Engine.ONNX:
            answer_chunk = open_graph(content, schema).answer
        case Engine.SKLEARN:
            answer_chunk = functools.partial(_answer_by_pipeline, _open_pipeline(content), schema)
    size = CHUNK_TEXTS if any(column.text for column in schema.inputs) else CHUNK_ROWS
    return functools.partial(_answer_in_chunks, answer_chunk, schema, size)


def prove(scorer: Scorer, examples: Examples) -> None:
    """Refuse a scorer that answers its own examples otherwise than when it was exported.

    Raises
    ------
    UnprovenBundleError
        At the first example whose answer differs, or when there is none: no proof is no pass.
    """
    if not examples.rows or len(examples.rows) != len(examples.answers):
        counts = f"{len(examples.rows)} rows and {len(examples.answers)} answers"
        raise UnprovenBundleError(scorer.digest, None, counts, "as many answers as rows, one at least")
    columns = {column.name: [row[column.name] for row in examples.rows] for column in scorer.schema.inputs}
    needed = np.asarray(examples.answers, dtype=np.float64)
    found = scorer.answer(columns)
    if found.shape != needed.shape:
        raise UnprovenBundleError(scorer.digest, None, found.shape, needed.shape)
    close = np.isclose(found, needed, rtol=PROOF_TOLERANCE, atol=PROOF_TOLERANCE)
    for row in np.flatnonzero(~close.reshape(len(needed), -1).all(axis=1)):
        raise UnprovenBundleError(scorer.digest, int(row), found[row], needed[row])


def _answer_in_chunks(answer_chunk: Answering, schema: Schema, size: int, columns: Columns) -> FloatArray:
    first = schema.inputs[0].name
    rows = len(columns[first]) if first in columns else 0
    if 0 < rows <= size:
        return answer_chunk(columns)
    feature_columns(_slice(columns, schema, 0, 0), schema.inputs)
    chunks = [answer_chunk(_slice(columns, schema, start, start + size)) for start in range(0, rows, size)]
    if not chunks:
        return np.empty((0, len(schema.classes)) if schema.task is Task.MULTICLASS else 0)
    return np.concatenate(chunks)


def _slice(columns: Columns, schema: Schema, start: int, stop: int) -> dict[str, Any]:
    wanted = [column.name for column in schema.inputs if column.name in columns]
    return {name: getattr(columns[name], "iloc", columns[name])[start:stop] for name in wanted}


def _open_pipeline(content: bytes) -> Any:
    import skops.io

    if foreign := set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES):
        raise UntrustedScorerError(tuple(sorted(foreign)))
    return skops.io.loads(content, trusted=list(TRUSTED_TYPES))


def _answer_by_pipeline(pipeline: Any, schema: Schema, columns: Columns) -> FloatArray:
    return answers_of(pipeline, feature_frame(columns, schema.inputs), schema.task)
