"""What did the values of files and tables look like?"""

from millrace.adapters.profiling.parquet import UnreadableFileError, profile_parquet
from millrace.adapters.profiling.tables import count_table

__all__ = ["UnreadableFileError", "count_table", "profile_parquet"]
