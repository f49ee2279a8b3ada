"""How are answers written down that no service gave, as if one had?"""

from collections.abc import Iterable
from pathlib import Path

from millrace.adapters.prediction_log.segment import CLOSED, MAGIC, encode
from millrace.domain.prediction import Record
from millrace.durable import replace_file


def write_segment(folder: Path, stem: str, records: Iterable[Record]) -> None:
    """Write records as one closed segment, in the place of one of the same stem."""
    replace_file(folder / f"{stem}{CLOSED}", MAGIC + b"".join(encode(record) for record in records))
