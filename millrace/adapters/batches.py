"""What did the file that arrived hold, when it was read once and in bounded memory?"""

import errno
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from millrace.errors import MillraceError, NoSpaceError

if TYPE_CHECKING:
    import pandas as pd

CHUNK_ROWS = 262_144
"""Half as many make the contract checks of 1,000,000 x 20 a quarter dearer; each is 42 MB of 20 numbers."""

_COPY_BYTES = 1 << 20
_CSV_BLOCK_BYTES = 8 << 20
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class StagedBatch:
    """A private copy of an arrived file, whose bytes nobody else can change any more."""

    path: Path
    digest: str
    name: str
    bytes: int


class BatchNotFoundError(MillraceError):
    """There is no file to ingest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path}: no such file; name a .parquet or .csv file")


class BatchStillGrowingError(MillraceError):
    """The file changed while it was read: its writer has not finished."""

    def __init__(self, path: Path, before: int, after: int) -> None:
        self.path, self.before, self.after = path, before, after
        super().__init__(
            f"{path}: changed while it was read, from {before:,} to {after:,} bytes. "
            "Ingest it again when its writer has finished; a file renamed into place is always whole"
        )


class UnreadableBatchError(MillraceError):
    """The bytes are no table."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path.name}: {reason}. A readable .parquet or UTF-8 .csv file is needed")


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes: the name of the batch it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stage_batch(path: Path, staging: Path) -> StagedBatch:
    """Copy `path` under a private name and hash it in the same pass."""
    if not path.is_file():
        raise BatchNotFoundError(path)
    staging.mkdir(parents=True, exist_ok=True)
    descriptor, copy_name = tempfile.mkstemp(prefix="batch-", suffix=path.suffix.lower(), dir=staging)
    copy = Path(copy_name)
    try:
        with path.open("rb") as source, os.fdopen(descriptor, "wb") as target:
            digest, size = _copy_and_hash(path, source, target)
    except BaseException as error:
        copy.unlink()
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            raise NoSpaceError(str(staging), path.stat().st_size) from error
        raise
    return StagedBatch(copy, digest, path.name, size)


def _copy_and_hash(path: Path, source: IO[bytes], target: IO[bytes]) -> tuple[str, int]:
    before = os.fstat(source.fileno())
    hashed, copied = hashlib.sha256(), 0
    # Never past the size seen first: a file that grows for ever must not be followed for ever.
    while piece := source.read(min(_COPY_BYTES, before.st_size - copied)):
        hashed.update(piece)
        target.write(piece)
        copied += len(piece)
    after = os.fstat(source.fileno())
    if (after.st_size, after.st_mtime_ns, copied) != (before.st_size, before.st_mtime_ns, before.st_size):
        raise BatchStillGrowingError(path, before.st_size, after.st_size)
    return hashed.hexdigest(), copied


def read_batch(path: Path, chunk_rows: int = CHUNK_ROWS) -> Iterator["pd.DataFrame"]:
    """Yield the rows of a file in chunks, in its order; a file without rows yields one empty chunk.

    Parquet values keep their types; those of a CSV file are all text, empty ones null.
    """
    import pyarrow as pa

    if path.stat().st_size == 0:
        raise UnreadableBatchError(path, "it holds 0 bytes")
    match path.suffix.lower():
        case ".parquet":
            chunks = _read_parquet(path, chunk_rows)
        case ".csv":
            chunks = _read_csv(path, chunk_rows)
        case suffix:
            raise UnreadableBatchError(path, f"{suffix or 'no suffix'} is not a kind of file that is read")
    try:
        yield from chunks
    except (pa.ArrowException, OSError) as error:
        raise UnreadableBatchError(path, _reason(path, error)) from error


def _read_parquet(path: Path, chunk_rows: int) -> Iterator["pd.DataFrame"]:
    import pyarrow.parquet as pq

    # pre_buffer took 1.6 GB for one pass over a file of 1.4 GB, without it 0.3 GB.
    with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
        _refuse_repeated_columns(path, file.schema_arrow.names)
        if file.metadata.num_rows == 0:
            yield file.schema_arrow.empty_table().to_pandas(ignore_metadata=True)
        for batch in file.iter_batches(batch_size=chunk_rows):
            yield batch.to_pandas(ignore_metadata=True)


def _read_csv(path: Path, chunk_rows: int) -> Iterator["pd.DataFrame"]:
    import pyarrow as pa
    from pyarrow import csv

    read = csv.ReadOptions(block_size=_CSV_BLOCK_BYTES)
    parse = csv.ParseOptions(newlines_in_values=True)
    with csv.open_csv(path, read_options=read, parse_options=parse) as probe:
        schema = pa.schema([(name, pa.string()) for name in probe.schema.names])
    _refuse_repeated_columns(path, schema.names)
    convert = csv.ConvertOptions(column_types=schema, null_values=[""], strings_can_be_null=True)
    with csv.open_csv(path, read_options=read, parse_options=parse, convert_options=convert) as reader:
        rows = 0
        for batch in reader:
            rows += batch.num_rows
            for start in range(0, batch.num_rows, chunk_rows):
                yield batch.slice(start, chunk_rows).to_pandas()
    if rows == 0:
        yield schema.empty_table().to_pandas()


def _refuse_repeated_columns(path: Path, names: list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise UnreadableBatchError(path, f"these columns stand in it more than once: {', '.join(repeated)}")


def _reason(path: Path, error: Exception) -> str:
    offset = _first_byte_outside_utf8(path) if path.suffix.lower() == ".csv" else None
    if offset is not None:
        return f"it is not UTF-8 at byte {offset}"
    return str(error).strip().rstrip(".").replace("\n", " ")


def _first_byte_outside_utf8(path: Path) -> int | None:
    position, kept = 0, b""
    with path.open("rb") as file:
        while piece := file.read(_COPY_BYTES):
            text = kept + piece
            try:
                text.decode()
                kept = b""
            except UnicodeDecodeError as error:
                # A character cut by the end of a piece is completed by the next one.
                if error.reason != "unexpected end of data":
                    return position + error.start
                kept = text[error.start :]
            position += len(text) - len(kept)
    return position if kept else None
