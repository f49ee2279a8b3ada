"""How does a text file in any encoding become a stream of UTF-8, in bounded memory?"""

import codecs
import gzip
import io
from pathlib import Path
from typing import IO, TYPE_CHECKING

from millrace.adapters.tables.errors import UnreadableTableError
from millrace.domain.table_file import COMPRESSED

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE_BYTES = 1 << 20
PLAIN = ("utf-8", "utf-8-sig")
"""What is UTF-8 already; the readers skip a byte order mark."""
_GZIP = b"\x1f\x8b"


class NotInEncodingError(ValueError):
    """A byte has no meaning in the encoding."""

    def __init__(self, encoding: str, position: int) -> None:
        self.encoding, self.position = encoding, position
        super().__init__(f"it is not {encoding_name(encoding)} at byte {position}")


class Transcoded(io.RawIOBase):
    """The text of a file as UTF-8, whatever it was written in."""

    def __init__(self, file: "IO[bytes] | gzip.GzipFile", encoding: str) -> None:
        self._file, self._encoding = file, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._waiting, self._position = b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        target = memoryview(buffer).cast("B")
        while not self._waiting:
            piece = self._file.read(PIECE_BYTES)
            self._waiting = self._decode(piece).encode()
            if not piece:
                break
        taken = self._waiting[: len(target)]
        self._waiting = self._waiting[len(taken) :]
        target[: len(taken)] = taken
        return len(taken)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _decode(self, piece: bytes) -> str:
        held = self._decoder.getstate()[0]
        try:
            text = self._decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            place = self._position - len(held) + error.start
            raise NotInEncodingError(self._encoding, place) from error
        self._position += len(piece)
        return text


def open_bytes(path: Path) -> "IO[bytes] | gzip.GzipFile":
    """Open the bytes of a file, out of gzip where it is compressed."""
    if is_compressed(path):
        return gzip.open(path, "rb")
    return path.open("rb")


def is_compressed(path: Path) -> bool:
    """Say whether the file is gzip's."""
    if path.name.lower().endswith(COMPRESSED):
        return True
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def open_text(path: Path, encoding: str) -> IO[bytes]:
    """Open a text file as a stream of UTF-8 that is checked as it is read."""
    if codecs.lookup(encoding).name in PLAIN:
        encoding = "utf-8-sig"
    return io.BufferedReader(Transcoded(open_bytes(path), encoding), PIECE_BYTES)


def encoding_name(encoding: str) -> str:
    """Return what people call an encoding: UTF-8, cp1252."""
    return encoding.upper().removesuffix("-SIG") if encoding.startswith("utf") else encoding


def refuse_empty(path: Path) -> None:
    """Refuse a file that holds nothing.

    Raises
    ------
    UnreadableTableError
        If the file has no bytes.
    """
    if path.stat().st_size == 0:
        raise UnreadableTableError(path, "it holds 0 bytes")
