"""What does the report of a judgement say of the rows, the roles and the policy?"""

from datetime import datetime

import numpy as np

from millrace.domain.config import ModelConfig, Rule
from millrace.domain.facts import ChallengerTrained
from millrace.domain.gate import Judgement
from millrace.domain.gate.evidence import GateEvidence, JudgedSet
from millrace.domain.gate.report import GateReport, JudgedRows, to_findings
from millrace.domain.gate.rules import RULES
from millrace.domain.losses import metric_value
from millrace.steps.gate.losses import losses_of


def make_report(
    config: ModelConfig,
    trained: ChallengerTrained,
    evidence: GateEvidence,
    judgement: Judgement,
    generation: int | None,
    now: datetime,
) -> GateReport:
    """Put together all that somebody needs who has to answer for a judgement."""
    sets = (("recent", evidence.recent), ("golden", evidence.golden))
    return GateReport(
        model=config.name,
        at=now,
        run_key=evidence.run_key,
        digest=evidence.challenger_digest,
        champion=evidence.champion_digest,
        outcome=judgement.outcome,
        reason=judgement.reason,
        findings=to_findings(judgement.verdicts),
        sets=tuple(tell_set(name, judged, config) for name, judged in sets),
        metric=str(config.gate.metric),
        generation=generation,
        best=evidence.best_digest,
        baseline=evidence.baseline_digest,
        dataset=trained.inputs.dataset,
        model_files=trained.inputs.model_files,
        questions={str(one.rule): RULES[Rule(one.rule)].question for one in judgement.verdicts},
        policy=config.gate.model_dump(mode="json", exclude_none=True),
    )


def tell_set(name: str, judged: JudgedSet, config: ModelConfig) -> JudgedRows:
    """Say which rows judged, and what each role came to on them."""
    metric, blocks = config.gate.metric, np.unique(judged.blocks)
    return JudgedRows(
        name=name,
        set_id=judged.set_id,
        values={role: metric_value(metric, loss) for role, loss in losses_of(judged, config.gate).items()},
        rows=int(judged.labels.size),
        blocks=judged.n_blocks,
        first_block=str(blocks[0]) if blocks.size else None,
        last_block=str(blocks[-1]) if blocks.size else None,
        looks=judged.looks,
    )
