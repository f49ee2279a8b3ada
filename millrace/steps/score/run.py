"""What happens when all rows of an input are answered?"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.bundle import digest_of_files
from millrace.adapters.score_folder import DIGEST_COLUMN, ScoreFolder
from millrace.adapters.scorer import Scorer
from millrace.domain.config import FormatSection, ModelConfig
from millrace.domain.facts import RowsScored
from millrace.domain.scored import ensure_free
from millrace.errors import UnavailableError
from millrace.settings import PROJECT_ROOT
from millrace.steps.actor import current_actor
from millrace.steps.progress import announce
from millrace.steps.score.answering import ChunkWork, answer_chunk
from millrace.steps.score.checking import check_rows
from millrace.steps.score.columns import shared_schema
from millrace.steps.score.output import ensure_kept, ensure_place
from millrace.steps.score.source import ScoreInput, ask_for_rows, forget_rows
from millrace.steps.score.version import find_version, open_version
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS = 262_144
"""Rows of one finished piece: of two cores each has about 80 MB of 20 columns at once."""

CHUNK_TEXTS = 8_192
"""The same of rows with texts, of which each may have 20,000 characters."""

_CODE = ("millrace", "requirements.lock")
"""What reads and answers."""


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
    """What was scored. `resumed` rows were answered by a run before, `anew` says why none of its were.

    `asked` says when the database gave the rows, where a run before had asked for them.
    """

    model: str
    digest: str
    source: str
    input: str
    output: str
    rows: int
    refused: int
    resumed: int
    anew: str | None
    asked: str | None = None


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
    ensure_place(order.output, None if order.sql_url else Path(order.source))
    digest = find_version(order.model, order.version)
    folder = ScoreFolder(order.output.resolve())
    with folder.locked(), _asked_again_if_refused(folder):
        source, work, anew = _begin(order, config, open_version(digest), folder, now)
        counts = _write_answers(work, source, folder, _about(order.model, digest, source))
        source.ensure_unchanged()
        rows, refused, resumed = (sum(each) for each in zip(*counts, strict=True))
        written = folder.seal()
        _record(
            order.model, RowsScored(digest, source.name, source.digest, written, rows, refused), folder, now
        )
        folder.publish()
    asked = source.asked.isoformat() if source.asked else None
    return Scored(
        order.model, digest, source.name, source.digest, written, rows, refused, resumed, anew, asked
    )


@contextmanager
def _asked_again_if_refused(folder: ScoreFolder) -> Iterator[None]:
    """Keep a query's rows for the run that goes on only if this one was stopped, or time may cure it."""
    try:
        yield
    except (UnavailableError, OSError):
        raise
    except Exception:
        forget_rows(folder)
        raise


def _begin(
    order: ScoreOrder, config: ModelConfig, scorer: Scorer, folder: ScoreFolder, now: datetime
) -> tuple[ScoreInput, ChunkWork, str | None]:
    """Find what is to be done, and say why nothing of a run before is taken up, where there is something."""
    source = _find_source(order, config, folder, now)
    work = _plan(order, config, source, scorer, folder)
    anew = folder.begin(_manifest(config, source, work))
    if anew is not None and source.asked is not None:
        # no chunk is left of the rows that were asked for then: now they are no better than new ones
        source, work, _ = _begin(order, config, scorer, folder, now)
    return source, work, anew


def _manifest(config: ModelConfig, source: ScoreInput, work: ChunkWork) -> dict[str, object]:
    """Name all that the chunks depend on, in the words that a person is told when it differs."""
    used = {*work.keep, *(column.name for column in work.scorer.schema.inputs)}
    return {
        "input": source.digest,
        "model": work.scorer.digest,
        "keep": work.keep,
        "rows": work.rows,
        "format": config.data.format.model_dump(mode="json"),
        "contract": {name: str(work.types[name]) for name in sorted(used & work.types.keys())},
        "code": [digest_of_files(PROJECT_ROOT / part) for part in _CODE],
    }


def _record(model: str, fact: RowsScored, folder: ScoreFolder, now: datetime) -> None:
    """Append the fact, unless a run did that died before the output had its name."""
    head = ledger().head()
    after = folder.recorded_after(head.seq if head else 0)
    if all(entry.fact != fact for entry in ledger().entries(model, (RowsScored,), after)):
        ledger().append(model, fact, now, current_actor())


def _find_source(order: ScoreOrder, config: ModelConfig, folder: ScoreFolder, now: datetime) -> ScoreInput:
    if not order.sql_url:
        path = Path(order.source).resolve()
        return ScoreInput.of_file(path, path.name, config.data.format)
    path, asked = ask_for_rows(order.sql_url, order.source, folder, now)
    return ScoreInput.of_file(path, " ".join(order.source.split()), FormatSection(), asked)


def _plan(
    order: ScoreOrder, config: ModelConfig, source: ScoreInput, scorer: Scorer, folder: ScoreFolder
) -> ChunkWork:
    types = config.contract.types
    has_texts = any(column.text for column in scorer.schema.inputs)
    rows = min(CHUNK_ROWS, CHUNK_TEXTS) if has_texts else CHUNK_ROWS
    first = next(source.chunks(rows, types))
    names = tuple(first.schema.names)
    keep = order.keep or config.data.key or names
    ensure_kept(order.output, first.schema, keep)
    check_rows(first.slice(0, 0), scorer.schema.inputs)
    ensure_free(keep, scorer.schema, (DIGEST_COLUMN,))
    return ChunkWork(scorer, keep, types, folder, rows)


def _write_answers(
    work: ChunkWork, source: ScoreInput, folder: ScoreFolder, about: dict[str, str]
) -> list[tuple[int, int, int]]:
    """Answer all chunks and write them, each as soon as its types are known. Counts: see `answer_chunk`."""
    counts: list[tuple[int, int, int]] = []

    def answered() -> Iterator["pa.Table"]:
        for number, found in enumerate(_answer_all(work, source)):
            counts.append(found)
            yield folder.chunk(number)

    folder.write(answered() if source.is_uniform else _alike(list(answered())), work.scorer.digest, about)
    return counts


def _alike(tables: "list[pa.Table]") -> "Iterator[pa.Table]":
    """Yield the tables with the types that all of them have room in."""
    schema = shared_schema(tables)
    return (table.cast(schema) for table in tables)


def _answer_all(work: ChunkWork, source: ScoreInput) -> Iterator[tuple[int, int, int]]:
    """Answer each chunk that is not there yet, a few at once; yield its rows, the refused, the old ones."""
    threads, total, done = os.cpu_count() or 1, source.rows, 0
    running: deque[Future[tuple[int, int, int]]] = deque()

    def begun() -> Iterator[Future[tuple[int, int, int]]]:
        """Yield each chunk in order, no sooner than the next ones have begun."""
        for number, chunk in enumerate(source.chunks(work.rows, work.types)):
            source.ensure_unchanged()  # what is kept of it is taken up for the input that was hashed
            running.append(pool.submit(answer_chunk, work, number, chunk))
            if len(running) > threads:
                yield running.popleft()
        yield from running

    with ThreadPoolExecutor(threads, thread_name_prefix="score") as pool:
        try:
            for future in begun():
                found = future.result()
                done += found[0]
                announce("score", done, total)
                yield found
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _about(model: str, digest: str, source: ScoreInput) -> dict[str, str]:
    return {"millrace.model": model, "millrace.digest": digest, "millrace.input": source.digest}
