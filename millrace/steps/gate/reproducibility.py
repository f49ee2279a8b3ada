"""Does training the challenger again give the same scorer?"""

import hashlib
import pickle
from pathlib import Path
from tempfile import TemporaryDirectory

from millrace.adapters.scorer import open_scorer
from millrace.adapters.training_process import run_script
from millrace.domain.answers import measure_agreement
from millrace.domain.config import Rule
from millrace.domain.facts import Reproduction
from millrace.domain.gate.evidence import asked_of
from millrace.domain.gate.reproducibility import TrainedAgain
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.gate import training_again as child
from millrace.steps.gate.case import Case
from millrace.steps.gate.refitting import prepare_refits
from millrace.steps.progress import announce
from millrace.steps.reproduce_answers import compare_answers
from millrace.steps.reproduce_verdict import judge_scorers

CHILD = Path(child.__file__)
ADVICE = "fit pipeline.py twice by hand, or take [gate.reproducibility] out"


def measure_reproducibility(case: Case) -> TrainedAgain:
    """Train again in a process of its own, as chance differs from process to process, and compare.

    Raises
    ------
    TrainingProcessError
        If the second training fails.
    subprocess.TimeoutExpired
        If it takes longer than `timeout`.
    """
    manifest = case.compared.challenger.manifest
    content = _train_again(case)
    file, found = manifest.engine.file_name, hashlib.sha256(content).hexdigest()
    recorded = manifest.files[file]
    if found == recorded:
        same = Reproduction.IDENTICAL
        return TrainedAgain(case.on_recent, file, recorded, found, same, 0, 0, 0, 0.0)
    schema, rows = case.compared.challenger.schema, case.recent.frame
    before = case.compared.challenger.answer(rows)
    after = open_scorer(manifest.engine, content, schema)(rows)
    compared = compare_answers(before, after)
    apart = measure_agreement(before, after, case.config.gate.agreement_tolerance)
    return TrainedAgain(
        source=case.on_recent,
        file=file,
        recorded=recorded,
        found=found,
        result=judge_scorers(manifest.engine, compared),
        rows=apart.rows,
        differing_rows=compared.differing_rows or 0,
        apart_rows=apart.disagreeing_rows,
        largest_difference=apart.largest_difference,
    )


def _train_again(case: Case) -> bytes:
    policy = asked_of(case.config.gate.reproducibility, Rule.REPRODUCIBILITY)
    refitting, settings = prepare_refits(case), load_settings()
    request = child.Request(
        config=case.config,
        parameters=case.trained.parameters,
        models=settings.models,
        learned=refitting.learned,
        schema=case.compared.challenger.schema,
        engine=case.compared.challenger.manifest.engine,
    )
    # what a run that died leaves there is swept up
    settings.staging.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="again-", dir=settings.staging) as name:
        folder, seconds = Path(name), policy.timeout.total_seconds()
        (folder / child.REQUEST_FILE).write_bytes(pickle.dumps(request))
        announce("gate: train again")
        run_script(CHILD, folder, PROJECT_ROOT, settings.home, _ignore, timeout=seconds, advice=ADVICE)
        return (folder / child.SCORER_FILE).read_bytes()


def _ignore(_line: str) -> None:
    """It tells of nothing: one fit has no parts."""
