"""What is kept of a scoring that is not finished, so that the same command goes on where it stopped?"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millrace.durable import replace_file, sync
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import pyarrow as pa

DIGEST_COLUMN = "model_digest"

_MANIFEST = "manifest.json"
_LOCK = "lock"
_RECORDING = "recorded-after"


class OutputInUseError(MillraceError):
    """Another process is writing the same output now."""

    def __init__(self, output: Path) -> None:
        self.output = output
        super().__init__(
            f"{output}: another `millrace score` is writing it. Wait for that one, or name another output"
        )


class ScoreFolder:
    """A hidden folder beside the output: finished chunks, and of what they are chunks."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.path = output.with_name(f".{output.name}.scoring")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process out of it until the block ends, or this process does.

        Raises
        ------
        OutputInUseError
            If another one is in it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT)
        try:
            self._lock(descriptor)
            try:
                yield
            finally:
                self._remove_if_unfinished()
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputInUseError(self.output) from error
        if not self._is_lock(descriptor):
            raise OutputInUseError(self.output)

    def _remove_if_unfinished(self) -> None:
        if self.path.is_dir() and not self.has_chunks:
            shutil.rmtree(self.path)

    @property
    def has_chunks(self) -> bool:
        """Whether a chunk was finished, of whatever work."""
        return any(self.path.glob("*.arrow"))

    def forget_chunks(self) -> None:
        """Remove the finished chunks; `begin` still knows of what they were."""
        for chunk in self.path.glob("*.arrow"):
            chunk.unlink()

    def begin(self, manifest: Mapping[str, object]) -> str | None:
        """Keep the finished chunks if they are of this very work, else remove them.

        Returns what they were of instead, in the words of the first thing that differs; None otherwise.
        """
        before, wanted = self._read_manifest(), json.loads(json.dumps(manifest))
        if before == wanted:
            return None
        self.forget_chunks()
        replace_file(self.path / _MANIFEST, json.dumps(wanted, indent=1).encode())
        return next((name for name in wanted if before.get(name) != wanted[name]), None) if before else None

    def find_chunk(self, number: int) -> "pa.Table | None":
        """Return a finished chunk, mapped and not read; None where it is to be done."""
        import pyarrow as pa

        try:
            with pa.memory_map(str(self._chunk(number))) as file:
                return pa.ipc.open_file(file).read_all()
        except (FileNotFoundError, pa.ArrowInvalid, OSError):
            return None

    def keep_chunk(self, number: int, table: "pa.Table") -> None:
        """Put a chunk beside the others, whole or not at all."""
        import pyarrow as pa

        draft = self._chunk(number).with_suffix(".draft")
        with pa.OSFile(str(draft), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        draft.replace(self._chunk(number))

    def chunk(self, number: int) -> "pa.Table":
        """Return a chunk that must be there."""
        table = self.find_chunk(number)
        if table is None:
            raise FileNotFoundError(self._chunk(number))
        return table

    def write(self, tables: "Iterator[pa.Table]", digest: str, about: Mapping[str, str]) -> None:
        """Write the output out of tables of the same columns, in their order, as they come."""
        write = _write_csv if self.output.suffix.lower() == ".csv" else _write_parquet
        write(self._draft, tables, digest, about)

    def seal(self) -> str:
        """Bring the output to the disk; return the SHA-256 of its bytes. `publish` names it."""
        sync(self._draft)
        with self._draft.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def recorded_after(self, head: int) -> int:
        """Note the ledger's `head` before the output is recorded; return what was noted the first time."""
        path = self.path / _RECORDING
        if not path.is_file():
            replace_file(path, str(head).encode())
        return int(path.read_text())

    def publish(self) -> None:
        """Give the output its name, which replaces a file of that name, and remove everything else."""
        self._draft.replace(self.output)
        sync(self.output.parent)
        shutil.rmtree(self.path)

    @property
    def _draft(self) -> Path:
        return self.path / f"output{self.output.suffix}"

    def _chunk(self, number: int) -> Path:
        return self.path / f"{number:08}.arrow"

    def _read_manifest(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.path / _MANIFEST).read_bytes()))
        except (FileNotFoundError, ValueError):
            return {}

    def _is_lock(self, descriptor: int) -> bool:
        """Whether the file that was locked still has its name: the one before may have just finished."""
        try:
            return os.stat(self.path / _LOCK).st_ino == os.fstat(descriptor).st_ino
        except FileNotFoundError:
            return False


def find_unwritable(output: Path, schema: "pa.Schema") -> str | None:
    """Name the first column whose type the kind of output cannot hold; None where it can hold all."""
    import pyarrow as pa
    from pyarrow import csv

    if output.suffix.lower() != ".csv":
        return None  # parquet holds every type that a batch of a file or a query has
    for field in schema:
        try:
            csv.CSVWriter(pa.BufferOutputStream(), pa.schema([field])).close()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return str(field.name)
    return None


def _write_parquet(path: Path, tables: "Iterator[pa.Table]", digest: str, about: Mapping[str, str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = _with_digest(next(tables), digest)
    # floats hardly repeat: to look for those that do takes a quarter of the time
    repeating = [field.name for field in first.schema if not pa.types.is_floating(field.type)]
    schema = first.schema.with_metadata(dict(about))
    with pq.ParquetWriter(path, schema, use_dictionary=repeating) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(_with_digest(table, digest))


def _with_digest(table: "pa.Table", digest: str) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    # one text and a number for each row: ten million digests as texts are 700 MB
    numbers = pa.array(np.zeros(table.num_rows, dtype=np.int32))
    return table.append_column(DIGEST_COLUMN, pa.DictionaryArray.from_arrays(numbers, pa.array([digest])))


def _write_csv(path: Path, tables: "Iterator[pa.Table]", digest: str, _about: Mapping[str, str]) -> None:
    import pyarrow as pa
    from pyarrow import csv

    def whole(table: "pa.Table") -> "pa.Table":
        return table.append_column(DIGEST_COLUMN, pa.repeat(pa.scalar(digest), table.num_rows))

    first = whole(next(tables))
    with csv.CSVWriter(path, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(whole(table))
