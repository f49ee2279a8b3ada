"""What does the gate say of a challenger, on evidence of this very run?"""

from dataclasses import replace
from datetime import datetime
from functools import partial
from math import isfinite

import numpy as np

from millrace.adapters.scorer import prove
from millrace.domain import gate
from millrace.domain.claim import Claim
from millrace.domain.config import Metric, ModelConfig
from millrace.domain.facts import CHAMPION_KINDS, ChallengerJudged, ChallengerTrained
from millrace.domain.gate.evidence import GateEvidence, JudgedSet
from millrace.domain.kinds import ColumnType
from millrace.domain.level import measure_level
from millrace.domain.losses import block_loss
from millrace.domain.serving import Serving, standing_champions
from millrace.domain.verdict import Verdict
from millrace.steps.actor import current_actor
from millrace.steps.gate.comparing import Compared, Marks, answer_rows, open_bundle
from millrace.steps.gate.measuring import Case, measure_rules
from millrace.steps.rows import SplitRows
from millrace.steps.stores import ledger, model_config


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
        verdicts=tuple(map(_plain, judgement.verdicts)),
        recent_set=evidence.recent.set_id,
        golden_set=evidence.golden.set_id,
        losses={name: losses_of(judged, policy.metric) for name, judged in _sets(evidence)},
        generation=serving.generation,
        level=measure_level(evidence.recent, model_config(model).model.task, policy),
    )
    ledger().append(model, fact, now, current_actor(), claim)
    return fact


def _plain(found: Verdict) -> Verdict:
    """Leave what a person looks at to the report: the ledger keeps what was decided."""
    return Verdict(found.rule, found.outcome, found.reason, found.code, found.dry_run)


def list_judged(model: str) -> list[ChallengerJudged]:
    """Return every judgement there was, oldest first."""
    entries = ledger().entries(model, (ChallengerJudged,))
    return [entry.fact for entry in entries if isinstance(entry.fact, ChallengerJudged)]


def _still_holds(fact: ChallengerJudged, serving: Serving) -> bool:
    return serving.champion in {fact.champion, fact.digest}


def _gather_evidence(
    model: str, rows: SplitRows, trained: ChallengerTrained, serving: Serving, past: list[ChallengerJudged]
) -> GateEvidence:
    best, config = _find_best(model, past, serving), model_config(model)
    compared = Compared(
        challenger=open_bundle(trained.digest),
        baseline=open_bundle(trained.baseline),
        champion=open_bundle(serving.champion) if serving.champion else None,
        best=open_bundle(best) if best else None,
    )
    prove(compared.challenger, compared.challenger.examples)
    others = [fact for fact in past if fact.run_key != trained.run_key]
    marks = partial(Marks, trained.run_key, key=config.data.key)
    recent = answer_rows(
        rows.recent,
        compared,
        rows.all_classes,
        marks([fact.recent_set for fact in others], slices=_watched_slices(config)),
    )
    golden = answer_rows(rows.golden, compared, rows.all_classes, marks([fact.golden_set for fact in others]))
    evidence = GateEvidence(
        run_key=trained.run_key,
        champion_digest=serving.champion,
        best_digest=best,
        challenger_digest=trained.digest,
        baseline_digest=trained.baseline,
        recent=recent,
        golden=golden,
        constant=trained.constant,
        agreement=trained.agreement,
    )
    return replace(evidence, measured=measure_rules(Case(config, rows, compared, trained, evidence)))


def _find_best(model: str, past: list[ChallengerJudged], serving: Serving) -> str | None:
    """Return the champion with the lowest loss on golden among those a rollback could still reach."""
    standing = set(standing_champions(entry.fact for entry in ledger().entries(model, CHAMPION_KINDS)))
    losses = {
        fact.digest: fact.losses["golden"]["challenger"]
        for fact in past
        if fact.digest in standing and "challenger" in fact.losses["golden"]
    }
    return min(losses, key=losses.__getitem__, default=serving.champion)


def _watched_slices(config: ModelConfig) -> tuple[str, ...]:
    """Name the columns whose values get a level each; what the log hashes has other names there."""
    columns, contract = config.performance.slices if config.performance else (), config.contract.columns
    hashed = config.serving_settings.hashed
    return tuple(
        name for name in columns if name not in hashed and contract[name].type is not ColumnType.TIMESTAMP
    )


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
