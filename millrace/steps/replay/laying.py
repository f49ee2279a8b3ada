"""When does each batch of history arrive, and in which stretch of time did its rows happen?"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.batches import stage_batch
from millrace.adapters.contract import BatchCheck
from millrace.domain.config import ModelConfig
from millrace.domain.contract import Violation
from millrace.domain.replay.comparison import RefusedRows
from millrace.settings import load_settings
from millrace.steps.batch import write_rows
from millrace.steps.replay.plan import NoReplayError, Plan
from millrace.steps.replay.refusals import OwnContract

if TYPE_CHECKING:
    import pandas as pd

LONGEST = timedelta(days=31)
"""A batch that spans more, and of which no source says when it had it, was loaded at once."""


@dataclass(frozen=True)
class Coming:
    """A batch and when it arrives. One that `is_released` was let in by somebody, whatever it broke."""

    at: datetime
    batch: str
    file: str
    is_released: bool = False


@dataclass(frozen=True)
class Told:
    """What history is made of: all that comes, in order.

    `refused` are rows that the model's own contract does not let in: none of them is asked about, or scored.
    `early` are batches that the source named before their newest row had happened.
    """

    comings: tuple[Coming, ...]
    refused: tuple[RefusedRows, ...] = ()
    early: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """A batch as it is in the dataset or the source; `complete_at` is when the source had all of it."""

    name: str
    file: Path
    complete_at: datetime | None


@dataclass
class Layer:
    """Writes the rows of one batch after the other, and notes when each of them arrives."""

    plan: Plan
    folder: Path
    config: ModelConfig
    contract: OwnContract
    comings: list[Coming] = field(default_factory=list)
    refused: list[RefusedRows] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    seen: list[datetime] = field(default_factory=list)

    def lay(self, name: str, batch: Given) -> None:
        """Write the rows of a batch by the stretch in which they happened, and note when it arrives."""
        rows, check = _read_typed(self.config, batch)
        times = rows[self.config.data.time].dropna()
        if not len(times):
            self.refused += [RefusedRows(batch.name, check.rows, _why(one)) for one in check.violations[:1]]
            return
        first, last = times.min().to_pydatetime(), times.max().to_pydatetime()
        self.seen += [first, last]
        known = next((bound for bound in self.plan.bounds if bound > last), self.plan.until + self.plan.every)
        is_early = batch.complete_at is not None and batch.complete_at <= last
        if is_early:
            self.early.append(batch.name)
        if last - first > LONGEST and last >= self.plan.start and (is_early or batch.complete_at is None):
            self._slice(name, batch, rows)
            return
        at, is_released = max(batch.complete_at or known, known), self.contract.is_released(batch.file.stem)
        self.comings.append(Coming(at, batch.name, os.fspath(batch.file), is_released))
        self._keep(name, batch, rows, self.contract.find_broken(rows, check, batch.file.stem))

    def _keep(self, name: str, batch: Given, rows: "pd.DataFrame", broken: Violation | None) -> None:
        """Write the rows of the range, or say which clause keeps them out."""
        asked = [one for one in self._by_stretch(rows) if one[0] >= 0]
        if broken is not None:
            count = sum(len(of_stretch) for _, of_stretch in asked)
            self.refused += [RefusedRows(batch.name, count, _why(broken))] if count else []
            return
        for stretch, of_stretch in asked:
            path = self.folder / "rows" / f"{stretch:06d}" / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            of_stretch.to_parquet(path, index=False)

    def _by_stretch(self, rows: "pd.DataFrame") -> "Iterator[tuple[int, pd.DataFrame]]":
        """Yield the rows of each stretch in order; -1 is all time before the first."""
        time = self.config.data.time
        known = rows[rows[time].notna() & (rows[time] < self.plan.until)]
        stretches = ((known[time] - self.plan.start) // self.plan.every).clip(lower=-1)
        for stretch, of_stretch in known.groupby(stretches, sort=True):
            yield int(str(stretch)), of_stretch

    def _slice(self, name: str, batch: Given, rows: "pd.DataFrame") -> None:
        """Cut a batch by stretches; what is too little to arrive by itself waits for the next one."""
        import pandas as pd

        waiting = list[pd.DataFrame]()
        for stretch, of_stretch in self._by_stretch(rows):
            waiting.append(of_stretch)
            if sum(map(len, waiting)) < self.config.contract.min_rows:
                continue
            at, together = self.plan.bounds[stretch + 1], pd.concat(waiting, ignore_index=True)
            named = replace(batch, name=f"{batch.name} up to {at:%Y-%m-%d %H:%M}")
            file = self.folder / "slices" / f"{name}-{stretch + 1:06d}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            together.to_parquet(file, index=False)
            is_released = self.contract.is_released(batch.file.stem)
            self.comings.append(Coming(at, named.name, os.fspath(file), is_released))
            self._keep_slice(name, named, together)
            waiting.clear()
        if waiting:  # happened, and never arrives
            self._keep_slice(name, batch, pd.concat(waiting, ignore_index=True))

    def _keep_slice(self, name: str, named: Given, rows: "pd.DataFrame") -> None:
        self._keep(name, named, rows, self.contract.find_broken_slice(rows, named.file.stem))

    def ensure_rows(self) -> None:
        """Refuse a range in which nothing is known to have happened."""
        if any((self.folder / "rows").glob("*/*.parquet")):
            return
        plan, seen = self.plan, self.seen
        there = f"its rows are of {min(seen):%Y-%m-%d} to {max(seen):%Y-%m-%d}" if seen else "it has no rows"
        if self.refused:
            one = self.refused[0]
            there += (
                f", and the contract refuses {sum(one.rows for one in self.refused):,} of them: {one.why}"
            )
        asked = f"{plan.start:%Y-%m-%d} and {plan.until:%Y-%m-%d}"
        advice = (
            "Choose --from and --to within that" if not self.refused else "Correct the batches or [contract]"
        )
        raise NoReplayError(plan.model, f"no row between {asked}; {there}", advice)

    def tell(self) -> Told:
        """Return what has been noted, in the order of arrival."""
        within = (one for one in self.comings if one.at <= self.plan.until)
        return Told(tuple(sorted(within, key=lambda one: one.at)), tuple(self.refused), tuple(self.early))


def _read_typed(config: ModelConfig, batch: Given) -> "tuple[pd.DataFrame, BatchCheck]":
    """Read a batch in the types of the contract, whatever clauses it breaks, and what it breaks."""
    import pandas as pd

    staged = stage_batch(batch.file, load_settings().staging)
    written = write_rows(config, staged)
    try:
        return pd.read_parquet(written.path), written.check
    finally:
        staged.path.unlink()
        written.path.unlink()


def _why(broken: Violation) -> str:
    return f"{broken.column}: {broken.message}" if broken.column else broken.message
