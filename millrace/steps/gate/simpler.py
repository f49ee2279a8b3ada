"""What would the champion's estimator answer, had it learned what the challenger did?"""

from dataclasses import replace

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.models import load_builder
from millrace.adapters.scorer import Scorer
from millrace.domain.answers import spread_shares
from millrace.domain.facts import ChallengerTrained
from millrace.domain.gate.simpler import Refitted, Simpler
from millrace.domain.metric_terms import HALF
from millrace.settings import load_settings
from millrace.steps.gate.case import Case
from millrace.steps.gate.refitting import Refitting, prepare_refits
from millrace.steps.progress import announce
from millrace.steps.stores import ledger
from millrace.steps.train import choose_own_threshold


def measure_simpler(case: Case) -> Simpler:
    """Weigh the scorers; a champion's estimator that is another one is fitted to the challenger's rows."""
    champion, own = case.compared.champion, case.config.training.estimator
    trained = None if champion is None else _find_training(case.config.name, champion.digest)
    previous, why = None, ""
    if champion is not None and (trained is None or not trained.estimator):
        why = f"of which estimator the champion {champion.digest[:12]} is was not recorded"
    elif champion is not None and trained is not None and trained.estimator == own:
        why = "the champion is of the same estimator"
    elif champion is not None and trained is not None:
        previous = _refit(case, champion, trained)
    return Simpler(
        source=case.on_recent,
        scorer_bytes=_weigh(case.compared.challenger),
        baseline_bytes=_weigh(case.compared.baseline),
        previous=previous,
        why_no_previous=why,
    )


def _refit(case: Case, champion: Scorer, trained: ChallengerTrained) -> Refitted:
    announce(f"fitting the champion's {trained.estimator}")
    theirs = {"estimator": trained.estimator, "search": None}
    training = case.config.training.model_copy(update=theirs)
    config = case.config.model_copy(update={"training": training})
    refitting = replace(
        prepare_refits(case),
        config=config,
        parameters=trained.parameters,
        custom=load_builder(load_settings().models, config),
    )
    answers = refitting.answer(np.arange(len(refitting.learned.labels)))
    if wanted := case.compared.classes_beside(case.split.all_classes):
        answers = spread_shares(answers, refitting.classes, wanted)
    return Refitted(trained.estimator, _weigh(champion), answers, _threshold_of(refitting))


def _threshold_of(refitting: Refitting) -> float:
    """Choose from where on the refit decides, as the challenger's was chosen: or it would be a straw man."""
    chosen = choose_own_threshold(refitting.config, refitting.learned, refitting.parameters, refitting.custom)
    return HALF if chosen is None else chosen


def _find_training(model: str, digest: str) -> ChallengerTrained | None:
    for entry in ledger().newest_first(model, ChallengerTrained):
        if isinstance(entry.fact, ChallengerTrained) and entry.fact.digest == digest:
            return entry.fact
    return None


def _weigh(scorer: Scorer) -> int:
    """Return the size of what answers, in bytes, without what is beside it in the bundle."""
    folder = bundles_folder(load_settings().channel) / scorer.digest
    return (folder / scorer.manifest.engine.file_name).stat().st_size
