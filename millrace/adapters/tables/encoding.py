"""In which encoding is a text file?"""

import codecs
from dataclasses import dataclass
from pathlib import Path

from millrace.adapters.tables.errors import UnreadableTableError
from millrace.adapters.tables.letters import Reading, read_latin
from millrace.adapters.tables.text_stream import PIECE_BYTES, open_bytes

_SAMPLE_BYTES = 64 << 10
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CANDIDATES = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
]  # fmt: skip
_STRAY_SHARE = 0.05
"""A text of another encoding has a line that could be UTF-8 by chance, not many."""


@dataclass
class _Lines:
    """What lines with other than ASCII are: `sample` has those that are not UTF-8."""

    utf8: int = 0
    first_utf8: int = 0
    other: int = 0
    first_other: int = 0
    first_byte: int = 0
    sample: bytes = b""


def find_encoding(path: Path) -> tuple[str, list[str]]:
    """Return the encoding, and what was guessed about it.

    Raises
    ------
    UnreadableTableError
        If some lines are in one and some in another, or it is no text.
    """
    with open_bytes(path) as file:
        start = file.read(4096)
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    if marked is not None and marked != "utf-8":
        return marked, []
    if b"\0" in start and (wide := _wide(start)) is not None:
        return wide, [f"the encoding is taken for {wide.upper()}: `encoding` in [data.format] says so"]
    lines = _look_at_lines(path)
    if not lines.other:
        return "utf-8", []
    if lines.utf8 > _STRAY_SHARE * (lines.utf8 + lines.other):
        raise UnreadableTableError(
            path,
            f"it mixes encodings: line {lines.first_other:,} is not UTF-8 (byte {lines.first_byte:,}), "
            f"line {lines.first_utf8:,} is",
            "Write all of it in one encoding",
        )
    guess = _guess(lines.sample)
    where = f"line {lines.first_other:,}, byte {lines.first_byte:,}"
    return guess.encoding, [
        f"the encoding is taken for {guess.encoding}, for {where} is not UTF-8{_tell_doubt(guess)}: "
        "`encoding` in [data.format] says so"
    ]


def _wide(start: bytes) -> str | None:
    """UTF-16 without its mark: every second byte of plain text is 0."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if odd > 0.4 * len(start) / 2 and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * len(start) / 2 and odd == 0 else None


def _look_at_lines(path: Path) -> _Lines:
    found, number, position = _Lines(), 0, 0
    with open_bytes(path) as file:
        for piece in iter(lambda: file.readlines(PIECE_BYTES), []):
            text = b"".join(piece)
            if b"\0" in text:
                _refuse_nul(path, text, number, position)
            if not text.isascii():
                _sort_lines(piece, number, position, found)
            number, position = number + len(piece), position + len(text)
    return found


def _refuse_nul(path: Path, text: bytes, line: int, position: int) -> None:
    place = text.index(b"\0")
    line += text.count(b"\n", 0, place) + 1
    raise UnreadableTableError(
        path,
        f"byte {position + place:,}, in line {line:,}, is NUL: it is no text",
        "A text file has none; was it cut off, or is it of another kind?",
    )


def _sort_lines(lines: list[bytes], number: int, position: int, found: _Lines) -> None:
    try:
        b"".join(lines).decode()
    except UnicodeDecodeError:
        pass
    else:
        if not found.utf8:
            found.first_utf8 = number + 1 + next(at for at, line in enumerate(lines) if not line.isascii())
        found.utf8 += sum(not line.isascii() for line in lines)
        return
    for at, line in enumerate(lines, 1):
        if not line.isascii():
            _sort_line(line, number + at, position, found)
        position += len(line)


def _sort_line(line: bytes, number: int, position: int, found: _Lines) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        if not found.other:
            found.first_other, found.first_byte = number, position + error.start
        found.other += 1
        if len(found.sample) < _SAMPLE_BYTES:
            found.sample += line
    else:
        found.first_utf8 = found.first_utf8 or number
        found.utf8 += 1


def _guess(sample: bytes) -> Reading:
    from charset_normalizer import from_bytes

    if (latin := read_latin(sample)) is not None:
        return latin
    best = from_bytes(sample, cp_isolation=_CANDIDATES).best()
    return Reading(codecs.lookup(best.encoding).name if best is not None else "iso8859-1")


def _tell_doubt(found: Reading) -> str:
    if found.other is None:
        return ""
    words = " and ".join(f"{this!r} is {that!r}" for this, that in found.words)
    return f"; it could be {found.other}, in which {words}"
