"""What are the rows of a table file, in chunks, in the writing that all others know?"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.tables.file_kind import find_kind
from millrace.adapters.tables.numbers import is_plain, respell
from millrace.adapters.tables.parquet import read_parquet, refuse_nested
from millrace.adapters.tables.text_stream import refuse_empty
from millrace.adapters.tables.times import respell_times
from millrace.adapters.tables.value_kind import SURE_NULLS
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType
from millrace.domain.table_file import FileKind

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CHUNK_ROWS = 262_144
"""Half as many make the contract checks of 1,000,000 x 20 a quarter dearer; each is 42 MB of 20 numbers."""

PLAIN_FORMAT = FormatSection()
_NUMBERS = (ColumnType.FLOAT, ColumnType.INT)


def read_table(
    path: Path,
    format_: FormatSection = PLAIN_FORMAT,
    types: Mapping[str, ColumnType] | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> Iterator["pd.DataFrame"]:
    """Yield the rows of a file in chunks, in its order; a file without rows yields one empty chunk.

    Parquet values keep their types; those of a text file are all text, empty ones null. `types` says
    which columns are numbers and times: only theirs are read by the marks and times of the format.

    Raises
    ------
    UnreadableTableError
        If the bytes are no table in that format.
    """
    first: pa.RecordBatch | None = None
    rows = 0
    texts = {name for name, type_ in (types or {}).items() if type_ is ColumnType.STRING}
    for batch in read_batches(path, format_, chunk_rows, texts):
        if first is None:
            first = batch
            refuse_nested(path, batch.schema, types or {})
        rows += batch.num_rows
        for start in range(0, batch.num_rows, chunk_rows):
            yield to_frame(batch.slice(start, chunk_rows), format_, types)
    if not rows and first is not None:
        yield to_frame(first, format_, types)


def read_batches(
    path: Path, format_: FormatSection, chunk_rows: int = CHUNK_ROWS, texts: Collection[str] = ()
) -> Iterator["pa.RecordBatch"]:
    """Yield the rows as they are in the file. The first batch may be without any, to show the columns."""
    from millrace.adapters.tables.delimited import read_delimited
    from millrace.adapters.tables.excel import read_excel
    from millrace.adapters.tables.json_lines import read_json_lines

    refuse_empty(path)
    match find_kind(path):
        case FileKind.PARQUET:
            return read_parquet(path, chunk_rows)
        case FileKind.LINES:
            return read_json_lines(path, format_, texts)
        case FileKind.SHEET:
            return read_excel(path, format_.sheet, texts)
        case FileKind.TEXT:
            return read_delimited(path, format_)


def to_frame(
    batch: "pa.RecordBatch", format_: FormatSection, types: Mapping[str, ColumnType] | None
) -> "pd.DataFrame":
    """Return a batch as a frame, its texts in the writing that the contract knows."""
    import pyarrow as pa

    if format_ == PLAIN_FORMAT and types is None:
        plain: pd.DataFrame = batch.to_pandas()
        return plain
    columns = []
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        columns.append(respell_column(name, values, format_, types.get(name) if types else None))
    frame: pd.DataFrame = pa.RecordBatch.from_arrays(columns, names=batch.schema.names).to_pandas()
    return frame


def respell_column(
    name: str, values: "pa.Array", format_: FormatSection, type_: ColumnType | None
) -> "pa.Array":
    """Return the values of one column with its nulls, numbers and times as others write them."""
    import pyarrow as pa

    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if type_ is ColumnType.TIMESTAMP and name in format_.times and pa.types.is_integer(values.type):
        values = values.cast(pa.string())
    if type_ is ColumnType.STRING and _is_spelled(values.type):
        values = values.cast(pa.string())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    values = drop_nulls(values, format_, type_)
    if type_ in _NUMBERS and not is_plain(format_):
        return respell(values, format_)
    if type_ is ColumnType.TIMESTAMP and name in format_.times:
        return respell_times(values, format_.times[name])
    return values


def _is_spelled(type_: "pa.DataType") -> bool:
    """Whether a contract can know the values as texts only, as `new` does."""
    import pyarrow as pa

    return bool(pa.types.is_uint64(type_) or pa.types.is_time(type_) or pa.types.is_duration(type_))


def drop_nulls(texts: "pa.Array", format_: FormatSection, type_: ColumnType | None) -> "pa.Array":
    """Return the texts with those that mean nothing in a column of that type taken out.

    In a column of texts `none` may be one of its words: only those count that can mean nothing else.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    is_text = type_ is ColumnType.STRING
    nulls = [word for word in format_.nulls if not is_text or word in SURE_NULLS]
    if not nulls:
        return texts
    absent = pc.is_in(texts, value_set=pa.array(nulls, texts.type))
    if any(word.isspace() for word in nulls):  # one blank stands for any number of them
        absent = pc.or_(absent, pc.utf8_is_space(texts))
    return pc.if_else(absent, pa.scalar(None, texts.type), texts)
