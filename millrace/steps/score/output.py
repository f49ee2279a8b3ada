"""Where may an output be written, and which columns of the input may it have?"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.score_folder import find_unwritable
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".parquet", ".csv")


class UnknownOutputError(MillraceError):
    """The output's name does not say how it is to be written, or names no place for it."""

    def __init__(self, output: Path, reason: str, remedy: str) -> None:
        self.output, self.reason, self.remedy = output, reason, remedy
        super().__init__(f"{output}: {reason}. {remedy}")


class UnwritableColumnError(MillraceError):
    """A column that is to be kept has values that the kind of output cannot hold."""

    def __init__(self, column: str, found: str) -> None:
        self.column, self.found = column, found
        super().__init__(
            f"column {column!r} holds {found}, which a .csv cannot. Name an output that ends in .parquet, "
            "or the columns to keep by --keep"
        )


class UnknownColumnError(MillraceError):
    """A column that is to be kept is not in the input."""

    def __init__(self, missing: tuple[str, ...], found: tuple[str, ...]) -> None:
        self.missing, self.found = missing, found
        super().__init__(
            f"the input has no column {', '.join(map(repr, missing))} to keep; it has {', '.join(found)}. "
            "Name columns of it by --keep"
        )


def ensure_place(output: Path, source: Path | None) -> None:
    """Refuse an output that cannot be written, or that is the input.

    Raises
    ------
    UnknownOutputError
    """
    kinds = " or ".join(SUFFIXES)
    if output.suffix.lower() not in SUFFIXES:
        reason = "not a kind of file that is written"
        raise UnknownOutputError(output, reason, f"Name an output that ends in {kinds}")
    if not output.parent.is_dir():
        reason = "its folder does not exist"
        raise UnknownOutputError(output, reason, f"Make {output.parent}, or name an output elsewhere")
    if not os.access(output.parent, os.W_OK):
        reason = "its folder may not be written to"
        raise UnknownOutputError(output, reason, "Name an output elsewhere")
    if output.is_dir():
        raise UnknownOutputError(output, "this is a folder", "Name a file in it, or another one")
    if source is not None and source.resolve() == output.resolve():
        raise UnknownOutputError(output, "this is the input too", "Name another output")


def ensure_kept(output: Path, schema: "pa.Schema", keep: tuple[str, ...]) -> None:
    """Refuse columns that the input does not have, or that the output cannot hold.

    Raises
    ------
    UnknownColumnError, UnwritableColumnError
    """
    import pyarrow as pa

    missing = tuple(name for name in keep if name not in schema.names)
    if missing:
        raise UnknownColumnError(missing, tuple(schema.names))
    kept = pa.schema([schema.field(name) for name in keep])
    if (unwritable := find_unwritable(output, kept)) is not None:
        raise UnwritableColumnError(unwritable, str(kept.field(unwritable).type))
