"""What is inside the directory that serves, and what is its name?"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from millrace.domain.canonical import canonical_json, sha256_of
from millrace.domain.kinds import ColumnType, Task
from millrace.errors import MillraceError

MANIFEST_FILE = "manifest.json"
SCHEMA_FILE = "schema.json"
PROFILE_FILE = "profile.json"
EXAMPLES_FILE = "examples.json"

Content = TypeVar("Content")


class Engine(StrEnum):
    """What opens the scorer: onnxruntime, or skops where a pipeline cannot be converted."""

    ONNX = "onnx"
    SKLEARN = "sklearn"

    @property
    def file_name(self) -> str:
        return "scorer.onnx" if self is Engine.ONNX else "scorer.skops"


@dataclass(frozen=True)
class InputColumn:
    """One column a request must carry.

    `categorical` says whether its values are names or quantities, `text` whether they are texts whose words
    count.
    """

    name: str
    type: ColumnType
    nullable: bool
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] | None = None
    categorical: bool = False
    text: bool = False

    @property
    def _words(self) -> frozenset[str] | None:
        """The texts that may come; categories of other types are held to by nobody who answers."""
        is_held = self.type is ColumnType.STRING and self.categories is not None
        return frozenset(self.categories or ()) if is_held else None

    @property
    def is_text(self) -> bool:
        """Whether a graph takes it as text."""
        return self.categorical or self.text

    def narrowed_by(self, other: "InputColumn") -> "InputColumn":
        """Return the column that allows what both do; their types must be the same.

        >>> wide = InputColumn("x", ColumnType.INT, True, min=0, max=9)
        >>> both = wide.narrowed_by(InputColumn("x", ColumnType.INT, False, min=3))
        >>> (both.nullable, both.min, both.max)
        (False, 3, 9)
        """
        return replace(
            self,
            nullable=self.nullable and other.nullable,
            min=max((low for low in (self.min, other.min) if low is not None), default=None),
            max=min((high for high in (self.max, other.max) if high is not None), default=None),
            categories=_common(self.categories, other.categories),
            text=self.text or other.text,
        )

    def is_narrower_than(self, other: "InputColumn") -> bool:
        """Whether the other one allows what this one does not."""
        both = self.narrowed_by(other)
        bounds, others = ((one.nullable, one.min, one.max, one._words) for one in (both, other))
        return bounds != others

    def make_check(self) -> Callable[[Any], bool]:
        """Return what tells whether a value of the column's type keeps to its bounds.

        >>> allows = InputColumn("x", ColumnType.INT, False, max=9).make_check()
        >>> [allows(value) for value in (9, 10, None)]
        [True, False, False]
        """
        words = self._words

        def allows(value: Any) -> bool:
            if value is None:
                return self.nullable
            if words is not None:
                return value in words
            if not isinstance(value, int | float):
                return True
            return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

        return allows


@dataclass(frozen=True)
class Schema:
    """What goes in and what comes out. `classes` are the labels in the order of the answers.

    A binary model with a `threshold` decides for the positive class from that probability on; one above 1
    never does.

    `key` are the columns that name a row, for labels that come later; a request may carry them.
    """

    task: Task
    inputs: tuple[InputColumn, ...]
    classes: tuple[str, ...] = ()
    key: tuple[InputColumn, ...] = ()
    threshold: float | None = None

    def decide(self, answer: float) -> str | None:
        """Name the class that the threshold makes of a probability; None where there is no threshold.

        >>> Schema(Task.BINARY, (), ("on time", "late"), threshold=0.3).decide(0.3)
        'late'
        """
        return None if self.threshold is None else self.classes[answer >= self.threshold]


@dataclass(frozen=True)
class Examples:
    """Rows and the answers the scorer gave for them when it was exported."""

    rows: tuple[dict[str, object], ...]
    answers: tuple[float | tuple[float, ...], ...]


@dataclass(frozen=True)
class CodeDigests:
    """The code a bundle came from, each as the SHA-256 over its files."""

    millrace: str
    flows: str
    tasks: str
    model_files: str
    lock: str


@dataclass(frozen=True)
class Manifest:
    """The inputs of a bundle and the digest of each of its files.

    `training_blocks` are all blocks a row was learned from: what judges a bundle must
    share none of them.
    """

    model: str
    task: Task
    engine: Engine
    files: dict[str, str]
    dataset: str
    training_blocks: tuple[str, ...]
    code: CodeDigests
    seed: int
    environment: dict[str, str]

    @property
    def digest(self) -> str:
        """The name of the bundle: the SHA-256 of its manifest, which names every other file's."""
        return sha256_of(self)


class CorruptBundleError(MillraceError):
    """A bundle is not, byte for byte, what its manifest or its name says."""

    def __init__(self, file: str, found: str, needed: str) -> None:
        self.file, self.found, self.needed = file, found, needed
        super().__init__(
            f"bundle file {file}: found {found}, needed {needed}. Nothing of this bundle may serve; "
            "remove its folder and run `millrace reconcile` to publish it again"
        )


def digests_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file, for the manifest."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


def parse_file(content: bytes, kind: type[Content], name: str) -> Content:
    """Read one JSON file of a bundle.

    Raises
    ------
    CorruptBundleError
        If it is not JSON, or not of this kind.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CorruptBundleError(name, str(error), f"a {kind.__name__}") from error


def check_files(files: Mapping[str, bytes]) -> Manifest:
    """Return the manifest among `files` when it accounts for every byte of all the others.

    Raises
    ------
    CorruptBundleError
        At the first file that is missing, extra, or not of its recorded SHA-256, or a manifest that is
        not written canonically (its digest would then not be its bytes').
    """
    if MANIFEST_FILE not in files:
        raise CorruptBundleError(MANIFEST_FILE, "nothing", "the manifest")
    manifest = parse_file(files[MANIFEST_FILE], Manifest, MANIFEST_FILE)
    if canonical_json(manifest).encode() != files[MANIFEST_FILE]:
        raise CorruptBundleError(MANIFEST_FILE, "other bytes", "the canonical JSON of its content")
    found = digests_of({name: content for name, content in files.items() if name != MANIFEST_FILE})
    needed = {
        name: manifest.files.get(name, "nothing") for name in {*found, *manifest.files, *_required(manifest)}
    }
    for name in sorted(needed):
        if found.get(name, "nothing") != needed[name] or needed[name] == "nothing":
            raise CorruptBundleError(name, found.get(name, "nothing"), needed[name])
    return manifest


def _common(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(category for category in one if category in other)


def _required(manifest: Manifest) -> tuple[str, ...]:
    return (manifest.engine.file_name, SCHEMA_FILE, PROFILE_FILE, EXAMPLES_FILE)
