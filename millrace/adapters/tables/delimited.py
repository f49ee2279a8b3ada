"""What does a text file with a row a line hold?"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millrace.adapters.tables.errors import UnreadableTableError
from millrace.adapters.tables.names import checked_names
from millrace.adapters.tables.text_stream import PLAIN, is_compressed, open_text
from millrace.adapters.tables.trouble import find_text_trouble
from millrace.domain.config import FormatSection

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 2 << 20
"""A longer line is refused. The reader keeps some 75 blocks: of 8 MiB they were 600 MB, and no faster."""


def read_delimited(path: Path, format_: FormatSection) -> Iterator["pa.RecordBatch"]:
    """Yield the rows in their order, all values texts, empty ones null.

    Raises
    ------
    UnreadableTableError
        If it is no such file, with the line that is wrong.
    """
    import pyarrow as pa

    try:
        yield from _read(path, format_)
    except (pa.ArrowException, OSError, ValueError, EOFError) as error:
        reason, remedy = find_text_trouble(path, format_, error)
        raise UnreadableTableError(path, reason, remedy) from error


def _read(path: Path, format_: FormatSection) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa
    from pyarrow import csv

    read = csv.ReadOptions(block_size=BLOCK_BYTES)
    parse = csv.ParseOptions(delimiter=format_.delimiter, newlines_in_values=True)
    with ExitStack() as stack:
        with csv.open_csv(_source(path, format_, stack), read_options=read, parse_options=parse) as probe:
            found = probe.schema.names
        names = checked_names(path, found)
        # by position: what is read is asked for by the name in the file
        convert = csv.ConvertOptions(
            column_types={name: pa.string() for name in found}, null_values=[""], strings_can_be_null=True
        )
        source = _source(path, format_, stack)
        reader = stack.enter_context(
            csv.open_csv(source, read_options=read, parse_options=parse, convert_options=convert)
        )
        schema = pa.schema([(name, pa.string()) for name in names])
        yield pa.RecordBatch.from_pylist([], schema=schema)
        for batch in reader:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _source(path: Path, format_: FormatSection, stack: ExitStack) -> Any:
    if format_.encoding in PLAIN and not is_compressed(path):
        return path
    return stack.enter_context(open_text(path, format_.encoding))
