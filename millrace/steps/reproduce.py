"""Does training a version again, from its commit and its data, give the same bytes?"""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.dataset_files import write_dataset
from millrace.adapters.training_process import installed_versions, run_script
from millrace.domain.change import Change, list_changes
from millrace.domain.dataset import Dataset
from millrace.domain.facts import ChallengerTrained, Reproduction, VersionReproduced
from millrace.domain.version_diff import compare_manifests
from millrace.errors import MillraceError
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps import reproduce_child as child
from millrace.steps.actor import current_actor
from millrace.steps.lineage import Lineage, find_lineage
from millrace.steps.progress import announce
from millrace.steps.reproduce_answers import AnswersAgain, compare_scorers
from millrace.steps.reproduce_code import Piece, collect_code, find_commit
from millrace.steps.reproduce_verdict import find_damage, judge, tell_result
from millrace.steps.restore import bring_back
from millrace.steps.stores import ledger

CHILD = Path(child.__file__)
FOLDER = "reproduce"
"""Under var/: hidden while it is worked in, by the version's name once it is kept."""


class TrainedElsewhereError(MillraceError):
    """The version came from another installation, which has its data and its ledger."""

    def __init__(self, digest: str, origin: str) -> None:
        self.digest, self.origin = digest, origin
        super().__init__(
            f"{digest[:12]} was trained by {origin}, and its data is there: run `millrace reproduce` there"
        )


@dataclass(frozen=True)
class Prepared:
    """All that a second training needs lies in `folder`; `packages` are other now, recorded ones first.

    `damage` says what is wrong with the recorded bundle, None where it is what its name says.
    """

    lineage: Lineage
    dataset: Dataset
    now: datetime
    commit: str | None
    pieces: tuple[Piece, ...]
    packages: tuple[Change, ...]
    damage: str | None
    folder: Path

    @property
    def uncommitted(self) -> tuple[Piece, ...]:
        """What the commit does not hold as it was trained with, exact or not."""
        at = f"commit {(self.commit or '')[:12]}"
        return tuple(piece for piece in self.pieces if piece.origin != at or not piece.is_exact)

    @property
    def origins(self) -> dict[str, list[str]]:
        """Where each piece was found."""
        found: dict[str, list[str]] = {}
        for piece in self.pieces:
            found.setdefault(piece.origin, []).append(piece.name)
        return found


@dataclass(frozen=True)
class Reproduced:
    """What came of it. `answers` is None where the scorer's bytes are the same; `kept` the folder left.

    `damage` says what is wrong with the recorded bundle itself: it was compared by what is recorded of it.
    """

    model: str
    digest: str
    found: str
    result: Reproduction
    reason: str
    damage: str | None
    git_commit: str | None
    dataset: str
    now: datetime
    pieces: tuple[Piece, ...]
    packages: tuple[Change, ...]
    differences: tuple[Change, ...]
    answers: AnswersAgain | None
    seconds: float
    kept: str | None = None


@contextmanager
def prepared(version: str, *, keep: bool = False, root: Path = PROJECT_ROOT) -> Iterator[Prepared]:
    """Lay out a version's code and data in a folder of its own, which is gone afterwards unless kept.

    Nothing else of this installation changes, but that lost parts are brought back to `data/`.

    Raises
    ------
    TrainedElsewhereError, CodeGoneError, LostPartError
        If the version cannot be trained again here.
    """
    announce("collect code and data")
    lineage = find_lineage(version)
    if lineage.dataset is None:
        raise TrainedElsewhereError(
            lineage.trained.digest, lineage.received.origin if lineage.received else "another installation"
        )
    with _scratch(lineage.trained.digest, keep=keep) as folder:
        pieces = collect_code(lineage.trained, lineage.manifest, folder / child.CODE_FOLDER, root)
        _lay_out_data(lineage.dataset, folder / child.HOME_FOLDER)
        environment = lineage.manifest.environment
        yield Prepared(
            lineage=lineage,
            dataset=lineage.dataset,
            now=_time_of(lineage),
            commit=find_commit(lineage.trained, root),
            pieces=pieces,
            packages=list_changes(environment, installed_versions(environment)),
            damage=find_damage(lineage.trained.digest),
            folder=folder,
        )


