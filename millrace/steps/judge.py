"""Judging: every bundle in the comparison answers the same rows through the scorer that serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import Scorer, load_scorer, prove
from millrace.domain import gate
from millrace.domain.answers import spread_shares
from millrace.domain.bundle import Schema
from millrace.domain.canonical import NULL, value_text
from millrace.domain.claim import Claim
from millrace.domain.config import Metric, ModelConfig
from millrace.domain.facts import CHAMPION_KINDS, ChallengerJudged, ChallengerTrained
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, judged_set_id
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.level import measure_level
from millrace.domain.losses import FloatArray, StrArray, block_loss
from millrace.domain.serving import Serving, standing_champions
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.rows import LabelledRows, SplitRows
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Compared:
    """The bundles of one comparison, opened: what serves or would serve, and what they must beat."""

    challenger: Scorer
    baseline: Scorer
    champion: Scorer | None
    best: Scorer | None

    @property
    def by_digest(self) -> dict[str, Scorer]:
        """Each bundle once: the best champion ever is mostly the one that serves."""
        scorers = (self.challenger, self.baseline, self.champion, self.best)
        return {scorer.digest: scorer for scorer in scorers if scorer is not None}

    def classes_beside(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """Return these classes and, after them, those that a bundle alone knows; none for other tasks."""
        if self.challenger.schema.task is not Task.MULTICLASS:
            return ()
        known = (scorer.schema.classes for scorer in self.by_digest.values())
        return tuple(dict.fromkeys(chain(classes, *known)))

    @property
    def learned_blocks(self) -> frozenset[str]:
        """All blocks that any of them was trained on."""
        manifests = (scorer.manifest for scorer in self.by_digest.values())
        return frozenset[str]().union(*(manifest.training_blocks for manifest in manifests))


def judge_challenger(
    model: str, rows: SplitRows, trained: ChallengerTrained, claim: Claim, now: datetime
) -> ChallengerJudged:
    """Judge the challenger against what serves now and record the verdict; found again after a crash."""
    serving, policy = ledger().serving(model), model_config(model).gate
    past = list_judged(model)
    for fact in past:
        if fact.run_key == trained.run_key and _still_holds(fact, serving):
            return fact
    evidence = _gather_evidence(model, rows, trained, serving, past)
    judgement = gate.judge_challenger(evidence, policy)
    fact = ChallengerJudged(
        run_key=trained.run_key,
        digest=trained.digest,
        champion=serving.champion,
        outcome=judgement.outcome,
        reason=judgement.reason,
        verdicts=judgement.verdicts,
        recent_set=evidence.recent.set_id,
        golden_set=evidence.golden.set_id,
        losses={name: losses_of(judged, policy.metric) for name, judged in _sets(evidence)},
        generation=serving.generation,
        level=measure_level(evidence.recent, model_config(model).model.task, policy),
    )
    ledger().append(model, fact, now, current_actor(), claim)
    return fact


def list_judged(model: str) -> list[ChallengerJudged]:
    """Return every judgement there was, oldest first."""
    entries = ledger().entries(model, (ChallengerJudged,))
    return [entry.fact for entry in entries if isinstance(entry.fact, ChallengerJudged)]


def _still_holds(fact: ChallengerJudged, serving: Serving) -> bool:
    return serving.champion in {fact.champion, fact.digest}


def _gather_evidence(
    model: str, rows: SplitRows, trained: ChallengerTrained, serving: Serving, past: list[ChallengerJudged]
) -> GateEvidence:
    best = _find_best(model, past, serving)
    compared = Compared(
        challenger=_open(trained.digest),
        baseline=_open(trained.baseline),
        champion=_open(serving.champion) if serving.champion else None,
        best=_open(best) if best else None,
    )
    prove(compared.challenger, compared.challenger.examples)
    others = [fact for fact in past if fact.run_key != trained.run_key]
    return GateEvidence(
        champion_digest=serving.champion,
        best_digest=best,
        challenger_digest=trained.digest,
        baseline_digest=trained.baseline,
        recent=answer_rows(
            rows.recent,
            compared,
            rows.all_classes,
            [fact.recent_set for fact in others],
            _watched_slices(model_config(model)),
        ),
        golden=answer_rows(rows.golden, compared, rows.all_classes, [fact.golden_set for fact in others]),
        constant=trained.constant,
        agreement=trained.agreement,
    )


def _find_best(model: str, past: list[ChallengerJudged], serving: Serving) -> str | None:
    """Return the champion with the lowest loss on golden among those a rollback could still reach."""
    standing = set(standing_champions(entry.fact for entry in ledger().entries(model, CHAMPION_KINDS)))
    losses = {
        fact.digest: fact.losses["golden"]["challenger"]
        for fact in past
        if fact.digest in standing and "challenger" in fact.losses["golden"]
    }
    return min(losses, key=losses.__getitem__, default=serving.champion)


def _open(digest: str) -> Scorer:
    return load_scorer(bundles_folder(load_settings().channel) / digest)


def _watched_slices(config: ModelConfig) -> tuple[str, ...]:
    """Name the columns whose values get a level each; what the log hashes has other names there."""
    columns, contract = config.performance.slices if config.performance else (), config.contract.columns
    hashed = config.serving_settings.hashed
    return tuple(
        name for name in columns if name not in hashed and contract[name].type is not ColumnType.TIMESTAMP
    )


def answer_rows(
    rows: LabelledRows,
    compared: Compared,
    classes: tuple[str, ...],
    earlier_sets: Sequence[str] = (),
    slices: Sequence[str] = (),
) -> JudgedSet:
    """Let every bundle answer the rows of the blocks that none of them has learned from.

    Labels are positions in `classes`. A bundle that answers another question has no answers.
    """
    unseen = rows.without_blocks(compared.learned_blocks)
    set_id, wanted = judged_set_id(unseen.blocks), compared.classes_beside(classes)
    answers = {
        digest: _answer_over(wanted, scorer, unseen.frame)
        for digest, scorer in compared.by_digest.items()
        if _is_comparable(scorer.schema, compared.challenger.schema)
    }

    def of(scorer: Scorer | None) -> FloatArray | None:
        return None if scorer is None else answers.get(scorer.digest)

    return JudgedSet(
        set_id=set_id,
        labels=unseen.labels,
        blocks=unseen.blocks,
        challenger=answers[compared.challenger.digest],
        champion=of(compared.champion),
        baseline=answers[compared.baseline.digest],
        best=of(compared.best),
        looks=earlier_sets.count(set_id),
        slices={name: _texts(unseen.frame[name]) for name in slices if name in unseen.frame},
    )


def _is_comparable(found: Schema, needed: Schema) -> bool:
    """Whether both answer the same question; which of several classes each knows makes no other one."""
    same_classes = found.classes == needed.classes or needed.task is Task.MULTICLASS
    return found.task is needed.task and same_classes


def _answer_over(classes: tuple[str, ...], scorer: Scorer, frame: "pd.DataFrame") -> FloatArray:
    """Answer rows: with a share of each of `classes`, or as they are where there are none."""
    answers = scorer.answer(frame)
    return spread_shares(answers, scorer.schema.classes, classes) if classes else answers


def _texts(values: "pd.Series[Any]") -> StrArray:
    """Write values as the log does."""
    is_null = values.isna()
    texts = [
        NULL if null else value_text(value) for value, null in zip(values.tolist(), is_null, strict=True)
    ]
    return np.array(texts, dtype=np.str_)


def _sets(evidence: GateEvidence) -> tuple[tuple[str, JudgedSet], ...]:
    return ("recent", evidence.recent), ("golden", evidence.golden)


def losses_of(judged: JudgedSet, metric: Metric) -> dict[str, float]:
    """Return each bundle's loss; one that is undefined is left out, for no NaN is ever written."""
    answers = {
        "challenger": judged.challenger,
        "baseline": judged.baseline,
        "champion": judged.champion,
        "best": judged.best,
    }
    losses = {
        role: block_loss(metric, judged.labels, one, judged.blocks).point
        for role, one in answers.items()
        if one is not None and one.size and np.isfinite(one).all()
    }
    return {role: loss for role, loss in losses.items() if isfinite(loss)}
