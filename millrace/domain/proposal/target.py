"""What is to be predicted: one of two classes, of several, or a number?"""

from dataclasses import replace

from millrace.domain.kinds import ColumnType, Task
from millrace.domain.proposal.findings import Doubt, Target
from millrace.domain.proposal.wishes import NotModelledError, Wishes
from millrace.domain.table_scan import MAX_COMMON, ColumnScan, TableScan

LEAST_ROWS = 60
"""Below it golden and recent rows cannot both hold 14 blocks, and leave anything to learn from."""

LEAST_CLASS_ROWS = 10
"""Fewer cannot be among the rows that teach, the recent and the golden ones."""

RARE_CLASS_ROWS = 50
FEW_NUMBERS = 20
"""So many whole numbers may be classes; more are amounts."""

MOST_CLASSES = 50
_TWO = 2


def find_target(scan: TableScan, wishes: Wishes) -> Target:
    """Say what is to be predicted, from the values of the target.

    Raises
    ------
    NotModelledError
        If there is nothing to learn: no value, one value, times, too many texts, too few rows, or a class of
        too few rows.
    """
    column = scan.column(wishes.target)
    rows = scan.rows - column.nulls
    _check_learnable(column, scan.rows, rows)
    task, why, doubts = _asked(column, wishes.task) if wishes.task else _inferred(column, rows)
    if task is Task.REGRESSION:
        return Target(column.name, task, rows, (), why, doubts)
    return _with_classes(Target(column.name, task, rows, column.common, why, doubts))


def _check_learnable(column: ColumnScan, all_rows: int, rows: int) -> None:
    name = column.name
    if rows == 0:
        raise NotModelledError(
            f"the target {name!r} is empty in all {all_rows:,} rows",
            "a model learns from rows with a target", "Name another --target, or fill it",
        )  # fmt: skip
    if column.distinct == 1:
        value = column.common[0][0] if column.common else "one value"
        raise NotModelledError(
            f"the target {name!r} is {value!r} in all {rows:,} rows",
            "nothing can be learned of what never varies",
            "Name another --target, or bring rows where it is otherwise",
        )  # fmt: skip
    if rows < LEAST_ROWS:
        raise NotModelledError(
            f"{rows:,} of {all_rows:,} rows have a target",
            f"at least {LEAST_ROWS} are needed, for rows that teach, that judge now, and that judge always",
            "Bring more rows",
        )
    if column.type is ColumnType.TIMESTAMP:
        raise NotModelledError(
            f"the target {name!r} is a time", "a model answers with classes or numbers",
            "Make a column of it, such as the hours until then",
        )  # fmt: skip


def _asked(column: ColumnScan, task: Task) -> tuple[Task, str, tuple[Doubt, ...]]:
    is_number = column.type in (ColumnType.INT, ColumnType.FLOAT)
    fits = {
        Task.BINARY: column.distinct == _TWO,
        Task.MULTICLASS: _TWO < column.distinct <= MAX_COMMON,
        Task.REGRESSION: is_number,
    }
    if not fits[task]:
        found = f"the target {column.name!r} has {column.distinct:,} values of type {column.type}"
        raise NotModelledError(
            f"--task {task}, and {found}",
            f"binary needs two, multiclass 3 to {MAX_COMMON}, regression numbers",
            "Leave --task out, or name another",
        )
    return task, "asked for by --task", ()


def _inferred(column: ColumnScan, rows: int) -> tuple[Task, str, tuple[Doubt, ...]]:
    if column.distinct == _TWO:
        return Task.BINARY, f"{_listed(column)}: two values", ()
    if column.type is ColumnType.FLOAT and not _are_few_whole(column):
        return Task.REGRESSION, f"numbers from {column.low:g} to {column.high:g}", ()
    if column.type in (ColumnType.INT, ColumnType.FLOAT):
        return _of_whole_numbers(column)
    if column.distinct > min(MOST_CLASSES, rows // LEAST_CLASS_ROWS):
        raise NotModelledError(
            f"the target {column.name!r} has {column.distinct:,} different texts in {rows:,} rows",
            f"at most {MOST_CLASSES} classes with {LEAST_CLASS_ROWS} rows each can be told apart",
            "Join classes, or name another --target"
            + (f"; nearly all are of type {column.nearly}: correct the others" if column.nearly else ""),
        )
    return Task.MULTICLASS, f"{column.distinct} classes, as texts", ()


def _are_few_whole(column: ColumnScan) -> bool:
    """Whether they are few whole numbers, as a column of whole numbers with gaps is often written."""
    is_few = 0 < len(column.common) == column.distinct <= FEW_NUMBERS
    return is_few and all(float(value).is_integer() for value, _ in column.common)


def _of_whole_numbers(column: ColumnScan) -> tuple[Task, str, tuple[Doubt, ...]]:
    name, count = column.name, column.distinct
    if count > FEW_NUMBERS:
        return Task.REGRESSION, f"{count:,} whole numbers from {column.low:g} to {column.high:g}", ()
    rarest = min(rows for _, rows in column.common)
    if rarest < LEAST_CLASS_ROWS:
        unsure = f"unsure whether the {count} whole numbers of {name} are amounts or classes"
        what = f"{unsure}, {rarest} rows in the rarest"
        return Task.REGRESSION, f"{count} whole numbers, too few rows of some to be classes", (
            Doubt(what, "--task multiclass, or model.task"),
        )  # fmt: skip
    what = f"unsure whether the {count} whole numbers of {name} are classes or amounts: taken for classes"
    return Task.MULTICLASS, f"{count} whole numbers, taken for classes", (
        Doubt(what, "--task regression, or model.task"),
    )  # fmt: skip


def _refuse_alike(target: Target) -> None:
    """Refuse classes that differ by blanks only."""
    known: dict[str, str] = {}
    for name, _ in target.classes:
        alike = known.setdefault(name.strip(), name)
        if alike != name:
            raise NotModelledError(
                f"{target.column!r} has the classes {alike!r} and {name!r}",
                "a class has one name", "Write it in one way in the file",
            )  # fmt: skip


def _with_classes(target: Target) -> Target:
    _refuse_alike(target)
    name, rows = min(target.classes, key=lambda one: one[1])
    if rows < LEAST_CLASS_ROWS:
        raise NotModelledError(
            f"class {name!r} of {target.column!r} has {rows} rows",
            f"a class needs {LEAST_CLASS_ROWS}, to learn from, and among the recent and the golden ones",
            "Bring more of them, join it with another class, or take these rows out",
        )
    rare = [f"{name} ({rows})" for name, rows in target.classes if rows < RARE_CLASS_ROWS]
    if not rare:
        return target
    what = f"few rows of {', '.join(rare[:5])}: what is said of them on judged rows is mostly chance"
    return replace(target, doubts=(*target.doubts, Doubt(what, "more rows")))


def _listed(column: ColumnScan) -> str:
    return " and ".join(value for value, _ in column.common[:_TWO])
