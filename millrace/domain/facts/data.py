"""What can have happened to the data?"""

from dataclasses import dataclass

from millrace.domain.contract import Violation
from millrace.domain.dataset import Part
from millrace.domain.poisoning.profile import BatchProfile


@dataclass(frozen=True)
class BatchAccepted:
    """A batch became a part of the dataset.

    `release_reason` says why a person let it in although it broke the contract. `labelled` of its rows have
    a label, None where that was not counted. `profile` is what later batches are compared with,
    and `unjudged` what `[poisoning]` asks for and could not be judged.
    """

    batch_digest: str
    part: Part
    release_reason: str | None = None
    labelled: int | None = None
    profile: BatchProfile | None = None
    unjudged: tuple[str, ...] = ()


@dataclass(frozen=True)
class BatchQuarantined:
    """A batch broke the contract; its bytes are kept beside the report."""

    batch_digest: str
    batch: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class ContractChanged:
    """Another contract holds from now on: the first of a model, a tighter one, or one a person accepted.

    `contract` is what it says, in canonical JSON with SHA-256 `digest`; `old` is the digest of the one
    before, None for the first. `differences` tell what it does that the one before did not.
    """

    digest: str
    contract: str
    old: str | None
    differences: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class DatasetAdopted:
    """A dataset that came with the clone was taken over as it stands."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class DatasetCheckedOut:
    """A person made an earlier dataset version the current one."""

    version: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class SourceAsked:
    """The model's source was asked for new batches, as its schedule wants.

    Of a database `waiting` rows are too few for a batch yet, `unmarked` ones have no watermark, and that
    of `ahead` ones lies in the future. `late` ones came at or below a watermark that was passed.
    """

    batches: int
    waiting: int = 0
    unmarked: int = 0
    ahead: int = 0
    late: int = 0
