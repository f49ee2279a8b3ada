"""How often does the gate promote a challenger that differs from the champion in its seed only?

Such a challenger is no better, so each promotion is an error, and the configured confidence says how
many there may be. Every model is fitted on the first quarter of flights with a seed of its own, exported,
and judged through the scorer that serves, on the rows and by the rules of models/flights.
"""

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from scipy.stats import binom

from benchmarks.report import Figure, Report, make_report, show
from millrace.adapters import export, training
from millrace.adapters.scorer import open_scorer
from millrace.domain import gate
from millrace.domain.config import ModelConfig
from millrace.domain.facts import Agreement
from millrace.domain.features import feature_frame
from millrace.domain.gate import Judgement
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, judged_set_id
from millrace.domain.gate.measurement import Source
from millrace.domain.losses import FloatArray
from millrace.domain.schema import schema_of
from millrace.domain.verdict import Outcome
from millrace.steps.arrivals import list_arrivals, stage_arrival
from millrace.steps.batch import accept_batch, claim_batch, hold_to_contract
from millrace.steps.dataset import current_dataset
from millrace.steps.rows import LabelledRows, SplitRows, load_rows
from millrace.steps.stores import model_config

MODEL, RUN = "flights", "seeds"
Q1_IS_OVER = datetime(2013, 4, 2, tzinfo=UTC)
FIRST_SEED = 1_000
SURE = 0.95


@dataclass(frozen=True, eq=False)
class Answers:
    """What one model answers on the rows that judge."""

    digest: str
    recent: FloatArray
    golden: FloatArray
    agreement: Agreement


def first_quarter() -> SplitRows:
    """Take in the first quarter and split it, as a retraining would."""
    for arrival in list_arrivals(MODEL, None, Q1_IS_OVER):
        staged = stage_arrival(arrival)
        claim = claim_batch(arrival, staged, "benchmark")
        accept_batch(arrival, hold_to_contract(arrival, staged), claim, Q1_IS_OVER)
    return load_rows(MODEL, current_dataset(MODEL).version, Q1_IS_OVER)


def with_seed(config: ModelConfig, seed: int) -> ModelConfig:
    return config.model_copy(update={"training": config.training.model_copy(update={"seed": seed})})


def answers_of(config: ModelConfig, rows: SplitRows) -> Answers:
    """Fit, export and answer, as a retraining would; the same configuration gives the same answers."""
    schema, section = schema_of(config, rows.classes), config.training
    pipeline = training.build_pipeline(config, section.estimator, section.parameters, None)
    features = feature_frame(rows.training.frame, schema.inputs)
    training.fit_pipeline(pipeline, features, rows.training.labels, section.seed)
    exported = export.export_scorer(pipeline, schema, config.gate, rows.golden.frame, open_scorer)
    answer = open_scorer(exported.engine, exported.content, schema)
    digest = hashlib.sha256(exported.content).hexdigest()
    return Answers(digest, answer(rows.recent.frame), answer(rows.golden.frame), exported.agreement)


@dataclass(frozen=True, eq=False)
class Court:
    """What every pair is judged with: the rows, the policy, and the baseline both must beat."""

    config: ModelConfig
    rows: SplitRows
    baseline: Answers
    constant: float | tuple[float, ...]

    def judge(self, champion: Answers, challenger: Answers) -> Judgement:
        """Judge one pair by the whole gate, as the first look at its rows."""
        answers = (challenger, champion, self.baseline)
        evidence = GateEvidence(
            run_key=RUN,
            champion_digest=champion.digest,
            best_digest=champion.digest,
            challenger_digest=challenger.digest,
            baseline_digest=self.baseline.digest,
            recent=_judged_set(challenger.digest, self.rows.recent, *(one.recent for one in answers)),
            golden=_judged_set(challenger.digest, self.rows.golden, *(one.golden for one in answers)),
            constant=self.constant,
            agreement=challenger.agreement,
        )
        return gate.judge_challenger(evidence, self.config.gate)


def _judged_set(
    digest: str, rows: LabelledRows, challenger: FloatArray, champion: FloatArray, baseline: FloatArray
) -> JudgedSet:
    return JudgedSet(
        source=Source(RUN, digest, judged_set_id(rows.blocks)),
        labels=rows.labels,
        blocks=rows.blocks,
        challenger=challenger,
        champion=champion,
        baseline=baseline,
        best=champion,
        looks=0,
    )


def open_court(config: ModelConfig, rows: SplitRows) -> Court:
    baseline = answers_of(training.baseline_config(config), rows)
    constant = training.constant_answer(rows.training.labels, config.model.task, config.gate.metric)
    return Court(config, rows, baseline, constant)


def fit_pairs(config: ModelConfig, rows: SplitRows, pairs: int) -> Iterator[tuple[Answers, Answers]]:
    """Yield champion and challenger; no model is in two pairs, so that the pairs are independent."""
    for number in track(range(pairs), description="pairs", console=Console(stderr=True)):
        seeds = (FIRST_SEED + 2 * number, FIRST_SEED + 2 * number + 1)
        champion, challenger = (answers_of(with_seed(config, seed), rows) for seed in seeds)
        yield champion, challenger


def measure(pairs: int) -> Report:
    config, rows = model_config(MODEL), first_quarter()
    court, judgements, differ = open_court(config, rows), [], 0
    for champion, challenger in fit_pairs(config, rows, pairs):
        judgements.append(court.judge(champion, challenger))
        differ += not np.array_equal(champion.recent, challenger.recent)
    level = 1.0 - config.gate.confidence
    promoted = sum(judgement.outcome is Outcome.PASS for judgement in judgements)
    superior = sum(
        verdict.rule == "recent_champion" and verdict.outcome is Outcome.PASS
        for judgement in judgements
        for verdict in judgement.verdicts
    )
    most = float(binom.ppf(SURE, pairs, level))
    figures = (
        Figure("pairs that differ in their seed", pairs, "pairs"),
        Figure("of them with other answers", differ, "pairs"),
        Figure("promoted by the whole gate", promoted, "pairs", most),
        Figure("superior on the recent set alone", superior, "pairs", most),
        Figure("level of the gate", round(level, 6), "of all pairs"),
        Figure(f"promotions that level explains at {SURE:.0%}", most, "pairs"),
    )
    title = "Seeds: challengers that are no better (bar: no more promotions than the level explains)"
    return make_report("seeds", title, figures, ("numpy", "scikit-learn", "skl2onnx", "onnxruntime"))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="one line of JSON instead of the table")
    arguments.add_argument("--pairs", type=int, default=40, help="how many, by default 40")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["MILLRACE_HOME"] = str(Path(home))
        os.environ.pop("MILLRACE_LEDGER_URL", None)
        report = measure(options.pairs)
    if options.json:
        print(json.dumps(asdict(report)))
    else:
        show(report)


if __name__ == "__main__":
    main()
