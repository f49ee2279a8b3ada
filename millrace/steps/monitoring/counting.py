"""What was asked, answered and found true in a window, beside what its champion has learned from?"""

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import PROFILE_FILE, SCHEMA_FILE, CorruptBundleError, Schema, parse_file
from millrace.domain.config import ModelConfig
from millrace.domain.monitoring.window import Window
from millrace.domain.profile import Profile, Reference
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.stores import model_config


class NoReferenceError(MillraceError):
    """A bundle does not hold what its windows could be compared with."""

    def __init__(self, model: str, digest: str, found: str) -> None:
        self.model, self.digest, self.found = model, digest, found
        super().__init__(
            f"{model}: bundle {digest[:12]} has no reference: found {found}, needed the {PROFILE_FILE} that "
            f"training writes. `millrace retrain {model}` makes a version that can be monitored"
        )


@dataclass(frozen=True)
class CountedWindow:
    """A window as counts, over the edges of the `reference` of its champion.

    `troubles` says why inputs could not be counted; `damages` places of the log could not be read.
    `uncomparable` says why there is no reference at all.
    """

    reference: Reference
    window: Reference
    troubles: dict[str, str]
    damages: int
    uncomparable: str | None = None

    @property
    def rows(self) -> int:
        """How many rows were asked."""
        return self.window.inputs.rows


def count_window(model: str, window: Window, executor: Executor | None = None) -> CountedWindow:
    """Count a window of the log, on the cores of this machine or on whatever the executor has.

    Where the champion's bundle has no reference, as those made before there were any, only rows are counted.
    """
    from millrace.adapters.prediction_log.counting import LogWindow
    from millrace.adapters.prediction_log.profiling import profile_log
    from millrace.adapters.profiling import count_table

    settings = load_settings()
    try:
        reference, schema = find_reference(model, bundles_folder(settings.channel), window.digest)
    except NoReferenceError as error:
        return _without_reference(model, window, str(error))
    hidden = _hidden(model_config(model), schema)
    asked = LogWindow(model, window.digest, window.start, window.end, reference, schema, hidden)
    with nullcontext(executor) if executor else ThreadPoolExecutor(os.cpu_count()) as workers:
        counted = profile_log(settings.predictions, asked, count_table, workers)
    return CountedWindow(reference, counted.window, counted.troubles, counted.damages)


def _without_reference(model: str, window: Window, why: str) -> CountedWindow:
    """Count the rows alone: what else there is to watch needs no reference."""
    from millrace.adapters.prediction_log.answered import count_answered

    nothing = Profile(0, (), ())
    rows = count_answered(load_settings().predictions, model, window.start, window.end)
    empty = Reference(nothing, nothing, nothing)
    return CountedWindow(empty, replace(empty, inputs=replace(nothing, rows=rows)), {}, 0, why)


def find_reference(model: str, bundles: Path, digest: str) -> tuple[Reference, Schema]:
    """Return what a version is compared with, and what goes into it and comes out.

    Raises
    ------
    NoReferenceError
        If there is none.
    """
    try:
        profile = (bundles / digest / PROFILE_FILE).read_bytes()
        schema = (bundles / digest / SCHEMA_FILE).read_bytes()
        return (
            parse_file(profile, Reference, PROFILE_FILE),
            parse_file(schema, Schema, SCHEMA_FILE),
        )
    except OSError as error:
        raise NoReferenceError(model, digest, str(error)) from error
    except CorruptBundleError as error:
        raise NoReferenceError(model, digest, error.found) from error


def _hidden(config: ModelConfig, schema: Schema) -> dict[str, str]:
    """Return why inputs are not in the log: keys that are none are hidden too, and are no loss."""
    settings = config.serving_settings
    hashed = dict.fromkeys(settings.hashed, "its values are logged as hashes (serving.hash)")
    hidden = hashed | dict.fromkeys(settings.left_out, "it is not logged (serving.leave_out)")
    return {column.name: hidden[column.name] for column in schema.inputs if column.name in hidden}
