"""What becomes of the challenger's answers when rows are a little otherwise?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from millrace.adapters.scorer import PROOF_TOLERANCE
from millrace.domain.answers import spread_shares
from millrace.domain.attack import Decision, find_flips, make_box
from millrace.domain.bundle import InputColumn, Schema
from millrace.domain.config.gate.robustness import (
    AttackPolicy,
    Direction,
    MonotonePolicy,
    ReplacedPolicy,
    RobustnessPolicy,
)
from millrace.domain.features import Columns, number_values
from millrace.domain.gate.code import Code
from millrace.domain.gate.measurement import NoEvidenceError
from millrace.domain.gate.tried import (
    MISSING,
    NOISE,
    UNKNOWN,
    Alike,
    Attack,
    Change,
    Extreme,
    Robustness,
    Steps,
    ToTry,
)
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.losses import FloatArray, IntArray
from millrace.domain.perturbation import (
    add_noise,
    blank,
    extreme_values,
    is_quantity,
    make_unseen,
    may_be_unseen,
    spread_of,
    usual_steps,
)
from millrace.steps.gate.case import Case
from millrace.steps.progress import announce

if TYPE_CHECKING:
    import pandas as pd

SEED = 0
ALIKE_ROWS = 200
EXTREME_ROWS = 20

Changed = Callable[["pd.DataFrame", list[InputColumn], float, int], "pd.DataFrame"]


@dataclass(frozen=True, eq=False)
class Tried:
    """The judged rows that are tried, by their positions, as the challenger's schema wants them."""

    case: Case
    schema: Schema
    frame: "pd.DataFrame"
    positions: IntArray

    def ask(self, rows: Columns) -> FloatArray:
        """Ask the challenger."""
        return self.case.compared.challenger.answer(rows)

    @cached_property
    def quantities(self) -> list[InputColumn]:
        return [column for column in self.schema.inputs if is_quantity(column)]

    def some(self, rows: int) -> "pd.DataFrame":
        """Return the first so many: their order is drawn."""
        return self.frame.iloc[:rows]


def measure_robustness(case: Case) -> Robustness:
    """Try a sample of the recent rows, drawn over all blocks: whole blocks of many rows would be too few.

    An own loss may need all columns of a row, but no bundle does: only its inputs are changed.
    """
    asked = case.config.gate.robustness
    rows = len(case.recent.frame)
    if asked is None or not rows:
        raise NoEvidenceError(Code.EMPTY, "there are 0 recent rows to try, 1 needed")
    schema = case.compared.challenger.schema
    positions = np.random.default_rng(SEED).permutation(rows)[: asked.rows]
    frame = case.recent.frame[[column.name for column in schema.inputs]].iloc[positions]
    tried = Tried(case, schema, frame.reset_index(drop=True), positions)
    return Robustness(
        source=case.on_recent,
        to_try=_count_to_try(schema),
        positions=positions,
        alike=tuple(_alike(tried)),
        extremes=tuple(_extremes(tried)),
        changes=tuple(_changes(tried, asked)),
        monotone=tuple(_monotone(tried, asked.monotone)) if asked.monotone else (),
        attack=_attack(tried, asked.attack) if asked.attack else None,
    )


def _count_to_try(schema: Schema) -> ToTry:
    numbers = [column for column in schema.inputs if is_quantity(column)]
    return ToTry(
        numbers=len(numbers),
        nullable=sum(column.nullable for column in schema.inputs),
        open=sum(may_be_unseen(column) for column in schema.inputs),
        extremes=sum(len(extreme_values(column)) for column in numbers),
    )


def _alike(tried: Tried) -> Iterator[Alike]:
    rows, inputs = tried.some(ALIKE_ROWS), tried.schema.inputs
    names = [column.name for column in inputs]
    answers = tried.ask(rows)
    whole = [one.name for one in inputs if one.type is ColumnType.INT and rows[one.name].notna().all()]
    numbers = [column.name for column in tried.quantities]
    plain = {name: rows[name].astype(object).where(rows[name].notna(), None).tolist() for name in names}

    def held(name: str, columns: list[str], told: Columns) -> Alike:
        return Alike(name, len(rows), len(columns), _differing(tried.ask(told), answers, 0.0))

    yield held("columns in another order", names if len(names) > 1 else [], rows[names[::-1]])
    yield held("whole numbers as floats", whole, rows.astype(dict.fromkeys(whole, "float64")))
    yield held("float32", numbers, rows.astype(dict.fromkeys(numbers, "float32")))
    yield held("the lists of a request", names, plain)
    alone = np.concatenate([tried.ask(rows.iloc[at : at + 1]) for at in range(len(rows))])
    # a sum over many rows at once may round otherwise
    differing = _differing(alone, answers, PROOF_TOLERANCE)
    yield Alike("no other row beside", len(rows), len(names), differing)


