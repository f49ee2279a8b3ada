"""What can have happened to what serves?"""

from dataclasses import dataclass

from millrace.domain.pointer import ServingSettings
from millrace.domain.rollout.evidence import Evidence
from millrace.domain.verdict import Verdict


@dataclass(frozen=True)
class ChampionPromoted:
    """A challenger became champion; `on_probation` the one before it keeps shadowing."""

    digest: str
    previous: str | None
    generation: int
    reason: str
    on_probation: bool = False
    verdicts: tuple[Verdict, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True)
class ChampionRolledBack:
    """The champion went back to the one before it; `withdrawn` never returns by a rollback.

    `offline_generation` is that of the pointer by which services were told of it before the ledger was.
    """

    digest: str
    withdrawn: str
    generation: int
    reason: str
    offline_generation: int | None = None
    verdicts: tuple[Verdict, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True)
class OfflineRollbackOvertaken:
    """An offline rollback was not adopted: what serves had changed meanwhile, and stays as it was.

    `withdrawn` never returns by a rollback all the same, unless it is the champion.
    """

    champion: str
    previous: str | None
    withdrawn: str
    generation: int
    offline_generation: int
    reason: str
    finding: str


@dataclass(frozen=True)
class RowsScored:
    """A version answered all rows of a file or a query. `input` and `output` are SHA-256 of bytes.

    `refused` of the rows have no answer, and an error beside them.
    """

    digest: str
    source: str
    input: str
    output: str
    rows: int
    refused: int


@dataclass(frozen=True)
class ServingConfigured:
    """Services were told to treat requests otherwise from now on, as `[serving]` of `model.toml` says."""

    settings: ServingSettings
