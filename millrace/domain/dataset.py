"""Which bytes is a model trained and judged on?"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from millrace.domain.canonical import readable_json


@dataclass(frozen=True)
class Part:
    """One accepted batch as it is stored: an immutable parquet file named by its content.

    `batch` is the name the batch arrived under; `first_time` and `last_time` are the
    bounds of the time column (UTC), or None for a model without one.
    """

    sha256: str
    batch: str
    rows: int
    bytes: int
    first_time: datetime | None
    last_time: datetime | None


@dataclass(frozen=True)
class Dataset:
    """The parts of one model's data, in the order of their acceptance."""

    model: str
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """The content of `datasets/<model>.json`."""
        return readable_json(self)

    @property
    def version(self) -> str:
        """The SHA-256 of that file, as `sha256sum` prints it: the name of the dataset version."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def with_part(self, part: Part) -> "Dataset":
        return Dataset(self.model, (*self.parts, part))
