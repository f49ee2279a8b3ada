"""One batch: hold it to the contract, then accept or quarantine it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from millrace.adapters import clock
from millrace.adapters.batches import StagedBatch
from millrace.adapters.contract import BatchCheck, check_batch
from millrace.adapters.parts import PartWriter, commit_part, read_written
from millrace.adapters.tables import UnreadableTableError, read_table
from millrace.domain.batch_rules import (
    Hashes,
    judge_duplicates,
    judge_golden,
    judge_labels,
    judge_rows,
    key_hashes,
)
from millrace.domain.blocks import row_identity
from millrace.domain.claim import Claim, ClaimDoneError, ClaimHeldError
from millrace.domain.config import ModelConfig
from millrace.domain.contract import Violation, hide_values
from millrace.domain.dataset import Part
from millrace.domain.facts import BatchAccepted, BatchQuarantined
from millrace.domain.poisoning.profile import BatchProfile
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.arrivals import Arrival
from millrace.steps.claims import take_claim
from millrace.steps.contract.review import judge_contract, record_contract
from millrace.steps.known_keys import find_known_keys
from millrace.steps.poisoning.screening import NOT_SCREENED, Screened, screen_batch
from millrace.steps.poisoning.suspicion import keep_suspicions
from millrace.steps.quarantine import find_waiting, is_no_news, keep_in_quarantine
from millrace.steps.sql_source import is_next, name_turn, range_of
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    import pandas as pd


class BatchOutcome(StrEnum):
    """What became of a batch."""

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    KNOWN = "known"
    HELD = "held"
    """Another run is taking it in now."""


@dataclass(frozen=True)
class IngestResult:
    """What `ingest` did with one batch, for people and machines."""

    model: str
    batch: str
    digest: str
    outcome: BatchOutcome
    rows: int
    violations: tuple[Violation, ...] = ()
    unjudged: tuple[str, ...] = ()
    """What `[poisoning]` asks for and could not be judged, one line each."""


@dataclass(frozen=True)
class CheckedBatch:
    """A batch held to the contract; `written` is the part it would become, None where it cannot be one.

    `profile` and `unjudged` are what the poisoning checks leave.
    """

    staged: StagedBatch
    written: Path | None
    rows: int
    times: tuple[datetime, datetime] | None
    violations: tuple[Violation, ...]
    labelled: int = 0
    profile: BatchProfile | None = None
    unjudged: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class WrittenRows:
    """The rows of a batch as a part in staging, what the contract found, and the hashes of their keys.

    `labelled` are the rows with a label.
    """

    path: Path
    check: BatchCheck
    keys: tuple[Hashes, ...]
    labelled: int


def claim_batch(arrival: Arrival, staged: StagedBatch, run_id: str) -> Claim:
    """Take the right to take in these very bytes for this model; the copy goes where another run has it.

    Of a database it is the right to what follows on the rows that were taken in: two runs that read it
    may not see the same bytes.

    Raises
    ------
    ClaimHeldError, ClaimDoneError
        If another run is doing it, or it was done.
    """
    wanted = None if arrival.file else range_of(model_config(arrival.model), arrival.batch)
    key = name_turn(arrival.model, wanted) if wanted else f"ingest:{arrival.model}:{staged.digest}"
    try:
        claim = take_claim(key, run_id)
    except ClaimHeldError:
        staged.path.unlink(missing_ok=True)
        raise
    if wanted is not None and not is_next(arrival.model, wanted):
        ledger().release(claim)
        raise ClaimHeldError(claim)
    if ledger().arrival_state(arrival.model, staged.digest) == BatchOutcome.ACCEPTED:
        found = "accepted by a run that died before it could say so"
        ledger().finish(claim, found)
        raise ClaimDoneError(claim.key, found)
    return claim


def hold_to_contract(arrival: Arrival, staged: StagedBatch, now: datetime | None = None) -> CheckedBatch:
    """Read the batch in bounded memory: every clause of the contract, then the rules of the batch.

    Where `[poisoning]` is there and the rows can be stored, its checks follow; `now` is the day of its quota.
    """
    config = model_config(arrival.model)
    try:
        written = write_rows(config, staged)
    except UnreadableTableError as error:
        reason = "it cannot be read; serving hides columns, so what stands there is not told"
        told = reason if config.hidden else error.reason
        violation = Violation("unreadable", None, 1, told, waivable=False)
        return CheckedBatch(staged, None, 0, None, keep_suspicions(config, staged.digest, (violation,)))
    except BaseException:
        staged.path.unlink(missing_ok=True)
        raise
    check = written.check
    violations = (*check.violations, *judge_contract(config), *_judge_batch(config, written))
    storable = all(violation.waivable for violation in violations)
    if not storable:
        written.path.unlink()
    screened = _screen(config, arrival, staged, written, now) if storable else NOT_SCREENED
    times = check.time_bounds.get(config.data.time) if config.data.time else None
    found = hide_values((*violations, *screened.judged.violations), config.hidden)
    return CheckedBatch(
        staged,
        written.path if storable else None,
        check.rows,
        times,
        keep_suspicions(config, staged.digest, found),
        written.labelled,
        screened.profile,
        screened.judged.unjudged,
    )


def _screen(
    config: ModelConfig, arrival: Arrival, staged: StagedBatch, written: WrittenRows, now: datetime | None
) -> Screened:
    if config.poisoning is None or not written.check.rows:
        return NOT_SCREENED
    rows = read_written(written.path)
    return screen_batch(config, arrival, staged, rows, now or clock.now())


def write_rows(config: ModelConfig, staged: StagedBatch) -> WrittenRows:
    """Write the rows of a batch as the part they would become, held to the contract on the way."""
    keys: list[Hashes] = []
    with PartWriter(load_settings().staging, config.contract) as writer:

        def take(rows: "pd.DataFrame") -> None:
            keys.append(key_hashes(rows, row_identity(config)))
            writer.write(rows)

        rows = read_table(staged.path, config.data.format, config.contract.types)
        check = check_batch(rows, config.contract, take)
    labelled = check.rows - check.null_counts.get(config.data.target, 0)
    return WrittenRows(writer.path, check, tuple(keys), labelled)


def accept_batch(
    arrival: Arrival, checked: CheckedBatch, claim: Claim, now: datetime, release_reason: str | None = None
) -> IngestResult:
    """Make the batch a part of the dataset: its bytes first, then the ledger entry, which commits it."""
    if checked.written is None:
        raise ValueError("a batch with lasting violations has no part to accept")
    sha256, size = commit_part(checked.written, load_settings().data / arrival.model)
    part = Part(sha256, arrival.batch, checked.rows, size, *(checked.times or (None, None)))
    fact = BatchAccepted(
        checked.staged.digest, part, release_reason, checked.labelled, checked.profile, checked.unjudged
    )
    try:
        record_contract(arrival.model, claim, now)
        ledger().append(arrival.model, fact, now, current_actor(), claim)
    finally:
        checked.staged.path.unlink(missing_ok=True)
    ledger().finish(claim, f"accepted as part {sha256[:12]}")
    return IngestResult(
        arrival.model, arrival.batch, checked.staged.digest, BatchOutcome.ACCEPTED, checked.rows,
        checked.violations, checked.unjudged,
    )  # fmt: skip


def quarantine_batch(arrival: Arrival, checked: CheckedBatch, claim: Claim, now: datetime) -> IngestResult:
    """Keep the bytes of the batch beside a report of what it broke, then record it.

    An inbox or a source offers it again at every ingest: what waits already for the same
    reasons is no news, and nobody is told of it twice.
    """
    if checked.written is not None:
        checked.written.unlink()
    digest = checked.staged.digest
    waiting = find_waiting(arrival.model, digest)
    if waiting is not None and is_no_news(waiting, checked.violations):
        keep_in_quarantine(arrival.model, checked.staged, waiting)
    else:
        fact = BatchQuarantined(digest, arrival.batch, checked.violations)
        keep_in_quarantine(arrival.model, checked.staged, fact)
        ledger().append(arrival.model, fact, now, current_actor(), claim)
    ledger().release(claim)
    return IngestResult(
        arrival.model, arrival.batch, digest, BatchOutcome.QUARANTINED, checked.rows, checked.violations,
        checked.unjudged,
    )  # fmt: skip


def leave_alone(arrival: Arrival, staged: StagedBatch, why: ClaimDoneError | ClaimHeldError) -> IngestResult:
    """Say that these bytes were accepted before, or are being taken in by another run; drop the copy."""
    staged.path.unlink(missing_ok=True)
    outcome = BatchOutcome.KNOWN if isinstance(why, ClaimDoneError) else BatchOutcome.HELD
    return IngestResult(arrival.model, arrival.batch, staged.digest, outcome, 0)


def _judge_batch(config: ModelConfig, written: WrittenRows) -> list[Violation]:
    check = written.check
    few = judge_rows(check.rows, config.contract)
    if not written.keys or check.rows == 0:
        return [few] if few else []
    batch = np.concatenate(written.keys)
    known = find_known_keys(config, check.time_bounds)
    found = (
        few,
        judge_duplicates(batch, known.all, config.contract),
        judge_labels(written.labelled, check.rows, config.contract),
        # without a key a row's block follows from its whole content: an equal row lies in the same golden
        # block by itself and is never learned from, and a table of few values could take no second batch
        judge_golden(batch, known.golden) if config.data.key else None,
    )
    return [violation for violation in found if violation is not None]
