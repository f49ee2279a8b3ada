"""In what do two versions of a model differ?"""

from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np

from millrace.domain.bundle import Manifest, Schema
from millrace.domain.canonical import sha256_of
from millrace.domain.change import Change, list_changes
from millrace.domain.dataset import Dataset
from millrace.domain.gate.change import Difference
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray

LARGEST = 5
"""So many rows are shown: enough to look them up, few enough to read."""

HALF = 0.5
"""From here on a binary answer counts as yes where the version has no threshold of its own."""


@dataclass(frozen=True)
class Version:
    """One of the two: what is known of it without its rows."""

    digest: str
    number: int | None
    trained_at: datetime
    dataset: str
    git_commit: str | None
    engine: str
    bytes: int
    learned_rows: int
    gate: str | None


@dataclass(frozen=True)
class DataSide:
    """A dataset version; its span is of the time column, `labels` the share of each class, or the mean."""

    parts: int
    rows: int
    first_time: datetime | None
    last_time: datetime | None
    labels: dict[str, float] | None


@dataclass(frozen=True)
class DataDiff:
    """Parts are told by their batches; `trouble` says why labels are not known."""

    old: DataSide
    new: DataSide
    added: tuple[str, ...]
    removed: tuple[str, ...]
    trouble: str | None = None


@dataclass(frozen=True)
class CodeDiff:
    """`commits` lead from the old version to the new one, `back` the other way, newest first."""

    digests: tuple[Change, ...]
    commits: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    trouble: str | None = None


@dataclass(frozen=True)
class ConfigDiff:
    """Keys of model.toml, and the other files of the model's folder that differ, by their SHA-256."""

    keys: tuple[Change, ...] = ()
    files: tuple[Change, ...] = ()
    trouble: str | None = None


@dataclass(frozen=True)
class FeatureDiff:
    """Columns that a request must carry; what else changed of one is told as `name.property`."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Change, ...]


@dataclass(frozen=True)
class MetricChange:
    """A metric of a judged set, each version at its own gate; None where it was not judged."""

    judged_set: str
    metric: str
    old: float | None
    new: float | None
    is_same_set: bool


@dataclass(frozen=True)
class RowDifference:
    """A row that the two answer most differently, by its key, with what came of it."""

    row: dict[str, object]
    label: object
    old: object
    new: object
    difference: float


@dataclass(frozen=True)
class AnswerDiff:
    """Answers on the same rows: `mean` is new less old, of several classes over all of their shares.

    `beyond_tolerance` and `disagreeing` are shares of the rows; `disagreeing` is None for a number.
    """

    rows: int
    blocks: int
    mean: float
    mean_absolute: float
    tolerance: float
    beyond_tolerance: float
    disagreeing: float | None
    largest: tuple[RowDifference, ...]
    losses: tuple[Difference, ...]
    confidence: float


@dataclass(frozen=True)
class VersionDiff:
    """All of it; what is None, or empty, is the same, or could not be had, as its trouble says."""

    model: str
    old: Version
    new: Version
    data: DataDiff | None
    code: CodeDiff
    configuration: ConfigDiff
    packages: tuple[Change, ...]
    features: FeatureDiff
    decisions: tuple[Change, ...]
    parameters: tuple[Change, ...]
    metrics: tuple[MetricChange, ...]
    answers: AnswerDiff | None
    answers_trouble: str | None


def compare_manifests(old: Manifest, new: Manifest) -> tuple[Change, ...]:
    """Return every input and file that differs, the files first."""
    return list_changes(_told(old), _told(new))


def compare_schemas(old: Schema, new: Schema) -> FeatureDiff:
    """Return which inputs came and went, and what is otherwise about those that stayed."""
    before, after = ({column.name: column for column in schema.inputs} for schema in (old, new))
    changed = [
        Change(f"{name}.{change.name}", change.old, change.new)
        for name in before
        if name in after
        for change in list_changes(asdict(before[name]), asdict(after[name]))
    ]
    added = tuple(name for name in after if name not in before)
    return FeatureDiff(added, tuple(name for name in before if name not in after), tuple(changed))


def compare_decisions(old: Schema, new: Schema) -> tuple[Change, ...]:
    """Return what is other about the answers: the task, the classes in their order, the threshold."""
    return list_changes(
        *(
            {"task": one.task.value, "classes": list(one.classes), "threshold": one.threshold}
            for one in (old, new)
        )
    )


def compare_parts(old: Dataset, new: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the batches of the parts that only the new one has, and of those that only the old one has."""
    before, after = ({part.sha256: part.batch for part in dataset.parts} for dataset in (old, new))
    added = tuple(batch for sha256, batch in after.items() if sha256 not in before)
    return added, tuple(batch for sha256, batch in before.items() if sha256 not in after)


def measure_side(dataset: Dataset, labels: dict[str, float] | None) -> DataSide:
    """Return what a dataset version holds."""
    firsts = [part.first_time for part in dataset.parts if part.first_time]
    lasts = [part.last_time for part in dataset.parts if part.last_time]
    return DataSide(
        len(dataset.parts), dataset.rows, min(firsts, default=None), max(lasts, default=None), labels
    )


def differences_by_row(old: FloatArray, new: FloatArray) -> FloatArray:
    """Return how far the answers of each row are apart, of several classes the largest; shape (n_rows,)."""
    apart = np.abs(new - old)
    largest: FloatArray = apart.max(axis=1) if apart.ndim > 1 else apart
    return largest


def share_disagreeing(
    old: FloatArray,
    new: FloatArray,
    task: Task,
    thresholds: tuple[float | None, float | None] = (None, None),
) -> float | None:
    """Return the share of rows that the two put into different classes, None for a regression.

    Parameters
    ----------
    old, new : shape (n_rows,) or (n_rows, n_classes)
        Answers of the two versions to the same rows.
    thresholds
        From which answer on each of them says yes; None is a half.
    """
    match task:
        case Task.REGRESSION:
            return None
        case Task.BINARY:
            first, second = (HALF if one is None else one for one in thresholds)
            return float(np.mean((old >= first) != (new >= second)))
        case Task.MULTICLASS:
            return float(np.mean(old.argmax(axis=1) != new.argmax(axis=1)))


def _told(manifest: Manifest) -> dict[str, object]:
    plain = asdict(manifest)
    files, code, environment = (plain.pop(name) for name in ("files", "code", "environment"))
    blocks = plain.pop("training_blocks")
    span = f"{len(blocks)} ({blocks[0]} to {blocks[-1]}, list {sha256_of(blocks)[:12]})" if blocks else "none"
    told: dict[str, object] = {f"file {name}": digest for name, digest in files.items()}
    told |= {name: str(value) for name, value in plain.items()} | {"training blocks": span}
    told |= {f"code {name}": digest for name, digest in code.items()}
    return told | {f"environment {name}": version for name, version in environment.items()}
