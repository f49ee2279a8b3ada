"""What was decided, what serves because of it, and who works on what?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from millrace.adapters.ledger import arrivals, claims, entries, serving, tables
from millrace.adapters.ledger.database import Database
from millrace.adapters.ledger.serving import StaleGenerationError
from millrace.domain.claim import Claim, ClaimLostError, Owner
from millrace.domain.facts import (
    ROLLOUT_KINDS,
    SERVING_KINDS,
    BatchAccepted,
    BatchQuarantined,
    Fact,
    RolloutFact,
    RolloutStarted,
    ServingFact,
)
from millrace.domain.ledger import Entry
from millrace.domain.rollout.state import Rollout, fold_rollout
from millrace.domain.serving import Serving, serving_after

PAGE = 32
"""So many entries are read at once where it is not known how many are wanted."""


class Ledger:
    """The append-only record on SQLite or Postgres; any number of threads and processes may share it.

    Entries are written one after the other, each in one transaction with all that follows
    from it. With a claim, nothing is written once another run has taken that claim over.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def close(self) -> None:
        """Give the connections back; the ledger opens new ones when it is used again."""
        self._database.close()

    def append(self, model: str, fact: Fact, at: datetime, actor: str, claim: Claim | None = None) -> Entry:
        if isinstance(fact, ServingFact):
            raise TypeError(f"{type(fact).__name__} changes what serves: write it by change_serving")
        with self._database.writing(tables.entries) as connection:
            _fence(connection, claim)
            if isinstance(fact, BatchAccepted | BatchQuarantined):
                arrivals.record_arrival(connection, model, fact)
            return entries.append_entry(connection, model, fact, at, actor)

    def change_serving(
        self,
        model: str,
        fact: ServingFact,
        at: datetime,
        actor: str,
        seen: int,
        claim: Claim | None = None,
    ) -> Entry:
        """Append `fact` and let serve what it says, if generation `seen` still serves."""
        with self._database.writing(tables.entries) as connection:
            _fence(connection, claim)
            return _append_change(connection, model, fact, at, actor, seen)

    def change_rollout(
        self, seen: Rollout, fact: RolloutFact, at: datetime, actor: str, claim: Claim | None = None
    ) -> Entry:
        """Append `fact`, and let serve what it says, if the rollout is still as it was `seen`."""
        with self._database.writing(tables.entries) as connection:
            _fence(connection, claim)
            found = _find_rollout(connection, seen.model)
            if found != seen:
                raise StaleGenerationError(seen.model, seen.generation, found.generation)
            if isinstance(fact, ServingFact):
                return _append_change(connection, seen.model, fact, at, actor, seen.generation)
            return entries.append_entry(connection, seen.model, fact, at, actor)

    def serving(self, model: str) -> Serving:
        """Return what serves; generation 0 where nothing ever did."""
        with self._database.reading() as connection:
            return serving.find_serving(connection, model)

    def list_serving(self) -> list[Serving]:
        with self._database.reading() as connection:
            return serving.list_serving(connection)

    def entries(
        self, model: str | None = None, kinds: Sequence[type] = (), after_seq: int = 0
    ) -> list[Entry]:
        """Return the entries in order; of every model and kind where none is named."""
        with self._database.reading() as connection:
            return entries.list_entries(connection, model, kinds, after_seq)

    def newest_first(self, model: str, *kinds: type) -> Iterator[Entry]:
        """Yield the entries of these kinds from the newest on, reading a few more than are asked for."""
        before = None
        while True:
            with self._database.reading() as connection:
                page = entries.list_newest(connection, model, kinds, before, PAGE)
            yield from page
            if len(page) < PAGE:
                return
            before = page[-1].seq

    def newest_by_model(self) -> dict[str, int]:
        """Return the number of each model's newest entry."""
        with self._database.reading() as connection:
            return entries.newest_by_model(connection)

    def last(self, model: str, *kinds: type) -> Entry | None:
        with self._database.reading() as connection:
            return entries.last_entry(connection, model, kinds)

    def rollout(self, model: str) -> Rollout:
        """Return what is on its way to serve, by the entries since it began."""
        with self._database.reading() as connection:
            return _find_rollout(connection, model)

    def head(self) -> Entry | None:
        with self._database.reading() as connection:
            return entries.head_entry(connection)

    def entry_at_generation(self, model: str, generation: int) -> Entry | None:
        """Return the entry that made `generation` of the model."""
        for entry in self.entries(model, SERVING_KINDS):
            if isinstance(entry.fact, ServingFact) and entry.fact.generation == generation:
                return entry
        return None

    def arrival_state(self, model: str, batch_digest: str) -> str | None:
        """Return `accepted`, `quarantined`, or None for a batch that never came."""
        with self._database.reading() as connection:
            return arrivals.find_state(connection, model, batch_digest)

    def claim(
        self,
        key: str,
        owner: Owner,
        now: datetime,
        lease: timedelta,
        is_dead: Callable[[Owner], bool],
        is_living: Callable[[Owner], bool] = lambda _owner: False,
    ) -> Claim:
        """Take the right to do `key`: a new one, one's own, or one whose holder gave it up or is gone.

        Of a holder that is neither surely dead nor surely living, the lease decides.
        """

        def is_over(standing: Claim) -> bool:
            is_late = now >= standing.lease_until and not is_living(standing.owner)
            return is_late or is_dead(standing.owner)

        with self._database.writing(tables.claims) as connection:
            return claims.take_claim(connection, key, owner, now + lease, is_over)

    def renew(self, claim: Claim, now: datetime, lease: timedelta) -> Claim:
        renewed = replace(claim, lease_until=(now + lease).astimezone(UTC))
        self._change_held(claim, lease_until=renewed.lease_until.isoformat())
        return renewed

    def finish(self, claim: Claim, result: str) -> None:
        """Mark the work as done for ever; whoever claims it again is told `result`."""
        self._change_held(claim, state=claims.DONE, result=result)

    def release(self, claim: Claim) -> None:
        """Let the work be tried again; a claim that was taken over is left to its new owner."""
        with self._database.writing(tables.claims) as connection:
            claims.change_held(connection, claim, state=claims.RELEASED)

    def list_claims(self, state: str = claims.HELD) -> list[Claim]:
        with self._database.reading() as connection:
            return claims.list_claims(connection, state)

    def is_done(self, key: str) -> bool:
        """Say whether this was claimed and finished."""
        with self._database.reading() as connection:
            return claims.is_done(connection, key)

    def _change_held(self, claim: Claim, **values: str) -> None:
        with self._database.writing(tables.claims) as connection:
            if not claims.change_held(connection, claim, **values):
                raise ClaimLostError(claim)


def _find_rollout(connection: Connection, model: str) -> Rollout:
    began = entries.last_entry(connection, model, (RolloutStarted,))
    history = entries.list_entries(connection, model, ROLLOUT_KINDS, began.seq - 1 if began else 0)
    return fold_rollout(
        model, [(entry.fact, entry.at) for entry in history if isinstance(entry.fact, RolloutFact)]
    )


def _append_change(
    connection: Connection, model: str, fact: ServingFact, at: datetime, actor: str, seen: int
) -> Entry:
    before = serving.find_serving(connection, model)
    entry = entries.append_entry(connection, model, fact, at, actor)
    serving.replace_serving(connection, serving_after(before, fact), seen, entry.seq)
    return entry


def _fence(connection: Connection, claim: Claim | None) -> None:
    if claim is not None:
        claims.ensure_held(connection, claim)
