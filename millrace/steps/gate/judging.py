"""What does the gate say of a challenger, on evidence of this very run?"""

from dataclasses import replace
from datetime import datetime
from functools import partial

from millrace.adapters.scorer import prove
from millrace.domain import gate
from millrace.domain.claim import Claim
from millrace.domain.config import ModelConfig
from millrace.domain.facts import CHAMPION_KINDS, ChallengerJudged, ChallengerTrained, GoldenRenewed
from millrace.domain.gate.evidence import GateEvidence, JudgedSet
from millrace.domain.golden import GoldenHistory, golden_history, golden_policy
from millrace.domain.kinds import ColumnType
from millrace.domain.level import measure_level
from millrace.domain.serving import Serving, standing_champions
from millrace.domain.verdict import Verdict
from millrace.steps.actor import current_actor
from millrace.steps.gate.case import Case
from millrace.steps.gate.comparing import Compared, Marks, answer_rows, open_bundle
from millrace.steps.gate.grouping import make_grouping
from millrace.steps.gate.losses import losses_of
from millrace.steps.gate.measuring import measure_rules
from millrace.steps.gate.own_loss import find_own_loss, name_terms
from millrace.steps.gate.reporting import make_report
from millrace.steps.gate_reports import keep_gate_report
from millrace.steps.rows import SplitRows
from millrace.steps.stores import ledger, model_config


def judge_challenger(
    model: str, rows: SplitRows, trained: ChallengerTrained, claim: Claim, now: datetime
) -> ChallengerJudged:
    """Judge the challenger against what serves now and record the verdict; found again after a crash."""
    serving, config = ledger().serving(model), model_config(model)
    policy = config.gate
    history, terms = find_golden_history(model), name_terms(config)
    for fact in history.ever_judged:
        if fact.run_key == trained.run_key and _still_holds(fact, serving):
            return fact
    evidence = _gather_evidence(config, rows, trained, serving, history, terms)
    judgement = gate.judge_challenger(evidence, policy)
    report = make_report(config, trained, evidence, judgement, serving.generation, now)
    fact = ChallengerJudged(
        run_key=trained.run_key,
        digest=trained.digest,
        champion=serving.champion,
        outcome=judgement.outcome,
        reason=judgement.reason,
        verdicts=tuple(map(_plain, judgement.verdicts)),
        recent_set=evidence.recent.set_id,
        golden_set=evidence.golden.set_id,
        losses={name: losses_of(judged, policy) for name, judged in _sets(evidence)},
        generation=serving.generation,
        level=measure_level(evidence.recent, config.model.task, policy),
        # before the fact: where the ledger names a report, there is one
        report=keep_gate_report(report),
        metric=policy.metric.value,
        terms=terms,
        golden=history.recorded or golden_policy(config.golden),
    )
    ledger().append(model, fact, now, current_actor(), claim)
    return fact


def _plain(found: Verdict) -> Verdict:
    """Leave what a person looks at to the report: the ledger keeps what was decided."""
    return Verdict(found.rule, found.outcome, found.reason, found.code, found.dry_run)


def find_golden_history(model: str) -> GoldenHistory:
    """Return which looks the golden set had, and how it was renewed."""
    entries = ledger().entries(model, (ChallengerJudged, GoldenRenewed))
    facts = [entry.fact for entry in entries]
    return golden_history([fact for fact in facts if isinstance(fact, ChallengerJudged | GoldenRenewed)])


def _still_holds(fact: ChallengerJudged, serving: Serving) -> bool:
    return serving.champion in {fact.champion, fact.digest}


def _gather_evidence(
    config: ModelConfig,
    rows: SplitRows,
    trained: ChallengerTrained,
    serving: Serving,
    history: GoldenHistory,
    terms: str,
) -> GateEvidence:
    own_loss = find_own_loss(config)
    best = find_best(config, history, serving, terms)
    compared = Compared(
        challenger=open_bundle(trained.digest),
        baseline=open_bundle(trained.baseline),
        champion=open_bundle(serving.champion) if serving.champion else None,
        best=open_bundle(best) if best else None,
    )
    prove(compared.challenger, compared.challenger.examples)
    others = [fact for fact in history.ever_judged if fact.run_key != trained.run_key]
    marks = partial(
        Marks, trained.run_key, key=config.data.key, own_loss=own_loss,
        grouping=make_grouping(config, rows.training.frame),
    )  # fmt: skip
    recent = answer_rows(
        rows.recent,
        compared,
        rows.all_classes,
        marks([fact.recent_set for fact in others], slices=_watched_slices(config)),
    )
    golden = answer_rows(rows.golden, compared, rows.all_classes, marks())
    golden = replace(golden, looks=history.count_looks(but_for=trained.run_key))
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
        unrecorded_golden=history.tell_unrecorded(golden_policy(config.golden)),
    )
    return replace(evidence, measured=measure_rules(Case(config, rows, compared, trained, evidence)))


def find_best(config: ModelConfig, history: GoldenHistory, serving: Serving, terms: str) -> str | None:
    """Return the champion with the lowest loss on golden among those a rollback could still reach."""
    champions = ledger().entries(config.name, CHAMPION_KINDS)
    standing = set(standing_champions(entry.fact for entry in champions))
    losses = history.losses(standing, config.gate.metric.value, terms)
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
