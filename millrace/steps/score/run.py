"""What happens when all rows of an input are answered?"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from millrace.adapters.score_folder import DIGEST_COLUMN, ScoreFolder
from millrace.adapters.scorer import Scorer
from millrace.domain.config import ModelConfig
from millrace.domain.facts import RowsScored
from millrace.domain.scored import ensure_free
from millrace.errors import MillraceError
from millrace.steps.actor import current_actor
from millrace.steps.progress import announce
from millrace.steps.score.answering import ChunkWork, answer_chunk
from millrace.steps.score.checking import check_rows
from millrace.steps.score.source import ScoreInput, ask_for_rows
from millrace.steps.score.version import find_version, open_version
from millrace.steps.stores import ledger, model_config

CHUNK_ROWS = 131_072
"""Rows of one finished piece: of two cores each has about 40 MB of 20 columns at once."""

SUFFIXES = (".parquet", ".csv")


class UnknownOutputError(MillraceError):
    """The output's name does not say how it is to be written, or names no place for it."""

    def __init__(self, output: Path, reason: str) -> None:
        self.output, self.reason = output, reason
        super().__init__(f"{output}: {reason}. Name an output that ends in {' or '.join(SUFFIXES)}")


class UnknownColumnError(MillraceError):
    """A column that is to be kept is not in the input."""

    def __init__(self, missing: tuple[str, ...], found: tuple[str, ...]) -> None:
        self.missing, self.found = missing, found
        super().__init__(
            f"the input has no column {', '.join(map(repr, missing))} to keep; it has {', '.join(found)}. "
            "Name columns of it by --keep"
        )


@dataclass(frozen=True)
class ScoreOrder:
    """What is to be scored. `source` is a file, or a query of the database at `sql_url`.

    `keep` are the columns of the input that the output has too: without any the model's key, or all.
    """

    model: str
    source: str
    output: Path
    version: str = ""
    sql_url: str = ""
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scored:
    """What was scored. `resumed` rows were answered by a run before, `anew` says why none of its were."""

    model: str
    digest: str
    source: str
    input: str
    output: str
    rows: int
    refused: int
    resumed: int
    anew: str | None


def score_rows(order: ScoreOrder, now: datetime) -> Scored:
    """Answer all rows of the source with one version, and write them in their order.

    A row that the schema does not allow has no answer and an error beside it. A run that died is taken up
    by the same order; the output appears when it is whole, with the same bytes.

    Raises
    ------
    OutputInUseError
        If another process is at the same output.
    """
    config = model_config(order.model)
    _ensure_writable(order.output)
    digest = find_version(order.model, order.version)
    folder = ScoreFolder(order.output.resolve())
    with folder.locked():
        source = _find_source(order, config, folder)
        scorer = open_version(digest)
        work = _plan(order, config, source, scorer, folder)
        manifest = {"input": source.digest, "model": digest, "keep": work.keep, "rows": CHUNK_ROWS}
        anew = folder.begin(manifest)
        counts = list(_answer_all(work, source, folder))
        source.ensure_unchanged()
        rows, refused, resumed = (sum(each) for each in zip(*counts, strict=True))
        announce("write the output")
        written = folder.finish(len(counts), digest, _about(order.model, digest, source, rows))
        fact = RowsScored(digest, source.name, source.digest, written, rows, refused)
        ledger().append(order.model, fact, now, current_actor())
        folder.publish()
    return Scored(
        order.model, digest, source.name, source.digest, written, rows, refused, resumed, anew
    )  # fmt: skip


def _ensure_writable(output: Path) -> None:
    if output.suffix.lower() not in SUFFIXES:
        raise UnknownOutputError(output, "not a kind of file that is written")
    if not output.parent.is_dir():
        raise UnknownOutputError(output, "its folder does not exist")


def _find_source(order: ScoreOrder, config: ModelConfig, folder: ScoreFolder) -> ScoreInput:
    if not order.sql_url:
        path = Path(order.source).resolve()
        if path == folder.output:
            raise UnknownOutputError(order.output, "this is the input too")
        return ScoreInput.of_file(path, path.name, config.data.format)
    path, _ = ask_for_rows(order.sql_url, order.source, folder.path)
    return ScoreInput.of_file(path, " ".join(order.source.split()), type(config.data.format)())


def _plan(
    order: ScoreOrder, config: ModelConfig, source: ScoreInput, scorer: Scorer, folder: ScoreFolder
) -> ChunkWork:
    types = {name: column.type for name, column in config.contract.columns.items()}
    first = next(source.chunks(CHUNK_ROWS, types))
    names = tuple(first.schema.names)
    keep = order.keep or config.data.key or names
    missing = tuple(name for name in keep if name not in names)
    if missing:
        raise UnknownColumnError(missing, names)
    check_rows(first.slice(0, 0), scorer.schema.inputs)
    ensure_free(keep, scorer.schema, (DIGEST_COLUMN,))
    return ChunkWork(scorer, keep, types, folder)


def _answer_all(work: ChunkWork, source: ScoreInput, folder: ScoreFolder) -> Iterator[tuple[int, int, int]]:
    """Answer each chunk that is not there yet, a few at once; yield its rows, the refused, the old ones."""
    threads, total, done = os.cpu_count() or 1, source.rows, 0
    running: deque[Future[tuple[int, int, int]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="score") as pool:
        try:
            for number, chunk in enumerate(source.chunks(CHUNK_ROWS, work.types)):
                running.append(pool.submit(answer_chunk, work, number, chunk))
                while len(running) > threads:
                    found = running.popleft().result()
                    done += found[0]
                    announce("score", done, total)
                    yield found
            while running:
                found = running.popleft().result()
                done += found[0]
                announce("score", done, total)
                yield found
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _about(model: str, digest: str, source: ScoreInput, rows: int) -> dict[str, str]:
    return {
        "millrace.model": model,
        "millrace.digest": digest,
        "millrace.input": source.digest,
        "millrace.rows": str(rows),
    }
