"""Where in an Excel file is the table, and what does it hold?"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from millrace.adapters.tables.cells import Cell, cell_text, cells_to_array
from millrace.adapters.tables.errors import UnreadableTableError
from millrace.adapters.tables.names import checked_names

if TYPE_CHECKING:
    from zipfile import ZipFile

    import pyarrow as pa
    from python_calamine import CalamineSheet, CalamineWorkbook

MAX_CELLS = 30_000_000
"""A sheet is in memory as a whole, 32 bytes a cell."""
HEADER_WITHIN_ROWS = 50
_CHUNK_CELLS = 2_000_000
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_YEARS = range(1900, 2101)
_ERROR_CELL = b' t="e"'
_PIECE_BYTES = 1 << 20
_BOOK, _PLACES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_SHEETS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REFERENCE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

Range = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class SheetTable:
    """The table of a sheet: its names stand in row `header`, counted from 0.

    `filled` are merged cells below them, each of whose rows has the value.
    """

    sheet: "CalamineSheet"
    header: int
    names: tuple[str, ...]
    columns: tuple[int, ...]
    filled: tuple[Range, ...]
    is_first: bool


def read_excel(path: Path, sheet: str | None, texts: Collection[str] = ()) -> Iterator["pa.RecordBatch"]:
    """Yield the rows in their order. Numbers in the columns `texts` become texts: a sheet has no other codes.

    Raises
    ------
    UnreadableTableError
        If there is no such sheet, or no table in it.
    """
    import pyarrow as pa

    table = find_table(path, sheet)
    names = list(table.names)
    yield pa.RecordBatch.from_pylist([], schema=pa.schema([(name, pa.string()) for name in names]))
    rows = _rows(table)
    size = max(1, _CHUNK_CELLS // len(names))
    while chunk := list(islice(rows, size)):
        arrays = [
            cells_to_array([row[place] for row in chunk], as_text=name in texts)
            for place, name in enumerate(names)
        ]
        yield pa.RecordBatch.from_arrays(arrays, names=names)


def find_table(path: Path, wanted: str | None) -> SheetTable:
    """Find the sheet and the row of names in it.

    Raises
    ------
    UnreadableTableError
        If there is none, or cells of the names are merged.
    """
    book = _open(path)
    names = book.sheet_names
    if wanted is not None and wanted not in names:
        reason = f"it has no sheet {wanted!r}, it has {', '.join(map(repr, names[:10]))}"
        raise UnreadableTableError(path, reason, "Name one of them as sheet in [data.format]")
    for place, name in enumerate([wanted] if wanted is not None else names):
        table = _find_in_sheet(path, book, name, is_first=place == 0)
        if table is not None:
            return table
    reason = f"no sheet of it has a table: {', '.join(map(repr, names[:10]))}"
    raise UnreadableTableError(
        path, reason, "A row with the names of the columns, and rows below, are needed"
    )


def _open(path: Path) -> "CalamineWorkbook":
    from python_calamine import CalamineError, PasswordError, load_workbook

    with path.open("rb") as file:
        content_start = file.read(8)
        try:
            if content_start.startswith(_OLD_EXCEL) and _is_encrypted(path):
                raise PasswordError  # noqa: TRY301 - what the reader says of other files with one
            file.seek(0)
            return load_workbook(file)
        except PasswordError as error:
            reason = "it is protected by a password"
            raise UnreadableTableError(path, reason, "Save it without one, or as .csv") from error
        except (CalamineError, OSError, ValueError) as error:
            reason = f"it is no Excel file that can be read: {error}"
            raise UnreadableTableError(path, reason, "Save it again as .xlsx, or as .csv") from error


def _is_encrypted(path: Path) -> bool:
    kept = b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            if _ENCRYPTED in kept + piece:
                return True
            kept = piece[-len(_ENCRYPTED) :]
    return False


def _find_in_sheet(path: Path, book: "CalamineWorkbook", name: str, *, is_first: bool) -> SheetTable | None:
    sheet = book.get_sheet_by_name(name)
    if sheet.start is None or sheet.height * sheet.width < 2:  # noqa: PLR2004 - a name and a value
        return None
    if sheet.height * sheet.width > MAX_CELLS:
        reason = f"sheet {name!r} has {sheet.height * sheet.width:,} cells, {MAX_CELLS:,} are read at most"
        raise UnreadableTableError(path, reason, "Save it as .csv or .parquet: those are read in pieces")
    top = list(islice(sheet.iter_rows(), sheet.start[0] + HEADER_WITHIN_ROWS))
    merged = sheet.merged_cell_ranges or []
    header = _find_header(top, merged)
    if header is None:
        return None
    _refuse_merged_header(path, sheet, header, merged)
    places, names = _names(path, top, header)
    below = tuple(one for one in merged if one[0][0] > header)
    return SheetTable(sheet, header, tuple(names), tuple(places), below, is_first)


def _find_header(top: list[list[Cell]], merged: list[Range]) -> int | None:
    """The first row that is as wide as the table: titles above it are narrower."""
    filled = [sum(cell != "" for cell in row) for row in top]
    for (first, left), (_, right) in merged:
        if first < len(top) and right - left + 1 < len(top[first]):  # as wide as the table it is a title
            filled[first] += right - left
    widths = Counter(width for width in filled if width)
    if not widths:
        return None
    usual = max(width for width, count in widths.items() if count * 4 >= max(widths.values()))
    return next(place for place, width in enumerate(filled) if width >= usual)


def _names(path: Path, top: list[list[Cell]], header: int) -> tuple[list[int], list[str]]:
    row, below = top[header], top[header + 1 :]
    values = [cell for cell in row if cell != "" and not isinstance(cell, str) and not _is_year(cell)]
    if values:
        reason = f"row {header + 1:,} has values, no names of columns: {cell_text(values[0])!r}"
        raise UnreadableTableError(path, reason, "The first row is to have the names of the columns")
    used = [place for place, cell in enumerate(row) if cell != "" or any(one[place] != "" for one in below)]
    return used, checked_names(path, [cell_text(row[place]) or "" for place in used])


def _is_year(cell: Cell) -> bool:
    """A wide table has years for names."""
    return isinstance(cell, int | float) and cell in _YEARS


def _refuse_merged_header(path: Path, sheet: "CalamineSheet", header: int, merged: list[Range]) -> None:
    for first, last in merged:
        if first[0] <= header <= last[0]:
            where = f"the cells {cell_range((first, last))} of sheet {sheet.name!r}"
            reason = f"{where} are merged, and names of columns stand there"
            raise UnreadableTableError(path, reason, "Give each column a name of its own in one row")


def _rows(table: SheetTable) -> Iterator[list[Cell]]:
    shift = table.sheet.start[1] if table.sheet.start else 0
    values: dict[int, Any] = {}
    filled = sorted(table.filled)
    for number, row in enumerate(table.sheet.iter_rows()):
        if number <= table.header:
            continue
        for place, ((top, left), (bottom, right)) in enumerate(filled):
            if top <= number <= bottom:
                values.setdefault(place, row[left - shift])
                row[left - shift : right - shift + 1] = [values[place]] * (right - left + 1)
        cells = [None if row[place] == "" else row[place] for place in table.columns]
        if any(cell is not None for cell in cells):
            yield cells


def count_errors(path: Path, sheet: str) -> int:
    """Count the cells of a sheet that hold errors such as #DIV/0!: the reader gives them as empty ones."""
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as book:
            part = _part_of(book, sheet)
            return _count_in(book.open(part)) if part in book.namelist() else 0
    except BadZipFile:  # an old .xls is no archive
        return 0


