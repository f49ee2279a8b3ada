"""Was anything changed since it was written?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.errors import MillraceError
from millrace.steps.audit import Audited, verify_everything


@dataclass(frozen=True)
class AuditPage:
    """What was recomputed at `at`: `audited` where all is as written, else `broken` says what is not."""

    at: datetime
    audited: Audited | None
    broken: str | None


def gather_audit(now: datetime) -> AuditPage:
    """Verify everything, as `millrace audit verify` does."""
    try:
        return AuditPage(now, verify_everything(), None)
    except MillraceError as error:
        return AuditPage(now, None, str(error))