def _differing(found: FloatArray, needed: FloatArray, tolerance: float) -> int:
    same = np.isclose(found, needed, rtol=tolerance, atol=tolerance, equal_nan=True)
    return int(np.count_nonzero(~same.reshape(len(needed), -1).all(axis=1)))


def _extremes(tried: Tried) -> Iterator[Extreme]:
    rows = tried.some(EXTREME_ROWS)
    for column in tried.quantities:
        for value in extreme_values(column):
            answers = tried.ask(rows.assign(**{column.name: value}))
            yield Extreme(f"{column.name} = {float(value)!r}", len(rows), _odd(answers))


def _odd(answers: FloatArray) -> int:
    return int(np.count_nonzero(~np.isfinite(answers.reshape(len(answers), -1)).all(axis=1)))


def _changes(tried: Tried, asked: RobustnessPolicy) -> Iterator[Change]:
    inputs = tried.schema.inputs
    if asked.noise is not None:
        yield _change(tried, NOISE, add_noise, tried.quantities, asked.noise.share)
    parts: tuple[tuple[str, Changed, ReplacedPolicy | None, list[InputColumn]], ...] = (
        (MISSING, blank, asked.missing, [column for column in inputs if column.nullable]),
        (UNKNOWN, make_unseen, asked.unknown, [column for column in inputs if may_be_unseen(column)]),
    )
    for name, change, limits, columns in parts:
        if limits is not None:
            yield _change(tried, name, change, columns, limits.share)


def _change(tried: Tried, name: str, change: Changed, columns: list[InputColumn], share: float) -> Change:
    if not columns:
        return Change(name, 0, 0, None)
    answers = tried.ask(change(tried.frame, columns, share, SEED))
    if odd := _odd(answers):
        return Change(name, len(columns), odd, None)
    case, classes = tried.case, tried.schema.classes
    wanted = case.compared.classes_beside(case.split.all_classes)
    return Change(name, len(columns), 0, spread_shares(answers, classes, wanted) if wanted else answers)


def _monotone(tried: Tried, asked: MonotonePolicy) -> Iterator[Steps]:
    import pandas as pd

    rows, inputs = tried.some(asked.rows), {column.name: column for column in tried.schema.inputs}
    for name, way in asked.columns.items():
        grid = usual_steps(number_values(tried.frame[name], name), inputs[name], asked.steps)
        if grid.size <= 1:
            yield Steps(name, 0, 0, 0.0)
            continue
        told = pd.concat([rows.assign(**{name: value}) for value in grid], ignore_index=True)
        taken = np.diff(tried.ask(told).reshape(grid.size, len(rows)), axis=0)
        back = -taken if way is Direction.RISING else taken
        # what is no number went the wrong way too
        wrong = int(np.count_nonzero(~(back <= asked.tolerance)))
        yield Steps(name, taken.size, wrong, max(0.0, float(np.nanmax(back, initial=0.0))))


def _attack(tried: Tried, asked: AttackPolicy) -> Attack:
    rows, columns = tried.some(asked.rows), tried.quantities
    positions = tried.positions[: asked.rows]
    if not columns:
        return Attack(0, positions, np.zeros(positions.size, dtype=np.intp))
    reach = [asked.share * spread_of(number_values(tried.frame[one.name], one.name)) for one in columns]
    threshold = 0.5 if tried.schema.threshold is None else tried.schema.threshold
    found = find_flips(
        tried.ask,
        rows,
        make_box(rows, columns, reach),
        Decision(threshold if tried.schema.task is Task.BINARY else None, asked.shift),
        queries=asked.queries,
        seed=SEED,
        told=lambda done, total: announce("gate: robustness, attack", done, total),
    )
    return Attack(len(columns), positions, found.astype(np.intp))
