"""Do the rows of a batch satisfy the contract, and where do they not?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from millrace.domain.columns import convert_column
from millrace.domain.config import ColumnContract, ContractSection
from millrace.domain.contract import Violation
from millrace.domain.kinds import ColumnType

if TYPE_CHECKING:
    from pandera.pandas import Check, DataFrameSchema

MAX_EXAMPLES = 5
MAX_EXAMPLE_CHARACTERS = 60


@dataclass(frozen=True)
class BatchCheck:
    """What one pass over a batch found. `time_bounds` are first and last of each timestamp column."""

    rows: int
    violations: tuple[Violation, ...]
    null_counts: dict[str, int]
    time_bounds: dict[str, tuple[datetime, datetime]]


@dataclass
class _Broken:
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, failures: "pd.Series[Any]") -> None:
        self.count += len(failures)
        wanted = failures.iloc[: MAX_EXAMPLES - len(self.examples)]
        if isinstance(wanted.dtype, pd.DatetimeTZDtype):
            wanted = wanted.dt.tz_convert(None)  # a year beyond 9999 cannot be shown in a time zone
        self.examples += [f"row {row}: {_shown(value)}" for row, value in wanted.items()]


@dataclass
class _Tally:
    rows: int = 0
    broken: dict[tuple[str, str], _Broken] = field(default_factory=dict)
    null_counts: dict[str, int] = field(default_factory=dict)
    null_examples: dict[str, list[str]] = field(default_factory=dict)
    time_bounds: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def add(self, clause: str, column: str, failures: "pd.Series[Any]") -> None:
        self.broken.setdefault((column, clause), _Broken()).add(failures)

    @property
    def storable(self) -> bool:
        return not self.missing and all(clause != "type" for _, clause in self.broken)


def check_batch(
    chunks: Iterable[pd.DataFrame], contract: ContractSection, sink: Callable[[pd.DataFrame], None]
) -> BatchCheck:
    """Hold each chunk to the contract and hand it on, in the contract's types and column order.

    The sink gets nothing more once a violation was found that cannot be waived: such rows
    cannot be stored.
    """
    from pandera.errors import SchemaErrors

    schema, tally = compile_contract(contract), _Tally()
    for chunk in chunks:
        rows = _conform(chunk, contract, tally)
        try:
            schema.validate(rows, lazy=True, inplace=True)
        except SchemaErrors as errors:
            for error in errors.schema_errors:
                failures = error.failure_cases.set_index("index")["failure_case"]
                tally.add(error.check.name, error.schema.name, failures)
        tally.rows += len(rows)
        if tally.storable:
            sink(rows)
    return BatchCheck(tally.rows, _violations(tally, contract), tally.null_counts, tally.time_bounds)


def compile_contract(contract: ContractSection) -> "DataFrameSchema":
    """Return the Pandera schema of the clauses about values. Types and nulls are judged before it.

    Pandera's own coercion cannot say which int is no int in one vectorised pass, and a
    share of nulls is a matter of the whole batch, not of a chunk.
    """
    from pandera.pandas import Column, DataFrameSchema

    columns = {
        name: Column(None, _checks(column), nullable=True, required=False)
        for name, column in contract.columns.items()
    }
    return DataFrameSchema(columns)


def _checks(column: ColumnContract) -> list["Check"]:
    from pandera.pandas import Check

    least, most, allowed, pattern = column.min, column.max, column.categories, column.pattern
    checks = []
    if least is not None:
        checks.append(Check(lambda values: values >= least, name="min"))
    if most is not None:
        checks.append(Check(lambda values: values <= most, name="max"))
    if allowed is not None:
        checks.append(Check(lambda values: _is_category(values, allowed), name="categories"))
    if pattern is not None:
        checks.append(Check(lambda values: _matches(values, pattern), name="pattern"))
    return checks


def _is_category(values: "pd.Series[Any]", allowed: tuple[str, ...]) -> "pd.Series[bool]":
    # A model.toml writes categories as text, also those of an int column.
    return values.isin(pd.Series(allowed, dtype="str").astype(values.dtype))


def _matches(values: "pd.Series[Any]", pattern: str) -> "pd.Series[bool]":
    # Each distinct value once: a column that has a pattern repeats its values.
    distinct = pd.Series(values.unique(), dtype=values.dtype)
    return values.isin(distinct[distinct.str.fullmatch(pattern)])


def _conform(chunk: pd.DataFrame, contract: ContractSection, tally: _Tally) -> pd.DataFrame:
    tally.missing = tuple(name for name in contract.columns if name not in chunk.columns)
    known = {*contract.columns, *contract.ignored}
    tally.extra = tuple(str(name) for name in chunk.columns if name not in known)
    index = pd.RangeIndex(tally.rows, tally.rows + len(chunk))
    originals = chunk.set_axis(index, axis="index")
    columns = {}
    for name, column in contract.columns.items():
        if name in originals.columns:
            columns[name] = _conform_column(originals[name], name, column, tally)
    return pd.DataFrame(columns, index=index, copy=False)


def _conform_column(
    original: "pd.Series[Any]", name: str, column: ColumnContract, tally: _Tally
) -> "pd.Series[Any]":
    conversion = convert_column(original, column)
    nulls = conversion.values.isna().to_numpy()
    if conversion.refused is not None:
        tally.add("type", name, original[conversion.refused])
        nulls = nulls & ~conversion.refused
    count = int(nulls.sum())
    tally.null_counts[name] = tally.null_counts.get(name, 0) + count
    if count:
        seen = tally.null_examples.setdefault(name, [])
        seen += [f"row {row}: null" for row in original.index[nulls][: MAX_EXAMPLES - len(seen)]]
    if column.type is ColumnType.TIMESTAMP and conversion.values.notna().any():
        _widen_bounds(tally.time_bounds, name, conversion.values)
    return conversion.values


def _widen_bounds(
    bounds: dict[str, tuple[datetime, datetime]], name: str, times: "pd.Series[pd.Timestamp]"
) -> None:
    first, last = (value.to_pydatetime().astimezone(UTC) for value in (times.min(), times.max()))
    known = bounds.get(name, (first, last))
    bounds[name] = (min(first, known[0]), max(last, known[1]))


def _violations(tally: _Tally, contract: ContractSection) -> tuple[Violation, ...]:
    found = [
        Violation("missing", name, 1, f"column {name!r} is missing", waivable=False) for name in tally.missing
    ]
    found += [
        Violation("extra", name, 1, f"column {name!r} is not in the contract; it would be dropped")
        for name in tally.extra
    ]
    for name, column in contract.columns.items():
        found += _null_violations(name, column, tally)
        found += [
            Violation(
                clause, name, broken.count, _message(clause, column, broken.count, tally.rows),
                tuple(broken.examples), waivable=clause != "type",
            )
            for (of, clause), broken in tally.broken.items() if of == name
        ]  # fmt: skip
    return tuple(found)


def _null_violations(name: str, column: ColumnContract, tally: _Tally) -> list[Violation]:
    count = tally.null_counts.get(name, 0)
    if count <= column.max_null_share * tally.rows:
        return []
    share = f"{count:,} of {tally.rows:,} rows are null, {count / tally.rows:.2%}"
    message = f"{share}; allowed are {column.max_null_share:.2%}"
    return [Violation("nulls", name, count, message, tuple(tally.null_examples[name]))]


def _message(clause: str, column: ColumnContract, count: int, rows: int) -> str:
    wanted = {
        "type": f"no {column.type}",
        "min": f"below {column.min}",
        "max": f"above {column.max}",
        "categories": f"none of {', '.join(column.categories or ())}",
        "pattern": f"not of the form {column.pattern}",
    }[clause]
    return f"{count:,} of {rows:,} values are {wanted}"


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_EXAMPLE_CHARACTERS else f"{text[: MAX_EXAMPLE_CHARACTERS - 3]}..."
