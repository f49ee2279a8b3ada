"""Where do a model's rows come from, which columns may it see, and what must they satisfy?"""

import codecs
import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from millrace.domain.config.section import Cron, Duration, Section, Share
from millrace.domain.kinds import ColumnType

UNSPELLABLE = frozenset('"\\')
"""What JSON has to escape: a request's fields are found by their bytes."""


class FormatSection(Section):
    """How files are written, where it is not UTF-8 with commas, decimal points and ISO times."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    """What stands between two values of a text file."""
    encoding: str = "utf-8"
    """The encoding of text files."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in text."""
    thousands: Literal[",", ".", " ", "'"] | None = None
    """What groups the digits of numbers in text."""
    nulls: tuple[str, ...] = Field(default=(), strict=False)
    """Texts that mean nothing in columns of numbers and times; the empty text is null everywhere.

    Of those in columns of texts only `NULL`, `N/A`, `NaN` and the like count: they can mean nothing else."""
    times: dict[str, str] = Field(default_factory=dict)
    """The strptime format of each column of times that needs one; a time without an offset is UTC."""
    sheet: str | None = None
    """The sheet of an Excel file; without it the first."""

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, encoding: str) -> str:
        try:
            return codecs.lookup(encoding).name
        except LookupError as error:
            raise ValueError("no encoding is called so: utf-8, cp1252, utf-16 are some") from error

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}: numbers could not be read")
        return self


class SqlSection(Section):
    """What a database is asked, and what it was not asked for yet."""

    url: str
    """SQLAlchemy's; `${NAME}` in it is taken from the environment, so that no password stands here."""
    query: str
    """A SELECT whose rows have the columns of the contract."""
    watermark: str
    """A column that never goes back: what is above the highest value taken in is new."""
    batch_rows: int = Field(ge=1)
    """At most so many rows are one batch, more only where they share a watermark."""
    lag: Duration | None = None
    """Rows younger than this wait: a transaction that began before them may end after them."""


class DataSection(Section):
    """Where rows come from, and which columns have a role."""

    source: Literal["files", "sql", "python"]
    """What lies in the inbox, what a database has, or what the folder's `source.py` yields."""
    target: str
    """The column that is predicted; rows without it wait for their label."""
    inbox: str | None = None
    """The files that are batches, such as `inbox/churn/*.csv`, below MILLRACE_HOME."""
    key: tuple[str, ...] = Field(default=(), strict=False)
    """The columns that name a row; without them all columns do."""
    time: str | None = None
    """When a row happened: it decides what is recent, and which rows are judged together."""
    block: Duration | None = None
    """How long one block of `time` is: its rows are trained on or judged together."""
    group: str | None = None
    """Where there is no time: the column whose equal values are one block. Without it rows are blocks."""
    label_delay: Duration | None = None
    """How long after `time` a label is due; before that no run knows it."""
    schedule: Cron | None = None
    """When a database or `source.py` is asked by itself, cron in UTC."""
    format: FormatSection = FormatSection()
    """How the files of the inbox are written."""
    sql: SqlSection | None = None
    """What the database is asked."""

    @model_validator(mode="after")
    def _roles_fit(self) -> Self:
        if (self.time is None) != (self.block is None):
            raise ValueError("time and block go together: name both or neither")
        if self.block is not None and not self.block:
            raise ValueError("block is 0 long: a day, 1d, is usual")
        if self.time is not None and self.group is not None:
            raise ValueError("group is for data without time: name one of the two")
        if self.source == "files" and self.schedule is not None:
            raise ValueError('schedule is for "python" and "sql": what lies in an inbox is taken in at once')
        if self.source == "files" and self.inbox is None:
            raise ValueError('source = "files" needs inbox, such as "inbox/churn/*.parquet"')
        if (self.source == "sql") != (self.sql is not None):
            raise ValueError('source = "sql" and [data.sql] go together')
        return self


class FeaturesSection(Section):
    """The columns a model may see, by kind."""

    numeric: tuple[str, ...] = Field(default=(), strict=False)
    """Numbers whose order means something."""
    categorical: tuple[str, ...] = Field(default=(), strict=False)
    """Texts, codes and truth values that stand for a kind of thing."""
    text: tuple[str, ...] = Field(default=(), strict=False)
    """Texts whose words are looked at."""
    allow_personal: tuple[str, ...] = Field(default=(), strict=False)
    """Features that look like data about persons and may be learned from all the same.

    A feature that looks so and is not named here is refused when a challenger is trained."""

    @model_validator(mode="after")
    def _allowed_are_features(self) -> Self:
        if strange := [name for name in self.allow_personal if name not in self.names]:
            raise ValueError(f"allow_personal names {strange[0]!r}, which is no feature")
        return self

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise ValueError(f"{', '.join(repeated)}: named more than once, a feature has one kind")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.numeric, *self.categorical, *self.text)


class ColumnContract(Section):
    """What the values of one column must satisfy."""

    type: Annotated[ColumnType, Field(strict=False)]
    """What every value must be."""
    max_null_share: Share = 0.0
    """The largest share of rows that may have no value."""
    min: float | None = None
    """The smallest number allowed."""
    max: float | None = None
    """The largest number allowed."""
    categories: tuple[str, ...] | None = Field(default=None, strict=False)
    """The only values allowed."""
    pattern: str | None = None
    """A regular expression that every text must match."""

    @model_validator(mode="after")
    def _clauses_fit(self) -> Self:
        if (self.min is not None or self.max is not None) and not self.is_number:
            raise ValueError(f"min and max are for float and int columns, this one is {self.type}")
        if self.pattern is not None and self.type is not ColumnType.STRING:
            raise ValueError(f"pattern is for string columns, this one is {self.type}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value satisfies both")
        return self

    @property
    def is_number(self) -> bool:
        return self.type in (ColumnType.FLOAT, ColumnType.INT)

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from error
        return pattern


class ContractSection(Section):
    """What a batch must satisfy: each column, and the batch as a whole."""

    min_rows: int = Field(ge=1)
    """The fewest rows of a batch."""
    max_duplicate_share: Share
    """The largest share of rows that may stand in the batch, or in the dataset, already."""
    min_label_share: Share
    """The smallest share of rows that must have a label."""
    columns: dict[str, ColumnContract]
    """What the values of each column must satisfy."""
    ignored: tuple[str, ...] = Field(default=(), strict=False)
    """Columns that may stand in a batch and are not kept: personal data, for one."""

    @property
    def types(self) -> dict[str, ColumnType]:
        """The type of each column."""
        return {name: column.type for name, column in self.columns.items()}

    @field_validator("columns")
    @classmethod
    def _names_can_be_spelled(cls, columns: dict[str, ColumnContract]) -> dict[str, ColumnContract]:
        for name in columns:
            if not name.strip() or not name.isprintable() or set(name) & UNSPELLABLE:
                raise ValueError(
                    f"no column can be called {name!r}: some letter, no quotation mark or backslash"
                )
        return columns