def _part_of(book: "ZipFile", sheet: str) -> str | None:
    """The name in the archive of a sheet: the workbook gives it an identifier, another list that a place."""
    from xml.etree import ElementTree

    if not {_BOOK, _PLACES} <= set(book.namelist()):  # .ods has neither
        return None
    sheets = ElementTree.fromstring(book.read(_BOOK)).iter(f"{_SHEETS}sheet")  # noqa: S314 - the reader took it
    wanted = next((one.get(_REFERENCE) for one in sheets if one.get("name") == sheet), None)
    places = ElementTree.fromstring(book.read(_PLACES))  # noqa: S314 - the reader took it
    place = next((one.get("Target") for one in places if one.get("Id") == wanted), None)
    return None if place is None else place.lstrip("/") if place.startswith("/") else f"xl/{place}"


def _count_in(sheet: IO[bytes]) -> int:
    count, kept = 0, b""
    with sheet:
        while piece := sheet.read(_PIECE_BYTES):
            text = kept + piece
            count += text.count(_ERROR_CELL)
            kept = text[-len(_ERROR_CELL) + 1 :]
    return count


def cell_range(cells: Range) -> str:
    """Return a range as Excel calls it.

    >>> cell_range(((0, 0), (1, 27)))
    'A1:AB2'
    """
    return ":".join(f"{_letters(column)}{row + 1}" for row, column in cells)


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
