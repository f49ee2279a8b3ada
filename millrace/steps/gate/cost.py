"""How long do challenger and champion take, and how large are they, in the same run?"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import Scorer
from millrace.adapters.scorer.footprint import measure_footprint
from millrace.domain.config import Rule
from millrace.domain.gate.cost import BundleCost, Cost
from millrace.domain.gate.evidence import asked_of
from millrace.domain.losses import FloatArray
from millrace.settings import load_settings
from millrace.steps.explaining.sample import raw_features
from millrace.steps.gate.case import Case
from millrace.steps.progress import announce

if TYPE_CHECKING:
    import pandas as pd

THOUSAND = 1_000
MOST_TURNS = 100
LEAST_TURNS = 20
BUDGET_MILLISECONDS = 2_000.0
"""The turns of one size take about so long, be the bundles ever so slow."""
FASTEST_OF = 3
"""Each turn is the fastest of so many: what another process takes away is no cost of the bundle."""
WARMING = 5
MEMORY_TIMEOUT_SECONDS = 60.0
"""A service that takes as long to start is broken."""

RawColumns = dict[str, list[Any]]


def measure_cost(case: Case) -> Cost:
    """Ask both in turns, as services do: columns of lists in, answers out."""
    limits, champion = asked_of(case.config.gate.cost, Rule.COST), case.compared.champion
    asked = [case.compared.challenger, *([champion] if champion is not None else [])]
    rows = [_rows_for(one, case.recent.frame) for one in asked]
    announce("timing answers")
    one = _time_in_turns(asked, [[_slice(each, at) for at in range(MOST_TURNS)] for each in rows])
    thousand = _time_in_turns(asked, [[each] * MOST_TURNS for each in rows])
    memory: list[int | None] = [None] * len(asked)
    if limits.asks_memory:
        announce("weighing memory")
        memory = [
            measure_footprint(_folder(scorer), each, MEMORY_TIMEOUT_SECONDS)
            for scorer, each in zip(asked, rows, strict=True)
        ]
    costs = [
        BundleCost(one[at], thousand[at], _size_on_disk(scorer), memory[at])
        for at, scorer in enumerate(asked)
    ]
    return Cost(case.on_recent, costs[0], costs[1] if len(costs) > 1 else None)


def _rows_for(scorer: Scorer, frame: "pd.DataFrame") -> RawColumns:
    """Return 1,000 rows of what the bundle takes, some of them again where there are fewer."""
    features = raw_features(frame.iloc[np.arange(THOUSAND) % len(frame)], scorer.schema.inputs)
    return {name: _listed(features[name]) for name in features.columns}


def _listed(values: "pd.Series[Any]") -> list[Any]:
    return [None if null else value for value, null in zip(values.tolist(), values.isna(), strict=True)]


def _slice(columns: RawColumns, at: int) -> RawColumns:
    return {name: values[at : at + 1] for name, values in columns.items()}


def _time_in_turns(scorers: list[Scorer], asked: list[list[RawColumns]]) -> list[FloatArray]:
    """Return the milliseconds of each turn by scorer; who comes first alternates."""
    warm = [
        [_time_once(scorer, columns) for columns in turns[:WARMING]]
        for scorer, turns in zip(scorers, asked, strict=True)
    ]
    each = FASTEST_OF * sum(float(np.median(times)) for times in warm)
    turns = int(np.clip(BUDGET_MILLISECONDS / each, LEAST_TURNS, len(asked[0])))
    taken = np.full((FASTEST_OF, len(scorers), turns), np.inf)
    for turn in range(turns):
        for again in range(FASTEST_OF):
            for at in _order(len(scorers), turn + again):
                taken[again, at, turn] = _time_once(scorers[at], asked[at][turn])
    return list(taken.min(axis=0))


def _time_once(scorer: Scorer, columns: RawColumns) -> float:
    began = time.perf_counter_ns()
    scorer.answer(columns)
    return (time.perf_counter_ns() - began) / 1e6


def _order(scorers: int, turn: int) -> Iterator[int]:
    return iter(range(scorers)) if turn % 2 == 0 else reversed(range(scorers))


def _folder(scorer: Scorer) -> Path:
    return bundles_folder(load_settings().channel) / scorer.digest


def _size_on_disk(scorer: Scorer) -> int:
    return sum(path.stat().st_size for path in _folder(scorer).iterdir())
