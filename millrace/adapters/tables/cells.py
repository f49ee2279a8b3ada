"""How do the cells of a column, of whatever types, become one array?"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Cell = Any
"""A str, int, float, bool, datetime, date, time, timedelta, or None for nothing."""

_EXACT = 2**53


def cells_to_array(cells: Sequence[Cell], *, as_text: bool = False) -> "pa.Array":
    """Return the cells in the type they share; of several kinds, or where it is asked for, as texts."""
    import pyarrow as pa

    if as_text:
        return pa.array([cell_text(cell) for cell in cells], pa.string())
    kinds = {type(cell) for cell in cells} - {type(None)}
    if kinds <= {int, float} and kinds:
        return _numbers(cells)
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds <= {datetime, date} and kinds:
        return pa.array([_moment(cell) for cell in cells], pa.timestamp("us"))
    return pa.array([cell_text(cell) for cell in cells], pa.string())


def _numbers(cells: Sequence[Cell]) -> "pa.Array":
    import pyarrow as pa

    if (whole := _whole_numbers(cells)) is not None:
        return pa.array(whole, pa.int64())
    if _is_exact(cells):
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    return pa.array([cell_text(cell) for cell in cells], pa.string())


def cell_text(cell: Cell) -> str | None:
    """Return a cell as it would stand in a text file."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return str(int(cell))
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def _whole_numbers(cells: Sequence[Cell]) -> list[int | None] | None:
    """A sheet writes 1 as 1.0: a column without a fraction is one of whole numbers."""
    whole = [None if cell is None else int(cell) for cell in cells if cell is None or _is_whole(cell)]
    return whole if len(whole) == len(cells) else None


def _is_whole(cell: float) -> bool:
    return -(2**63) <= cell < 2**63 if isinstance(cell, int) else abs(cell) < _EXACT and cell.is_integer()


def _is_exact(cells: Sequence[Cell]) -> bool:
    return all(not isinstance(cell, int) or abs(cell) <= _EXACT for cell in cells)


def _moment(cell: Cell) -> datetime | None:
    if cell is None or isinstance(cell, datetime):
        return cell
    return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - a sheet knows no time zones
