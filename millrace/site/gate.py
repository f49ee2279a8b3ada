"""What did the gate find of a version, with the numbers?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.gate.report import GateReport
from millrace.steps.gate_reports import find_lineage_report
from millrace.steps.lineage import UnknownBundleError, find_lineage
from millrace.steps.stores import ensure_known


@dataclass(frozen=True)
class GatePage:
    """The report of a version's last judgement, as it was at `at`."""

    at: datetime
    report: GateReport


def gather_gate(now: datetime, model: str, digest: str) -> GatePage:
    """Read the report of the version of `model` whose digest starts with `digest`.

    Raises
    ------
    UnknownModelError, UnknownBundleError, AmbiguousNameError
        If there is none, or several.
    NotJudgedError
        If its training was never judged.
    """
    ensure_known(model)
    lineage = find_lineage(digest)
    if lineage.model != model:
        raise UnknownBundleError(digest)
    return GatePage(now, find_lineage_report(lineage))
