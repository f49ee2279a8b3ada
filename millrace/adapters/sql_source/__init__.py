"""What does a database hold that a model was not given yet?"""

from millrace.adapters.sql_source.address import (
    MissingDriverError,
    MissingVariableError,
    SqlAddress,
    UnreadableAddressError,
)
from millrace.adapters.sql_source.database import (
    DatabaseUnavailableError,
    QueryRefusedError,
    SqlDatabase,
    UnusableQueryError,
)
from millrace.adapters.sql_source.rows import UnusableColumnError
from millrace.adapters.sql_source.watched import SqlSource, UnorderedTextError, WatermarkChangedError

__all__ = [
    "DatabaseUnavailableError",
    "MissingDriverError",
    "MissingVariableError",
    "QueryRefusedError",
    "SqlAddress",
    "SqlDatabase",
    "SqlSource",
    "UnorderedTextError",
    "UnreadableAddressError",
    "UnusableColumnError",
    "UnusableQueryError",
    "WatermarkChangedError",
]
