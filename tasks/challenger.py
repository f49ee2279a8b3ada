"""The challenger: its rows, its training, its judgement, its place in the catalogue."""

from datetime import datetime

from millrace.domain.claim import Claim
from millrace.domain.facts import ChallengerJudged, ChallengerTrained, DecisionMade, VersionRegistered
from millrace.domain.gate.table import gate_table
from millrace.steps import gate, register, rows, train
from millrace.steps.gate_reports import find_report_page
from millrace.steps.progress import announce
from tasks.retries import local_task, network_task
from tasks.show import show_link, show_markdown, show_progress, tell

ROWS_SHARE, TRIALS_SHARE, TRAINED_SHARE, JUDGED_SHARE = 0.1, 0.2, 0.7, 0.9
"""How far a retraining is, of 1, before its rows are read, during its search, and after what follows."""


@network_task("read and verify the rows")
def load_rows(model: str, version: str, now: datetime) -> rows.SplitRows:
    """Read every byte against its manifest."""
    show_progress(model, ROWS_SHARE, "reading and verifying the rows")
    return rows.load_rows(model, version, now)


@local_task("train the challenger")
def train_challenger(
    model: str, split: rows.SplitRows, decision: DecisionMade, claim: Claim, now: datetime
) -> ChallengerTrained:
    """Search, fit and export, with the progress of the search in the UI."""
    show_progress(model, TRIALS_SHARE, f"training on {len(split.training.labels):,} rows")

    def on_trial(done: int, total: int) -> None:
        announce("search", done, total)
        searched = TRIALS_SHARE + (TRAINED_SHARE - TRIALS_SHARE) * done / total
        show_progress(model, searched, f"search: {done} of {total} trials")

    return train.train_challenger(model, split, decision, claim, now, on_trial)


@local_task("judge the challenger")
def judge_challenger(
    model: str, split: rows.SplitRows, trained: ChallengerTrained, claim: Claim, now: datetime
) -> ChallengerJudged:
    """Judge the bundle and show the gate's table in the UI."""
    show_progress(model, TRAINED_SHARE, f"judging {trained.digest[:12]}")
    judged = gate.judge_challenger(model, split, trained, claim, now)
    told = f"{model}: challenger {judged.digest[:12]} {judged.outcome}, {judged.reason}"
    tell(told)
    show_markdown(model, "gate", f"{gate_table(judged)}\n{_tell_report(model, judged)}\n", told)
    return judged


def _tell_report(model: str, judged: ChallengerJudged) -> str:
    verb = f"`millrace gate {judged.digest[:12]}` shows every rule with its numbers"
    page = find_report_page(model, judged.digest)
    return f"[The report]({page}): {verb}." if page else f"{verb}."


@network_task("register the version")
def register_version(
    model: str,
    split: rows.SplitRows,
    trained: ChallengerTrained,
    judged: ChallengerJudged,
    claim: Claim,
    now: datetime,
) -> VersionRegistered:
    """Write the version into the catalogue, and show where to read about it there."""
    show_progress(model, JUDGED_SHARE, "registering and publishing")
    registered = register.register_version(model, split, trained, judged, claim, now)
    page = register.find_run_page(registered.run_id)
    if page is not None:
        title = f"{model} version {registered.version}"
        show_link(model, "mlflow-run", page, title, "The run in MLflow: parameters, metrics, the bundle.")
        report = f"{page}/artifacts/gate.html"
        show_link(model, "report", report, f"{title}: the gate's report", "What each rule found.")
    show_progress(model, 1.0, f"version {registered.version}, {judged.outcome}")
    return registered
