"""Where does the report of every judgement lie, so that the ledger's digest of it proves it?

`<model>/<sha256>.json`: the name is the SHA-256 of the content, and it is never written again.
"""

import hashlib
from pathlib import Path

import msgspec

from millrace.domain.canonical import readable_json
from millrace.domain.gate.report import GateReport
from millrace.durable import replace_file
from millrace.errors import MillraceError


class DamagedReportError(MillraceError):
    """What lies in the place of a report is not what was written there."""

    def __init__(self, path: Path, found: str) -> None:
        self.path, self.found = path, found
        super().__init__(
            f"{path}: found {found}, needed the report that the ledger names by its SHA-256. "
            "Bring the file back from a backup, or remove it: then the ledger's own verdicts are shown"
        )


def keep_report(folder: Path, report: GateReport) -> str:
    """Write a report, unless it is there, and return the SHA-256 of its bytes."""
    content = readable_json(report).encode()
    digest = hashlib.sha256(content).hexdigest()
    path = _path_of(folder, report.model, digest)
    if not path.exists():
        replace_file(path, content)
    return digest


def verify_report(folder: Path, model: str, digest: str) -> bool:
    """Hash the report of that digest again; False where none is kept here.

    Raises
    ------
    DamagedReportError
        If its bytes are not those of the digest.
    """
    return _read_bytes(_path_of(folder, model, digest), digest) is not None


def read_report(folder: Path, model: str, digest: str) -> GateReport | None:
    """Return the report of that digest; None where none is kept here.

    Raises
    ------
    DamagedReportError
        If its bytes are not those of the digest.
    """
    path = _path_of(folder, model, digest)
    content = _read_bytes(path, digest)
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=GateReport)
    except (ValueError, RecursionError) as error:
        raise DamagedReportError(path, str(error)) from error


def _read_bytes(path: Path, digest: str) -> bytes | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedReportError(path, str(error)) from error
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        raise DamagedReportError(path, f"bytes of {found[:12]}")
    return content


def _path_of(folder: Path, model: str, digest: str) -> Path:
    return folder / model / f"{digest}.json"
