"""Why is a file no table?"""

from pathlib import Path

from millrace.errors import MillraceError


class UnreadableTableError(MillraceError):
    """The bytes are no table, or not one in the format that was said."""

    def __init__(self, path: Path, reason: str, remedy: str = "") -> None:
        self.path, self.reason, self.remedy = path, reason, remedy
        super().__init__(f"{path.name}: {reason}. {remedy or _KINDS}")


class TableNotFoundError(MillraceError):
    """There is no such file."""

    def __init__(self, path: Path, found: str, nearest: list[str]) -> None:
        self.path, self.nearest = path, nearest
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "name a file with a table"
        super().__init__(f"{path}: {found}; {hint}")


_KINDS = "A readable .parquet, .csv, .tsv, .txt, .jsonl, .xlsx, .xls or .ods file is needed"
