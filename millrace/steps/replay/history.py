"""Which rows happened when, and which batch of them arrived when?"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from millrace.adapters.batches import stage_batch
from millrace.adapters.models import load_source
from millrace.adapters.parts import verify_part
from millrace.domain.canonical import readable_json
from millrace.domain.config import ModelConfig
from millrace.durable import replace_file
from millrace.settings import load_settings
from millrace.steps.batch import write_rows
from millrace.steps.dataset import current_dataset
from millrace.steps.progress import announce
from millrace.steps.replay.plan import NoReplayError, Plan, entered
from millrace.steps.stores import model_config

if TYPE_CHECKING:
    import pandas as pd

LONGEST = timedelta(days=31)
"""A batch that spans more was loaded at once; what comes by itself comes each month, or more often."""


@dataclass(frozen=True)
class Coming:
    """A batch and when it arrives."""

    at: datetime
    batch: str
    file: str


@dataclass(frozen=True)
class History:
    """All that comes, in order; the rows of stretch `i` lie in `folder/rows/i`, typed by the contract."""

    folder: Path
    comings: tuple[Coming, ...]

    def list_coming(self, since: datetime | None, until: datetime) -> list[Coming]:
        """List what arrives after `since`, up to `until`."""
        return [one for one in self.comings if (since is None or one.at > since) and one.at <= until]

    def rows_of(self, stretch: int) -> "pd.DataFrame | None":
        """Return the rows that happened in a stretch of time, None where there are none."""
        import pandas as pd

        files = sorted((self.folder / "rows" / f"{stretch:06d}").glob("*.parquet"))
        return pd.concat(map(pd.read_parquet, files), ignore_index=True) if files else None


@dataclass(frozen=True)
class _Given:
    """A batch as it is in the dataset or the source; `complete_at` is when the source had all of it."""

    name: str
    file: Path
    complete_at: datetime | None


def prepare_history(plan: Plan) -> History:
    """Lay out what happened in files, once.

    Batches are the parts of the dataset, and what the model's source has beside them. One arrives when the
    source says that it is complete, else at the first step after its newest row; what is older than the
    replay is there from the start. A batch that spans more than 31 days arrives in slices of a step, as many
    at once as `contract.min_rows` asks for.

    Raises
    ------
    NoReplayError
        If there is no batch at all, or no row in the range.
    """
    folder = plan.folder / "history"
    listing = folder / "history.json"
    if listing.exists():
        return History(folder, tuple(msgspec.json.decode(listing.read_bytes(), type=list[Coming])))
    config, given = model_config(plan.model), _list_given(plan, folder)
    comings, seen = list[Coming](), list[datetime]()
    with entered(folder):
        for number, batch in enumerate(given):
            announce("history", number, len(given))
            rows = _read_typed(config, batch)
            times = rows[config.data.time].dropna()
            seen += [times.min().to_pydatetime(), times.max().to_pydatetime()] if len(times) else []
            _keep_rows(plan, config, folder, f"{number:05d}", rows)
            comings += _arrive(plan, config, folder, batch, rows)
    _ensure_rows(plan, folder, seen)
    comings = sorted((one for one in comings if one.at <= plan.until), key=lambda one: one.at)
    replace_file(listing, readable_json(comings).encode())
    return History(folder, tuple(comings))


def _list_given(plan: Plan, folder: Path) -> list[_Given]:
    settings, complete = load_settings(), _list_complete(plan)
    given = []
    for part in current_dataset(plan.model).parts:
        verify_part(settings.data / plan.model, part)
        file = settings.data / plan.model / f"{part.sha256}.parquet"
        given.append(_Given(part.batch, file, complete.pop(part.batch, None)))
    for name, at in complete.items():
        file = folder / "source" / f"{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        load_source(settings.models, plan.model).read_batch(name).to_parquet(file, index=False)
        given.append(_Given(name, file, at))
    if not given:
        advice = f"`millrace ingest {plan.model}` takes in what it has"
        raise NoReplayError(plan.model, "found no accepted batch, and no source that has one", advice)
    return given


def _list_complete(plan: Plan) -> dict[str, datetime]:
    """Return when the source had which batch, by its own word."""
    if model_config(plan.model).data.source != "python":
        return {}
    source, found = load_source(load_settings().models, plan.model), dict[str, datetime]()
    for bound in plan.bounds:
        for name in source.list_batches(bound):
            found.setdefault(name, bound)
    return found


def _read_typed(config: ModelConfig, batch: _Given) -> "pd.DataFrame":
    """Read a batch in the types of the contract, whatever clauses it breaks."""
    import pandas as pd

    staged = stage_batch(batch.file, load_settings().staging)
    written = write_rows(config, staged)
    try:
        return pd.read_parquet(written.path)
    finally:
        staged.path.unlink()
        written.path.unlink()


def _keep_rows(plan: Plan, config: ModelConfig, folder: Path, name: str, rows: "pd.DataFrame") -> None:
    """Write the rows of the range by the stretch in which they happened."""
    for stretch, of_stretch in _by_stretch(plan, config, rows):
        if stretch >= 0:
            path = folder / "rows" / f"{stretch:06d}" / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            of_stretch.to_parquet(path, index=False)


def _by_stretch(
    plan: Plan, config: ModelConfig, rows: "pd.DataFrame"
) -> Iterator[tuple[int, "pd.DataFrame"]]:
    """Yield the rows of each stretch in order; -1 is all time before the first."""
    known = rows[rows[config.data.time].notna() & (rows[config.data.time] < plan.until)]
    stretches = ((known[config.data.time] - plan.start) // plan.every).clip(lower=-1)
    for stretch, of_stretch in known.groupby(stretches, sort=True):
        yield int(str(stretch)), of_stretch


def _arrive(
    plan: Plan, config: ModelConfig, folder: Path, batch: _Given, rows: "pd.DataFrame"
) -> list[Coming]:
    times = rows[config.data.time].dropna()
    if not len(times):
        return []
    first, last = times.min().to_pydatetime(), times.max().to_pydatetime()
    if last - first > LONGEST and last >= plan.start:
        return _slice(plan, config, folder, batch, rows)
    late = plan.until + plan.every
    at = batch.complete_at or next((bound for bound in plan.bounds if bound > last), late)
    return [Coming(at, batch.name, os.fspath(batch.file))]


def _slice(
    plan: Plan, config: ModelConfig, folder: Path, batch: _Given, rows: "pd.DataFrame"
) -> list[Coming]:
    import pandas as pd

    found, waiting = list[Coming](), list[pd.DataFrame]()
    for stretch, of_stretch in _by_stretch(plan, config, rows):
        waiting.append(of_stretch)
        if sum(map(len, waiting)) < config.contract.min_rows:
            continue
        at = plan.bounds[stretch + 1]
        file = folder / "slices" / f"{batch.file.stem[:24]}-{stretch + 1:06d}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pd.concat(waiting, ignore_index=True).to_parquet(file, index=False)
        found.append(Coming(at, f"{batch.name} up to {at:%Y-%m-%d %H:%M}", os.fspath(file)))
        waiting.clear()
    return found


def _ensure_rows(plan: Plan, folder: Path, seen: list[datetime]) -> None:
    if any((folder / "rows").glob("*/*.parquet")):
        return
    there = f"its rows are of {min(seen):%Y-%m-%d} to {max(seen):%Y-%m-%d}" if seen else "it has no rows"
    asked = f"{plan.start:%Y-%m-%d} and {plan.until:%Y-%m-%d}"
    raise NoReplayError(plan.model, f"no row between {asked}; {there}", "Choose --from and --to within that")
