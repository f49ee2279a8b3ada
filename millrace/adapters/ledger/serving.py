"""Which version serves now, and may it be changed from what the caller saw?"""

from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from millrace.adapters.ledger.tables import serving
from millrace.domain.rollout.policy import Strategy
from millrace.domain.serving import Serving
from millrace.errors import MillraceError


class StaleGenerationError(MillraceError):
    """What serves was changed by somebody else after the caller had looked."""

    def __init__(self, model: str, seen: int, found: int) -> None:
        self.model, self.seen, self.found = model, seen, found
        super().__init__(
            f"{model}: this was decided from generation {seen}, but generation {found} serves now. "
            f"Nothing was changed; look at `millrace status {model}` and decide again"
        )


def find_serving(connection: Connection, model: str) -> Serving:
    row = connection.execute(select(serving).where(serving.c.model == model)).one_or_none()
    return _read_serving(row) if row else Serving(model)


def list_serving(connection: Connection) -> list[Serving]:
    return [_read_serving(row) for row in connection.execute(select(serving).order_by(serving.c.model))]


def replace_serving(connection: Connection, after: Serving, seen: int, since_seq: int) -> None:
    """Write what serves from now on, if generation `seen` still serves."""
    values = {
        "generation": after.generation,
        "champion": after.champion,
        "previous": after.previous,
        "challenger": after.challenger,
        "strategy": after.strategy,
        "step": after.step,
        "weight": after.weight,
        "since_seq": since_seq,
    }
    # a change that was planned from an older generation than `seen` would turn the counter back
    still = (serving.c.generation == seen) & (serving.c.generation < after.generation)
    change = update(serving).where((serving.c.model == after.model) & still).values(values)
    if connection.execute(change).rowcount == 1:
        return
    found = find_serving(connection, after.model).generation
    if found > 0 or seen > 0:
        raise StaleGenerationError(after.model, min(seen, after.generation - 1), found)
    connection.execute(insert(serving).values(model=after.model, **values))


def _read_serving(row: Row[Any]) -> Serving:
    return Serving(
        model=row.model,
        generation=row.generation,
        champion=row.champion,
        previous=row.previous,
        challenger=row.challenger,
        strategy=Strategy(row.strategy) if row.strategy else None,
        step=row.step,
        weight=row.weight,
    )
