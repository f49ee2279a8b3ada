"""What does a table in a file hold: CSV and its kin, parquet, JSON lines, Excel?"""

from millrace.adapters.tables.detect import detect_format
from millrace.adapters.tables.errors import TableNotFoundError, UnreadableTableError
from millrace.adapters.tables.reading import CHUNK_ROWS, read_table
from millrace.adapters.tables.scan import scan_table

__all__ = [
    "CHUNK_ROWS",
    "TableNotFoundError",
    "UnreadableTableError",
    "detect_format",
    "read_table",
    "scan_table",
]
