"""Does the pipeline of training see and answer what was logged as the service did?"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import Scorer, load_scorer
from millrace.domain.answers import measure_agreement
from millrace.domain.bundle import InputColumn
from millrace.domain.config import ColumnContract, ModelConfig
from millrace.domain.dataset import Part
from millrace.domain.facts import Agreement
from millrace.domain.kinds import Task
from millrace.domain.monitoring.attempt import attempt
from millrace.domain.monitoring.skew import ComparedInputs, LeftOut, Skew, compare_inputs
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.known_keys import may_repeat

if TYPE_CHECKING:
    import pandas as pd

Found = TypeVar("Found")

MAX_SEARCHED_ROWS = 2_000_000
"""So many rows of the dataset, the newest parts first, are searched for those of the log."""


class HiddenColumnsError(MillraceError):
    """The log does not have what a row was asked with."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        super().__init__(
            f"found no readable {', '.join(columns)} in the log, needed every column that the version takes. "
            "Columns in serving.hash and serving.leave_out are not there"
        )


class NoKeyError(MillraceError):
    """Logged rows cannot be found in the dataset."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"found {found}, needed data.key in every request to find its row in the dataset")


def find_skew(config: ModelConfig, digest: str, start: datetime, end: datetime, max_rows: int) -> Skew:
    """Ask the newest rows that a version answered in `[start, end)` again, the way training does."""
    from millrace.adapters.prediction_log.newest import read_newest

    settings = load_settings()
    logged = read_newest(settings.predictions, config.name, digest, start, end, max_rows).rows
    scorer = load_scorer(bundles_folder(settings.channel) / digest)
    hidden = {*config.serving_settings.hashed, *config.serving_settings.left_out}
    inputs = tuple(column for column in scorer.schema.inputs if column.name not in hidden)
    return Skew(
        attempt(partial(_unless_left_out, partial(_replayed, config, scorer, logged, hidden))),
        attempt(partial(_unless_left_out, partial(_compared, config, inputs, logged, hidden))),
        tuple(column.name for column in scorer.schema.inputs if column.name in hidden),
    )


def _unless_left_out(look: Callable[[], Found]) -> Found | LeftOut:
    try:
        return look()
    except (HiddenColumnsError, NoKeyError) as error:
        return LeftOut(f"{type(error).__name__}: {error}")


def _replayed(config: ModelConfig, scorer: Scorer, logged: "pd.DataFrame", hidden: set[str]) -> Agreement:
    """Compare the answers of the log with the gate's own way to them: a frame in the dataset's types."""
    from millrace.adapters.prediction_log.frames import answer_columns, inputs_of
    from millrace.steps.rescore import score_rows

    if logged.empty:
        return Agreement(0, 0.0, 0)
    raw = inputs_of(logged)
    if missing := tuple(
        one.name for one in scorer.schema.inputs if one.name in hidden or one.name not in raw
    ):
        raise HiddenColumnsError(missing)
    answered = logged[answer_columns(logged)].to_numpy("float64")
    scores, _ = score_rows(scorer, as_in_dataset(raw, scorer.schema.inputs))
    flat = answered if scorer.schema.task is Task.MULTICLASS else answered[:, 0]
    return measure_agreement(scores, flat, config.gate.agreement_tolerance)


def _compared(
    config: ModelConfig, inputs: tuple[InputColumn, ...], logged: "pd.DataFrame", hidden: set[str]
) -> ComparedInputs:
    """Compare the inputs of the log with those of the same rows in the dataset, found by their key."""
    from millrace.adapters.prediction_log.frames import inputs_of

    raw, key = inputs_of(logged), config.data.key
    if not key:
        raise NoKeyError("no data.key in model.toml")
    if unlogged := [name for name in key if name in hidden or name not in raw]:
        raise NoKeyError(f"no readable {', '.join(unlogged)} in the log")
    columns = tuple(column for column in inputs if column.name in raw)
    named = _typed(raw, config, key).add_prefix("key.")
    asked = named.join(as_in_dataset(raw, columns)).dropna(subset=[*named])
    known = _find_known(config, named, [column.name for column in columns])
    pairs = asked.merge(known, on=[*named], suffixes=(" logged", " known"))
    ours, theirs = (
        {column.name: pairs[f"{column.name} {side}"] for column in columns} for side in ("logged", "known")
    )
    return compare_inputs(ours, theirs, columns)


def _find_known(config: ModelConfig, named: "pd.DataFrame", columns: list[str]) -> "pd.DataFrame":
    """Read the columns of the rows that have these keys, of equal keys the newest."""
    from millrace.adapters.parts import read_parts

    key, time = config.data.key, config.data.time
    bounds = {}
    if time in key and len(named):
        times = named[f"key.{time}"].dropna()
        bounds = {str(time): (times.min().to_pydatetime(), times.max().to_pydatetime())} if len(times) else {}
    parts = [part for part in current_dataset(config.name).parts if may_repeat(part, config, bounds)]
    chosen = _newest(parts, MAX_SEARCHED_ROWS)
    wanted = {name: named[f"key.{name}"].dropna().drop_duplicates() for name in key}
    names = [*dict.fromkeys((*key, *columns))]
    frame = read_parts(load_settings().data / config.name, chosen, names, wanted)
    keys = _typed(frame, config, key).add_prefix("key.")
    return keys.join(frame[columns]).drop_duplicates([*keys], keep="last")


def _newest(parts: list[Part], max_rows: int) -> list[Part]:
    chosen: list[Part] = []
    for part in reversed(parts):
        if chosen and sum(one.rows for one in chosen) + part.rows > max_rows:
            break
        chosen.insert(0, part)
    return chosen


def _typed(rows: "pd.DataFrame", config: ModelConfig, columns: tuple[str, ...]) -> "pd.DataFrame":
    """Read columns in the types of the contract, as a batch is."""
    import pandas as pd

    from millrace.domain.columns import convert_column

    contracts = config.contract.columns
    return pd.DataFrame({name: convert_column(rows[name], contracts[name]).values for name in columns})


def as_in_dataset(rows: "pd.DataFrame", columns: tuple[InputColumn, ...]) -> "pd.DataFrame":
    """Read logged inputs in the types that the dataset had for the bundle."""
    import pandas as pd

    from millrace.domain.columns import convert_column

    def contract(column: InputColumn) -> ColumnContract:
        return ColumnContract(type=column.type, max_null_share=1.0 if column.nullable else 0.0)

    return pd.DataFrame(
        {column.name: convert_column(rows[column.name], contract(column)).values for column in columns}
    )
