"""How far was a model's database asked, and what does it hold beyond that?"""

import os
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from millrace.adapters.sql_source import SqlAddress, SqlDatabase, SqlSource
from millrace.domain.config import ModelConfig
from millrace.domain.config.data import SqlSection
from millrace.domain.facts import BatchAccepted, BatchQuarantined, DatasetAdopted
from millrace.domain.watermark import (
    Watermark,
    WatermarkRange,
    cut_ranges,
    find_highest,
    find_last_run,
    is_ahead,
    is_settled,
    parse_range,
)
from millrace.domain.work import FlowName
from millrace.steps.claims import list_dead_claims
from millrace.steps.stores import ledger, model_config


@dataclass(frozen=True)
class SourceLook:
    """What a database holds that no batch has.

    `waiting` rows are too few for a batch by the contract's `min_rows`; `unmarked` ones have no watermark,
    that of `ahead` ones lies in the future. `late` ones, where they were counted, came at or below a
    watermark that was passed, and no batch will have them.
    """

    ranges: tuple[WatermarkRange, ...]
    waiting: int
    unmarked: int
    ahead: int = 0
    late: int = 0


def look_at_database(model: str, now: datetime) -> SourceLook:
    """Ask the database which batches are new; a last one that is too small is left until it has grown."""
    config, section = model_config(model), _section(model)
    source, after = open_source(section), find_watermark(model)
    new = source.count_new(after)
    unsettled: list[int] = []

    def may_be_taken(found: tuple[Watermark, int]) -> bool:
        if is_settled(section.watermark, found[0], now, section.lag):
            return True
        unsettled.append(found[1] if is_ahead(found[0], now) else 0)
        return False

    enough = config.contract.min_rows
    counts = takewhile(may_be_taken, new)
    found = list(cut_ranges(section.watermark, after, counts, enough, section.batch_rows))
    waiting = found.pop()[1] if found and found[-1][1] < enough else 0
    ahead = sum(unsettled) + sum(rows for value, rows in new if is_ahead(value, now))
    return SourceLook(tuple(asked for asked, _ in found), waiting, source.count_unmarked(), ahead)


def find_watermark(model: str) -> Watermark | None:
    """Return how far the rows were taken in, or kept in quarantine; None before the first.

    The names of the batches in the ledger say so: one entry says what became of a batch and how far it went.
    """
    return find_highest([name for name, _ in _list_batches(model)], _section(model).watermark)


def count_late(model: str) -> int:
    """Count by how many the rows of the last accepted batches have grown since they were taken in."""
    accepted = {name: rows for name, rows in _list_batches(model) if rows is not None}
    column = _section(model).watermark
    upto = find_highest(accepted, column)
    run = None if upto is None else find_last_run(accepted, column, upto)
    return 0 if run is None else max(0, open_source(_section(model)).count_within(run[0]) - run[1])


def _list_batches(model: str) -> list[tuple[str, int | None]]:
    """Name all batches, the newest last, with the rows that were accepted; None in quarantine."""
    batches: list[tuple[str, int | None]] = []
    for entry in ledger().entries(model, (BatchAccepted, BatchQuarantined, DatasetAdopted)):
        match entry.fact:
            case BatchAccepted() as fact:
                batches.append((fact.part.batch, fact.part.rows))
            case BatchQuarantined() as fact:
                batches.append((fact.batch, None))
            case DatasetAdopted() as fact:
                batches += [(part.batch, part.rows) for part in fact.parts]
            case _:
                pass
    return batches


def write_range(config: ModelConfig, batch: str, path: Path) -> None:
    """Read the rows of a batch by its name."""
    wanted = range_of(config, batch)
    if wanted is None or config.data.sql is None:
        raise ValueError(f"{batch!r} is no batch of this model's database")
    open_source(config.data.sql).write(wanted, path)


def range_of(config: ModelConfig, batch: str) -> WatermarkRange | None:
    """Return which rows of the database a batch is, None where it is none of them."""
    return parse_range(batch, config.data.sql.watermark) if config.data.sql else None


def name_turn(model: str, wanted: WatermarkRange) -> str:
    """Name the work of taking in what comes next: two runs that read it at once may not see the same rows."""
    return _turn(model, wanted.column, wanted.after)


def is_next(model: str, wanted: WatermarkRange) -> bool:
    """Say whether the rows of a batch follow on what was taken in."""
    return find_watermark(model) == wanted.after


def release_passed_turns(model: str) -> None:
    """Give up the claims of runs that died when their batch stood in the ledger already."""
    turn = _turn(model, _section(model).watermark, find_watermark(model))
    for claim in list_dead_claims(model, FlowName.INGEST):
        if claim.key != turn and claim.key.startswith(_turns(model)):
            ledger().release(claim)


def open_source(section: SqlSection) -> SqlSource:
    """Return the source; nothing is asked of it yet."""
    return SqlSource(_database(section), section.watermark)


def ping_database(section: SqlSection) -> None:
    """Connect, and let the database read the query.

    Raises
    ------
    MillraceError
        With what it says.
    """
    _database(section).ping()


def _turn(model: str, column: str, after: Watermark | None) -> str:
    return f"{_turns(model)}{column}={'' if after is None else after}"


def _turns(model: str) -> str:
    return f"ingest:{model}:above:"


def _database(section: SqlSection) -> SqlDatabase:
    return SqlDatabase(SqlAddress(section.url, os.environ), section.query)


def _section(model: str) -> SqlSection:
    section = model_config(model).data.sql
    if section is None:
        raise ValueError(f"{model} has no [data.sql]")
    return section
