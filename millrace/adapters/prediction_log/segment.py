"""How do records stand in a file, so that half of one is never taken for one?

A segment is `MAGIC` and then frames: four bytes of length and four of crc32, both little-endian, and the
record as msgpack. Who writes `<stem>.open` holds an exclusive lock on it until it is `<stem>.seg`.
"""

import fcntl
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from millrace.domain.prediction import Record

MAGIC = b"MRLOG\0\0\1"
"""The last byte is the version of the format."""

OPEN, CLOSED, NEW = ".open", ".seg", ".new"

Decoded = TypeVar("Decoded")

_HEADER = struct.Struct("<II")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


@dataclass(frozen=True)
class Damage:
    """A place in a segment that could not be read; `is_torn` when the file ends within a frame."""

    file: str
    offset: int
    reason: str
    is_torn: bool = False


def encode(record: Record) -> bytes:
    """Return the frame of a record."""
    payload = _encoder.encode(record)
    return _HEADER.pack(len(payload), zlib.crc32(payload)) + payload


def read_records(
    file: IO[bytes], name: str, heads: tuple[bytes, ...] | None = None
) -> Iterator[Record | Damage]:
    """Yield the records up to the first bad frame, and then its damage.

    With `heads` only those that begin so: most can be passed over undecoded. A frame that is whole but no
    record we know is a damage too; what follows it can be read.
    """
    yield from decode_frames(file, name, heads, _decoder.decode)


def decode_frames(
    file: IO[bytes], name: str, heads: tuple[bytes, ...] | None, decode: Callable[[bytes], Decoded]
) -> Iterator[Decoded | Damage]:
    """Yield what `decode` makes of each frame that `read_records` would decode."""
    for offset, found in _read_frames(file, name):
        if isinstance(found, Damage):
            yield found
        elif heads is None or found.startswith(heads, 1):
            try:
                yield decode(found)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                yield Damage(name, offset, f"no record that is known here: {error}")


def heads_of_model(model: str) -> tuple[bytes, ...]:
    """Return how the records of a model begin after their first byte."""
    name = _encoder.encode(model)
    return tuple(_encoder.encode(tag) + name for tag in ("answered", "shadowed", "labelled"))


def heads_of_services() -> tuple[bytes, ...]:
    """Return how the words of services on themselves begin after their first byte."""
    return tuple(_encoder.encode(tag) for tag in ("alive", "stopped"))


def _read_frames(file: IO[bytes], name: str) -> Iterator[tuple[int, bytes | Damage]]:
    size = os.fstat(file.fileno()).st_size  # what a living writer adds meanwhile is for the next reading
    start = file.read(len(MAGIC))
    if start != MAGIC:
        yield 0, _bad_start(name, start)
        return
    offset = len(MAGIC)
    while offset < size:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            yield offset, Damage(name, offset, f"the file ends after {len(header)} bytes of a header", True)
            return
        length, crc = _HEADER.unpack(header)
        left = size - offset - _HEADER.size
        payload = file.read(length) if length <= left else b""
        # a length of 0 is what a disk shows that never got the bytes; the crc of nothing is 0 too
        if length == 0 or (len(payload) == length and zlib.crc32(payload) != crc):
            yield offset, Damage(name, offset, f"the checksum of {length} bytes is wrong")
            return
        if len(payload) < length:
            yield offset, Damage(name, offset, f"the file ends {left} bytes into a frame of {length}", True)
            return
        yield offset, payload
        offset += _HEADER.size + length


def _bad_start(name: str, start: bytes) -> Damage:
    if len(start) < len(MAGIC):
        return Damage(name, 0, f"the file ends after {len(start)} bytes", True)
    if start[:-1] == MAGIC[:-1]:
        return Damage(name, 0, f"it is of format {start[-1]}, this program reads {MAGIC[-1]}")
    return Damage(name, 0, "it is no segment")


@contextmanager
def owned_if_dead(path: Path) -> Iterator[IO[bytes] | None]:
    """Open a segment as its owner, None while the process that writes it lives, or when it is gone."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        yield file if lock(file.fileno()) else None


@contextmanager
def opened(path: Path) -> Iterator[tuple[IO[bytes], bool] | None]:
    """Open a segment for reading, and say whether a living process writes it; None when it is gone."""
    for name in (path, path.with_suffix(CLOSED)):  # it may have been closed since it was listed
        try:
            file = name.open("rb")
        except FileNotFoundError:
            continue
        with file:
            yield file, name.suffix == OPEN and not lock(file.fileno(), fcntl.LOCK_SH)
        return
    yield None


def lock(descriptor: int, how: int = fcntl.LOCK_EX) -> bool:
    """Take the lock of a file, which ends with its descriptor; False when somebody else has it."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def list_segments(folder: Path) -> list[Path]:
    """Return the segments of a folder in the order in which they were begun, open ones among them.

    One that is closed meanwhile is found under both names, or only when looked for again.
    """
    found = [path for _ in range(2) for path in folder.glob("[!.]*") if path.suffix in {OPEN, CLOSED}]
    by_stem = {path.stem: path for path in sorted(found, reverse=True)}
    return [by_stem[stem] for stem in sorted(by_stem)]


def measure_segments(folder: Path) -> dict[str, int]:
    """Return how many bytes each segment holds, by its name without the suffix, which changes."""
    sizes = {}
    for path in list_segments(folder):
        with suppress(FileNotFoundError):  # it was compacted just now
            sizes[path.stem] = path.stat().st_size
    return sizes


def is_work_left(folder: Path) -> bool:
    """Whether there is a segment that nobody writes any more."""
    for path in list_segments(folder):
        with owned_if_dead(path) as file:
            if file is not None:
                return True
    return False
