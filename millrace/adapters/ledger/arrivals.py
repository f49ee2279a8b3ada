"""Has this batch come before, and what became of it?"""

from sqlalchemy import Connection, delete, insert, select

from millrace.adapters.ledger.tables import arrivals
from millrace.domain.facts import BatchAccepted, BatchQuarantined
from millrace.errors import MillraceError

ACCEPTED = "accepted"
QUARANTINED = "quarantined"


class AlreadyAcceptedError(MillraceError):
    """The same bytes became a part of this model's dataset before."""

    def __init__(self, model: str, batch_digest: str) -> None:
        self.model, self.batch_digest = model, batch_digest
        super().__init__(
            f"{model}: batch {batch_digest[:12]} was already accepted, each batch is accepted once. "
            f"Nothing was written; `millrace data list {model}` shows what is in"
        )


def find_state(connection: Connection, model: str, batch_digest: str) -> str | None:
    query = select(arrivals.c.state).where(arrivals.c.model == model, arrivals.c.batch_digest == batch_digest)
    return connection.execute(query).scalar_one_or_none()


def record_arrival(connection: Connection, model: str, fact: BatchAccepted | BatchQuarantined) -> None:
    """Note what became of a batch. What was accepted stays so, what was quarantined may be released."""
    if find_state(connection, model, fact.batch_digest) == ACCEPTED:
        raise AlreadyAcceptedError(model, fact.batch_digest)
    state = ACCEPTED if isinstance(fact, BatchAccepted) else QUARANTINED
    same = (arrivals.c.model == model) & (arrivals.c.batch_digest == fact.batch_digest)
    connection.execute(delete(arrivals).where(same))
    connection.execute(insert(arrivals).values(model=model, batch_digest=fact.batch_digest, state=state))
