"""Which rows happened when, and which batch of them arrived when?"""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from millrace.adapters.models import load_source
from millrace.adapters.parts import verify_part
from millrace.domain.canonical import readable_json
from millrace.durable import replace_file
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.progress import announce
from millrace.steps.replay.laying import Coming, Given, Layer, Told
from millrace.steps.replay.plan import NoReplayError, Plan, entered
from millrace.steps.replay.refusals import own_contract
from millrace.steps.stores import model_config

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class History:
    """What is told, and the rows: those of stretch `i` lie in `folder/rows/i`, by the contract's types."""

    folder: Path
    told: Told

    @property
    def comings(self) -> tuple[Coming, ...]:
        return self.told.comings

    def list_coming(self, since: datetime | None, until: datetime) -> list[Coming]:
        """List what arrives after `since`, up to `until`."""
        return [one for one in self.comings if (since is None or one.at > since) and one.at <= until]

    def rows_of(self, stretch: int) -> "pd.DataFrame | None":
        """Return the rows that happened in a stretch of time, None where there are none."""
        import pandas as pd

        files = sorted((self.folder / "rows" / f"{stretch:06d}").glob("*.parquet"))
        return pd.concat(map(pd.read_parquet, files), ignore_index=True) if files else None


def prepare_history(plan: Plan) -> History:
    """Lay out what happened in files, once.

    Batches are the parts of the dataset, and what the model's source has beside them. One arrives when the
    source says that it is complete, but never before its newest row has happened; else at the first step
    after its newest row. What is older than the replay is there from the start. A batch that spans more than
    31 days, and of which no source says when it had it, arrives in slices of a step, as many at once as
    `contract.min_rows` asks for.

    Raises
    ------
    NoReplayError
        If there is no batch at all, or no row in the range.
    """
    folder = plan.folder / "history"
    listing = folder / "history.json"
    if listing.exists():
        return History(folder, msgspec.json.decode(listing.read_bytes(), type=Told))
    given = _list_given(plan, folder)
    shutil.rmtree(folder / "rows", ignore_errors=True)  # of a process that was stopped half way
    layer = Layer(plan, folder, model_config(plan.model), own_contract(plan.model))
    with entered(folder):
        for number, batch in enumerate(given):
            announce("history", number, len(given))
            layer.lay(f"{number:05d}", batch)
    layer.ensure_rows()
    told = layer.tell()
    replace_file(listing, readable_json(told).encode())
    return History(folder, told)


def _list_given(plan: Plan, folder: Path) -> list[Given]:
    settings, complete = load_settings(), _list_complete(plan)
    given = []
    for part in current_dataset(plan.model).parts:
        verify_part(settings.data / plan.model, part)
        file = settings.data / plan.model / f"{part.sha256}.parquet"
        given.append(Given(part.batch, file, complete.pop(part.batch, None)))
    for name, at in complete.items():
        file = folder / "source" / f"{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        load_source(settings.models, plan.model).read_batch(name).to_parquet(file, index=False)
        given.append(Given(name, file, at))
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
