"""What is kept of every window that was looked at, so that any two can be compared without their rows?

`<model>/<start>.findings.json` is what was found, `<model>/<start>.profile.json.gz` the counts. Edges and
categories are those of the reference: they stand once in `<model>/references/<sha256>.json.gz`.
"""

import gzip
import hashlib
import logging
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from millrace.domain.canonical import canonical_json
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.profile import CategoricalCounts, NumericCounts, Profile, Reference
from millrace.durable import replace_file
from millrace.errors import MillraceError

FINDINGS, PROFILE = ".findings.json", ".profile.json.gz"

_START = "%Y%m%dT%H%M%S.%fZ"

Kept = TypeVar("Kept")

log = logging.getLogger(__name__)


class NoWindowError(MillraceError):
    """Nothing is kept of a window, or it cannot be read."""

    def __init__(self, path: Path, found: str) -> None:
        self.path, self.found = path, found
        super().__init__(
            f"{path}: found {found}, needed what was kept of a window. "
            "`millrace monitor look MODEL` keeps the next one; those there are lie in this folder"
        )


class _Numbers(msgspec.Struct, array_like=True, frozen=True):
    name: str
    counts: tuple[int, ...]
    exact: tuple[int, ...]
    below: int
    above: int
    nulls: int
    non_finite: int


class _Texts(msgspec.Struct, array_like=True, frozen=True):
    name: str
    counts: tuple[int, ...]
    other: int
    nulls: int


class _Part(msgspec.Struct, frozen=True):
    rows: int
    numeric: tuple[_Numbers, ...]
    categorical: tuple[_Texts, ...]


class _Window(msgspec.Struct, frozen=True):
    reference: str
    inputs: _Part
    target: _Part
    answers: _Part


def keep_window(folder: Path, findings: WindowFindings, reference: Reference, counted: Reference) -> str:
    """Keep a window that was counted over a reference; return the SHA-256 of the file of its findings.

    A window that began at the same time is replaced: it has gone on since.
    """
    edges = canonical_json(_emptied(reference)).encode()
    digest = hashlib.sha256(edges).hexdigest()
    if not (known := _reference_path(folder, findings.model, digest)).exists():
        replace_file(known, _packed(edges))
    parts = (_without_edges(one) for one in (counted.inputs, counted.target, counted.answers))
    profile = msgspec.json.encode(_Window(digest, *parts))
    replace_file(_path_of(folder, findings.model, findings.start, PROFILE), _packed(profile))
    # last: where there are findings, there is all of it
    content = msgspec.json.format(msgspec.json.encode(findings), indent=1)
    replace_file(_path_of(folder, findings.model, findings.start, FINDINGS), content)
    return hashlib.sha256(content).hexdigest()


def read_window_profile(folder: Path, model: str, start: datetime) -> Reference:
    """Return the counts of the window that began at `start`, over the edges it was counted over.

    Raises
    ------
    NoWindowError
        If nothing is kept of it, or not what was written.
    """
    path = _path_of(folder, model, start, PROFILE)
    window = _read(path, _Window)
    edges_path = _reference_path(folder, model, window.reference)
    edges = _read(edges_path, Reference)
    try:
        return Reference(
            _with_edges(window.inputs, edges.inputs),
            _with_edges(window.target, edges.target),
            _with_edges(window.answers, edges.answers),
        )
    except KeyError as error:
        raise NoWindowError(edges_path, f"no column {error}") from error


def list_starts(folder: Path, model: str) -> list[datetime]:
    """Return when each window began of which something is kept, the oldest first."""
    names = sorted(path.name.removesuffix(PROFILE) for path in (folder / model).glob(f"[!.]*{PROFILE}"))
    return [datetime.strptime(name, _START).replace(tzinfo=UTC) for name in names]


def read_findings(folder: Path, model: str, start: datetime) -> WindowFindings:
    """Return what was found of the window that began at `start`.

    Raises
    ------
    NoWindowError
        If nothing is kept of it, or not what was written.
    """
    return _read(_path_of(folder, model, start, FINDINGS), WindowFindings)


def list_findings(folder: Path, model: str, last: int | None = None) -> list[WindowFindings]:
    """Return what was found of the newest windows, oldest first; a file that is damaged is left out."""
    found: list[WindowFindings] = []
    for one in _newest_first(folder, model):
        if len(found) == last:
            break
        found.append(one)
    return found[::-1]


def _newest_first(folder: Path, model: str) -> Iterator[WindowFindings]:
    for path in sorted((folder / model).glob(f"[!.]*{FINDINGS}"), reverse=True):
        try:
            yield _read(path, WindowFindings)
        except NoWindowError as error:
            log.warning("a window is left out: %s", error)


def _read(path: Path, kind: type[Kept]) -> Kept:
    try:
        content = path.read_bytes()
        return msgspec.json.decode(gzip.decompress(content) if path.suffix == ".gz" else content, type=kind)
    except FileNotFoundError as error:
        raise NoWindowError(path, "nothing") from error
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise NoWindowError(path, str(error)) from error


def _path_of(folder: Path, model: str, start: datetime, suffix: str) -> Path:
    return folder / model / f"{start.astimezone(UTC):{_START}}{suffix}"


def _reference_path(folder: Path, model: str, digest: str) -> Path:
    return folder / model / "references" / f"{digest}.json.gz"


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _emptied(reference: Reference) -> Reference:
    return Reference(reference.inputs.emptied, reference.target.emptied, reference.answers.emptied)


def _without_edges(profile: Profile) -> _Part:
    return _Part(
        profile.rows,
        tuple(
            _Numbers(one.name, one.counts, one.exact, one.below, one.above, one.nulls, one.non_finite)
            for one in profile.numeric
        ),
        tuple(_Texts(one.name, one.counts, one.other, one.nulls) for one in profile.categorical),
    )


def _with_edges(part: _Part, reference: Profile) -> Profile:
    edges = {one.name: one.edges for one in reference.numeric}
    categories = {one.name: one.categories for one in reference.categorical}
    return Profile(
        part.rows,
        tuple(
            NumericCounts(
                one.name,
                edges[one.name],
                one.counts,
                one.exact,
                one.below,
                one.above,
                one.nulls,
                one.non_finite,
            )
            for one in part.numeric
        ),
        tuple(
            CategoricalCounts(one.name, categories[one.name], one.counts, one.other, one.nulls)
            for one in part.categorical
        ),
    )
