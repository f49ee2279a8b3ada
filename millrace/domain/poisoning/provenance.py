"""May this batch come from where it comes from?"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from millrace.domain.config.poisoning import ProvenanceCheck
from millrace.domain.contract import Violation
from millrace.domain.poisoning.judged import Judged


@dataclass(frozen=True)
class Origin:
    """Where a batch comes from; `promised` is the SHA-256 that was delivered beside its file.

    `is_file` is False for what a source or a database gave: its rows have no file to lie beside.
    """

    batch: str
    actor: str
    digest: str
    promised: str | None
    is_file: bool


def judge_provenance(origin: Origin, policy: ProvenanceCheck) -> Judged:
    """Hold the names to the lists of those allowed, and the bytes to what was promised."""
    found = (
        _unlisted("batch", origin.batch, policy.batches),
        _unlisted("actor", origin.actor, policy.actors),
        _broken_promise(origin, policy),
    )
    return Judged(tuple(Violation("provenance", None, 1, one) for one in found if one))


def _unlisted(what: str, name: str, patterns: Sequence[str]) -> str | None:
    if any(fnmatchcase(name, pattern) for pattern in patterns):
        return None
    return f"{what} {name!r} is not on the list: {', '.join(patterns) or 'nobody'}"


def _broken_promise(origin: Origin, policy: ProvenanceCheck) -> str | None:
    if origin.promised is None:
        wanted = policy.digest_needed and origin.is_file
        return f"no {origin.batch}.sha256 lies beside it, and each file needs one" if wanted else None
    if origin.promised == origin.digest:
        return None
    return f"its SHA-256 is {origin.digest[:12]}, and {origin.batch}.sha256 says {origin.promised[:12]}"
