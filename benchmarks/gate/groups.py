"""How often does the gate find a model that is worse in one slice, or for one group of people?

Run `python -m benchmarks.gate.groups`. Each is planted in a real model on the first quarter of flights, and a
clean one of another seed stands beside it, on other rows for each seed. The planted one learned delays of one
airport at random, or that flights of one half of the passengers, which it knows by a column that is shifted
for them, are late. Nobody knows who flew: halves and seats are drawn. A defect counts as caught where it does
not pass.
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.gate.planted_flights import (
    SEEDS,
    count_verdicts,
    first_quarter,
    flights,
    sample,
    seeded,
    taught,
)
from benchmarks.report import Figure, Report, make_report, run
from millrace.domain.config import ModelConfig
from millrace.domain.verdict import Verdict
from millrace.steps.rows import SplitRows
from tests.steps.gate.cases import judge_case, make_case, split_frame, train_on

SHARE = 0.5
PACKAGES = ("scikit-learn", "fairlearn", "numpy", "skl2onnx")

SECTIONS: dict[str, dict[str, Any]] = {
    "slices": {
        "columns": ["origin", "carrier", "departure_minute", "origin*departure_minute"],
        "max_harm": 0.05, "min_blocks": 14, "min_share": 0.1, "bins": 3,
    },
    "fairness": {
        "columns": ["half", "seat", "half*seat"],
        "max_parity_difference": 0.1, "max_odds_difference": 0.15, "min_rows": 100, "min_share": 0.1,
    },
}  # fmt: skip


def measure(seeds: int) -> Report:
    """Judge as many clean and as many planted models by each rule."""
    with first_quarter() as frame:
        figures = [
            figure
            for rule in SECTIONS
            for is_planted in (False, True)
            for figure in _figures(rule, frame, seeds, is_planted=is_planted)
        ]
    title = f"A slice or a group treated worse, on flights, {seeds} planted and {seeds} clean models each"
    return make_report("gate.groups", title, tuple(figures), PACKAGES)


def _figures(rule: str, frame: pd.DataFrame, seeds: int, *, is_planted: bool) -> list[Figure]:
    def judge(seed: int) -> Verdict:
        rows = split_frame(_config(rule, seed), _with_groups(frame, seed))
        champion = train_on(_config(rule, 1_000 + seed), rows).digest
        learned = _spoilt(rule, rows, seed) if is_planted else rows
        return judge_case(make_case(_config(rule, seed), learned, champion=champion), rule)

    name = f"{rule}, {'planted' if is_planted else 'clean'}"
    return count_verdicts(name, judge, seeds, is_planted=is_planted)[1]


def _config(rule: str, seed: int) -> ModelConfig:
    document = flights().model_dump(exclude_none=True)
    document["contract"]["columns"] |= {"half": {"type": "string"}, "seat": {"type": "string"}}
    document["gate"][rule] = SECTIONS[rule]
    # slices of a tenth need every golden day there is
    document["golden"]["until"] = date(2013, 4, 1)
    return seeded(ModelConfig.model_validate(document), seed, max_iter=40)


def _with_groups(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    rows, source = sample(frame, seed, SHARE), np.random.default_rng([seed, 1])
    is_first = source.random(len(rows)) < 0.5
    # the pressure is known to the model, and tells the halves apart from now on
    pressure = rows["pressure_mbar"] + np.where(is_first, 0.0, 100.0)
    half, seat = np.where(is_first, "first", "second"), source.choice(["aisle", "window"], len(rows))
    return rows.assign(half=half, seat=seat, pressure_mbar=pressure)


def _spoilt(rule: str, rows: SplitRows, seed: int) -> SplitRows:
    """Let the training rows of some say what is not so; what judges stays as it is."""
    training, source = rows.training, np.random.default_rng(seed + 1)
    labels, frame = training.labels.copy(), training.frame
    if rule == "slices":
        chosen = (frame["origin"] == "LGA").to_numpy()
        labels[chosen] = source.permutation(labels[chosen])
    else:
        chosen = ((frame["half"] == "second") & frame["pressure_mbar"].notna()).to_numpy()
        labels[chosen & (source.random(len(labels)) < 0.4)] = 1.0
    return taught(rows, labels)


if __name__ == "__main__":
    run(measure, SEEDS, __doc__)
