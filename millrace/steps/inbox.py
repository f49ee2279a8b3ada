"""Which files in the inboxes were never taken in, and are no longer being written?"""

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG

from millrace.adapters.batches import digest_of_file
from millrace.domain.table_file import table_suffix
from millrace.steps.arrivals import list_inbox
from millrace.steps.stores import ledger

log = logging.getLogger(__name__)

QUIET_SECONDS = 5.0
"""How long a file must not have changed: half a CSV is a CSV."""
SEALED_QUIET_SECONDS = 0.9
"""Half a parquet file has no footer, half an Excel one no directory: both are refused."""
_SEALED = (".parquet", ".xlsx", ".xlsm", ".ods")


@dataclass
class _Seen:
    """A file as it was at the last look, and since when it has been so."""

    marks: tuple[int, int, int, int]
    since: float
    digest: str | None = None
    is_handled: bool = False

    def is_quiet(self, path: Path) -> bool:
        needed = SEALED_QUIET_SECONDS if table_suffix(path.name) in _SEALED else QUIET_SECONDS
        return time.monotonic() - self.since >= needed


@dataclass
class InboxWatch:
    """What one process has seen of the inboxes: a file is hashed once for each time it changes."""

    _seen: dict[tuple[str, Path], _Seen] = field(default_factory=dict)

    def list_unseen(self, model: str) -> dict[Path, str]:
        """Return the whole files that were neither accepted nor quarantined, with their SHA-256."""
        unseen = {}
        for path in list_inbox(model):
            digest = self._digest_of_unseen(model, path)
            if digest is not None:
                unseen[path] = digest
        return unseen

    def _digest_of_unseen(self, model: str, path: Path) -> str | None:
        seen = self._look(model, path)
        if seen is None or seen.is_handled or not seen.is_quiet(path):
            return None
        try:
            path.name.encode()  # it will stand in the ledger
            seen.digest = seen.digest or digest_of_file(path)
        except (OSError, UnicodeEncodeError) as error:
            log.warning("%s: %r stays in the inbox until it is changed: %s", model, path.name, error)
            seen.is_handled = True
            return None
        seen.is_handled = ledger().arrival_state(model, seen.digest) is not None
        return None if seen.is_handled else seen.digest

    def _look(self, model: str, path: Path) -> _Seen | None:
        try:
            stat = path.stat()
        except OSError:
            return None
        if not S_ISREG(stat.st_mode):
            return None
        marks = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        known = self._seen.get((model, path))
        if known is None or known.marks != marks:
            known = self._seen[model, path] = _Seen(marks, time.monotonic())
        return known
