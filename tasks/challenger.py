"""The challenger: its rows, its training, its judgement, its place in the catalogue."""

from datetime import datetime
from typing import cast
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from millrace.domain.claim import Claim
from millrace.domain.facts import ChallengerJudged, ChallengerTrained, DecisionMade
from millrace.domain.gate.table import gate_table
from millrace.steps import judge, register, rows, train
from millrace.steps.progress import announce
from tasks.retries import local_task, network_task

load_rows = network_task("read and verify the rows")(rows.load_rows)
register_version = network_task("register the version")(register.register_version)


@local_task("train the challenger")
def train_challenger(
    model: str, split: rows.SplitRows, decision: DecisionMade, claim: Claim, now: datetime
) -> ChallengerTrained:
    """Search, fit and export, with the progress of the search in the UI."""
    progress = cast("UUID", create_progress_artifact(progress=0.0, key="search", description=model))

    def on_trial(done: int, total: int) -> None:
        announce("search", done, total)
        update_progress_artifact(progress, progress=100.0 * done / total)

    return train.train_challenger(model, split, decision, claim, now, on_trial)


@local_task("judge the challenger")
def judge_challenger(
    model: str, split: rows.SplitRows, trained: ChallengerTrained, claim: Claim, now: datetime
) -> ChallengerJudged:
    """Judge the bundle and show the gate's table in the UI."""
    judged = judge.judge_challenger(model, split, trained, claim, now)
    create_markdown_artifact(key="gate", markdown=gate_table(judged), description=model)
    return judged
