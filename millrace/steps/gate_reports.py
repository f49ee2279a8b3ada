"""What did the gate find of a version, with the numbers?"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from millrace.adapters.gate_report_store import keep_report, read_report
from millrace.domain.config import Metric
from millrace.domain.facts import ChallengerJudged
from millrace.domain.gate.report import GateReport, report_of_fact
from millrace.domain.losses import metric_value
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.lineage import Lineage, find_lineage
from millrace.steps.stores import model_config


class NotJudgedError(MillraceError):
    """The gate has not judged that version."""

    def __init__(self, model: str, digest: str) -> None:
        self.model, self.digest = model, digest
        super().__init__(
            f"{model}: {digest[:12]} was trained and never judged: its run ended before the gate. "
            f"`millrace retrain {model}` takes it up again"
        )


@dataclass(frozen=True)
class Judged:
    """A judgement and when it was written."""

    fact: ChallengerJudged
    at: datetime


def keep_gate_report(report: GateReport) -> str:
    """Keep a report for good; return what the ledger is to name it by."""
    return keep_report(load_settings().var / "gate", report)


def find_gate_report(model: str, judged: ChallengerJudged, at: datetime) -> GateReport:
    """Return the report of a judgement; where it is not kept here, what the ledger says.

    Raises
    ------
    DamagedReportError
        If what is kept is not what the ledger names.
    """
    if judged.report is not None:
        kept = read_report(load_settings().var / "gate", model, judged.report)
        if kept is not None:
            return kept
    return _report_of_ledger(model, judged, at)


def find_version_report(version: str) -> GateReport:
    """Return the report of a version's last judgement, of one from another installation that of there.

    Raises
    ------
    UnknownBundleError, AmbiguousNameError
        If there is no such version, or several.
    NotJudgedError
        If its training was never judged.
    """
    return find_lineage_report(find_lineage(version))


def find_lineage_report(lineage: Lineage) -> GateReport:
    """Do so of a version whose lineage is known."""
    last = find_last_judged(lineage)
    if last is None:
        raise NotJudgedError(lineage.model, lineage.trained.digest)
    return find_gate_report(lineage.model, last.fact, last.at)


def find_report_page(model: str, digest: str) -> str | None:
    """Return where the status site shows the report of a version, None where nobody said where that is."""
    site = load_settings().site
    return f"{site.rstrip('/')}/models/{quote(model)}/versions/{digest}/gate" if site else None


def find_last_judged(lineage: Lineage) -> Judged | None:
    """Return how a version was judged last, None where it was not."""
    for entry in reversed(lineage.entries):
        if isinstance(entry.fact, ChallengerJudged):
            return Judged(entry.fact, entry.at)
    if lineage.received is None:
        return None
    at = next(entry.at for entry in lineage.entries if entry.fact == lineage.received)
    return Judged(lineage.received.judged, at)


def _report_of_ledger(model: str, judged: ChallengerJudged, at: datetime) -> GateReport:
    metric = judged.known_metric or _metric_today(model)
    known = Metric(metric) if metric in set(Metric) else None
    values = {
        name: {role: metric_value(known, loss) for role, loss in losses.items()}
        for name, losses in judged.losses.items()
        if known is not None
    }
    return report_of_fact(model, judged, values, metric, at)


def _metric_today(model: str) -> str:
    try:
        return str(model_config(model).gate.metric)
    except MillraceError:
        return ""
