"""Where is the code that a version was trained with: in its commit, in the working tree, or further back?"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from millrace.adapters.bundle import NothingToDigestError, digest_of_files
from millrace.adapters.git import extract_path, find_lack, is_commit, list_commits
from millrace.domain.bundle import Manifest
from millrace.domain.facts import ChallengerTrained
from millrace.errors import MillraceError
from millrace.settings import PROJECT_ROOT, load_settings

DIRTY = "-dirty"
WORKING_TREE = "the working tree"
MODEL_FILES = "model_files"

FARTHEST_BACK = 50
"""So many commits of the model's folder are looked through for what was not committed when it was trained."""

Placing = Callable[[Path], bool]


@dataclass(frozen=True)
class Piece:
    """One of the five things the manifest has the digest of, and where it was found.

    `is_exact` says that it is what the version was trained with; else it is the nearest there is.
    """

    name: str
    origin: str
    is_exact: bool


class CodeGoneError(MillraceError):
    """The code that a version was trained with cannot be had."""

    def __init__(self, trained: ChallengerTrained, differing: tuple[str, ...], lack: str | None) -> None:
        self.digest, self.commit = trained.digest, trained.git_commit
        self.differing, self.lack = differing, lack
        super().__init__(
            f"{trained.digest[:12]} cannot be trained again: {_tell_why(trained, lack)}, and of the code "
            f"that is here now {', '.join(differing)} {'differ' if len(differing) > 1 else 'differs'} from "
            f"what its manifest names. {_tell_next(lack)}"
        )


def find_commit(trained: ChallengerTrained, root: Path = PROJECT_ROOT) -> str | None:
    """Return the commit that was checked out, None where it is not known, or not here."""
    commit = (trained.git_commit or "").removesuffix(DIRTY)
    return commit if commit and is_commit(root, commit) else None


def collect_code(
    trained: ChallengerTrained, manifest: Manifest, to: Path, root: Path = PROJECT_ROOT
) -> tuple[Piece, ...]:
    """Lay out below `to` the code that a version was trained with, or what is nearest to it.

    Raises
    ------
    CodeGoneError
        If there is no commit to take it from, and the code that is here now is another.
    """
    commit, model = find_commit(trained, root), manifest.model
    pieces = tuple(
        _collect(name, needed, to / _path_of(name, model), _list_places(name, model, commit, root))
        for name, needed in asdict(manifest.code).items()
    )
    if commit is None and not all(piece.is_exact for piece in pieces):
        differing = tuple(piece.name for piece in pieces if not piece.is_exact)
        raise CodeGoneError(trained, differing, find_lack(root))
    return pieces


def find_model_folder(
    trained: ChallengerTrained, manifest: Manifest, to: Path, root: Path = PROJECT_ROOT
) -> Piece:
    """Lay out below `to` the model's folder as it was, or what is nearest to it."""
    places = _list_places(MODEL_FILES, manifest.model, find_commit(trained, root), root)
    path = to / _path_of(MODEL_FILES, manifest.model)
    return _collect(MODEL_FILES, manifest.code.model_files, path, places)


def _tell_why(trained: ChallengerTrained, lack: str | None) -> str:
    if trained.git_commit is None:
        return "it was trained without git, so that no commit is known"
    if lack is not None:
        return f"its commit {trained.git_commit[:12]} cannot be looked up, for {lack}"
    return f"its commit {trained.git_commit[:12]} is not in the repository here"


def _tell_next(lack: str | None) -> str:
    if lack is None:
        return "Run it in a clone that has the commit (`git fetch --all`, `git fetch --unshallow`)"
    return "Run it in a git clone that has the commit, where git is installed"


def _collect(name: str, needed: str, path: Path, places: Iterator[tuple[str, Placing]]) -> Piece:
    """Take the first that is exact, else the first that is there at all."""
    nearest: tuple[str, Placing] | None = None
    for origin, place in places:
        _remove(path)
        if not place(path):
            continue
        if _digest_of(path) == needed:
            return Piece(name, origin, is_exact=True)
        nearest = nearest or (origin, place)
    _remove(path)
    if nearest is None:
        return Piece(name, "nowhere", is_exact=False)
    nearest[1](path)
    return Piece(name, nearest[0], is_exact=False)


def _list_places(name: str, model: str, commit: str | None, root: Path) -> Iterator[tuple[str, Placing]]:
    models = load_settings().models
    present = models / model if name == MODEL_FILES else root / _path_of(name, model)
    if commit is not None and present.is_relative_to(root):
        yield f"commit {commit[:12]}", _from_commit(root, commit, present.relative_to(root).as_posix())
    yield WORKING_TREE, lambda path: _copy(present, path)
    if name == MODEL_FILES:
        for earlier in list_commits(models, model, FARTHEST_BACK) if models.is_dir() else ():
            yield f"commit {earlier[:12]}", _from_commit(models, earlier, model)


def _from_commit(folder: Path, commit: str, inside: str) -> Placing:
    def place(path: Path) -> bool:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".archive-", dir=path.parent) as unpacked:
            found = extract_path(folder, commit, inside, Path(unpacked))
            if found:
                (Path(unpacked) / inside).rename(path)
        return found

    return place


def _copy(present: Path, path: Path) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    if present.is_dir():
        shutil.copytree(present, path, ignore=shutil.ignore_patterns("__pycache__"))
    elif present.is_file():
        shutil.copyfile(present, path)
    return path.exists()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _digest_of(path: Path) -> str | None:
    try:
        return digest_of_files(path)
    except NothingToDigestError:
        return None


def _path_of(name: str, model: str) -> str:
    return {MODEL_FILES: f"models/{model}", "lock": "requirements.lock"}.get(name, name)
