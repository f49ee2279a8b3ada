"""What does a file with a JSON object on each line hold?"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from millrace.adapters.tables.cells import cells_to_array
from millrace.adapters.tables.errors import UnreadableTableError
from millrace.adapters.tables.names import checked_names
from millrace.adapters.tables.text_stream import NotInEncodingError, open_text
from millrace.domain.config import FormatSection

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 8 << 20
LINE_BYTES = 8 << 20
_SHOWN = 60
_REMEDY = 'A file of JSON lines has one object on each line, such as {"age": 31, "city": "Bonn"}'


def read_json_lines(
    path: Path, format_: FormatSection, texts: Collection[str] = ()
) -> Iterator["pa.RecordBatch"]:
    """Yield the rows in their order, each batch in the types its values have; an object may lack names.

    Two passes, for a name may come late. Numbers in the columns `texts` become texts.

    Raises
    ------
    UnreadableTableError
        If a line is no object, or holds another one.
    """
    try:
        found = list(
            dict.fromkeys(name for _, rows in _read_blocks(path, format_) for row in rows for name in row)
        )
        names = checked_names(path, found)
        for first, rows in _read_blocks(path, format_):
            columns = [[row.get(name) for row in rows] for name in found]
            yield _to_batch(path, names, columns, first, texts)
    except (NotInEncodingError, OSError, EOFError) as error:
        raise UnreadableTableError(path, str(error)) from error


def _read_blocks(path: Path, format_: FormatSection) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield the objects of some megabytes, with the number of the line they begin on."""
    first = 1
    with open_text(path, format_.encoding) as text:
        while lines := _take_lines(path, text, first):
            yield first, [_decode(path, line, first + at) for at, line in enumerate(lines) if line.strip()]
            first += len(lines)


def _take_lines(path: Path, text: IO[bytes], first: int) -> list[bytes]:
    lines: list[bytes] = []
    held = 0
    while held < BLOCK_BYTES and (line := text.readline(LINE_BYTES)):
        if len(line) >= LINE_BYTES:
            raise UnreadableTableError(
                path, f"line {first + len(lines):,} is longer than {LINE_BYTES:,} bytes", _REMEDY
            )
        lines.append(line)
        held += len(line)
    return lines


def _decode(path: Path, line: bytes, number: int) -> dict[str, Any]:
    import msgspec

    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        if number == 1 and line.strip() in (b"[", b"{"):
            reason = "it is one JSON document, not one on each line"
            raise UnreadableTableError(path, reason, f"{_REMEDY} (jq -c '.[]' writes that)") from error
        raise UnreadableTableError(path, f"line {number:,} is no JSON: {error}", _REMEDY) from error
    if not isinstance(found, dict):
        shown = line[:_SHOWN].decode(errors="replace").strip()
        raise UnreadableTableError(path, f"line {number:,} is no object: {shown!r}", _REMEDY)
    return found


def _to_batch(
    path: Path, names: list[str], columns: list[list[Any]], first: int, texts: Collection[str]
) -> "pa.RecordBatch":
    import pyarrow as pa

    for name, cells in zip(names, columns, strict=True):
        _refuse_nested(path, name, cells, first)
    arrays = [
        cells_to_array(cells, as_text=name in texts) for name, cells in zip(names, columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _refuse_nested(path: Path, name: str, cells: list[Any], first: int) -> None:
    if not {type(cell) for cell in cells} & {dict, list}:
        return
    place = next(place for place, cell in enumerate(cells) if isinstance(cell, dict | list))
    raise UnreadableTableError(
        path,
        f"column {name!r} holds {'an object' if isinstance(cells[place], dict) else 'a list'}, "
        f"first in row {place + 1:,}" + (f" after line {first - 1:,}" if first > 1 else ""),
        "A column is to hold texts, numbers or booleans: write its parts as columns of their own",
    )