def kept_folder(digest: str) -> Path:
    """Return where the folder of a version lies once it is kept."""
    return load_settings().var / FOLDER / digest[:12]


def train_again(ready: Prepared, *, keep: bool, now: datetime) -> Reproduced:
    """Train by that code in a process of its own, compare the bundles, and record what came of it.

    Raises
    ------
    TrainingProcessError
        If that training ended with an error; nothing is recorded then.
    """
    started, trained, folder = time.monotonic(), ready.lineage.trained, ready.folder
    _write_request(ready)
    home, code = folder / child.HOME_FOLDER, folder / child.CODE_FOLDER
    run_script(CHILD, folder, code, home, lambda line: announce(*json.loads(line)))
    announce("compare")
    found = json.loads((folder / child.TRAINED_FILE).read_text("utf-8"))["digest"]
    again = verify_bundle(folder / child.BUNDLES_FOLDER, found)
    # a manifest that was changed since is not what is recorded: its digest is
    is_same = found == trained.digest
    differences = () if is_same else compare_manifests(ready.lineage.manifest, again)
    answers = compare_scorers(
        ready.lineage.manifest, again, folder / child.BUNDLES_FOLDER, ready.dataset, ready.damage
    )
    result = judge(trained.digest, again, differences, answers)
    reproduced = Reproduced(
        model=ready.lineage.model,
        digest=trained.digest,
        found=found,
        result=result,
        reason=tell_result(result, differences, answers, ready.damage),
        damage=ready.damage,
        git_commit=ready.commit,
        dataset=ready.dataset.version,
        now=ready.now,
        pieces=ready.pieces,
        packages=ready.packages,
        differences=differences,
        answers=answers,
        seconds=round(time.monotonic() - started, 3),
        kept=str(kept_folder(trained.digest)) if keep else None,
    )
    ledger().append(ready.lineage.model, _fact(reproduced), now, current_actor())
    return reproduced


def _fact(reproduced: Reproduced) -> VersionReproduced:
    return VersionReproduced(
        digest=reproduced.digest,
        found=reproduced.found,
        result=reproduced.result,
        reason=reproduced.reason,
        git_commit=reproduced.git_commit,
        differences=reproduced.differences,
    )


@contextmanager
def _scratch(digest: str, *, keep: bool) -> Iterator[Path]:
    place = load_settings().var / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{digest[:12]}-", dir=place))
    try:
        yield folder
    finally:
        if keep:
            shutil.rmtree(kept_folder(digest), ignore_errors=True)
            folder.rename(kept_folder(digest))
        else:
            shutil.rmtree(folder, ignore_errors=True)
            _remove_empty(place)


def _remove_empty(place: Path) -> None:
    if not any(place.iterdir()):
        place.rmdir()


def _lay_out_data(dataset: Dataset, home: Path) -> None:
    bring_back(dataset)
    data = home / "data" / dataset.model
    data.mkdir(parents=True)
    for part in dataset.parts:
        name = f"{part.sha256}.parquet"
        (data / name).symlink_to(load_settings().data / dataset.model / name)
    (home / "datasets").mkdir()
    write_dataset(home / "datasets", dataset)


def _time_of(lineage: Lineage) -> datetime:
    """Return when the run was: labels that were not due by then are not known to it."""
    return next(entry.at for entry in reversed(lineage.entries) if entry.fact == lineage.trained)


def _write_request(ready: Prepared) -> None:
    trained: ChallengerTrained = ready.lineage.trained
    # a refit took its hyperparameters over; a full training searches them again
    given = trained.parameters if trained.inputs.is_refit else None
    request = {"model": ready.lineage.model, "now": ready.now.isoformat(), "given": given}
    (ready.folder / child.REQUEST_FILE).write_text(json.dumps(request), "utf-8")
