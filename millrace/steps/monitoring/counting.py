"""What was asked, answered and found true in a window, beside what its champion has learned from?"""

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import PROFILE_FILE, SCHEMA_FILE, CorruptBundleError, Schema, parse_file
from millrace.domain.config import ModelConfig
from millrace.domain.monitoring.window import Window
from millrace.domain.profile import Reference
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
    """

    reference: Reference
    window: Reference
    troubles: dict[str, str]
    damages: int

    @property
    def rows(self) -> int:
        """How many rows were asked."""
        return self.window.inputs.rows

    @property
    def labels(self) -> int:
        """How many labels came."""
        return self.window.target.rows


def count_window(model: str, window: Window, executor: Executor | None = None) -> CountedWindow:
    """Count a window of the log, on the cores of this machine or on whatever the executor has.

    Raises
    ------
    NoReferenceError
        If the bundle of the champion is not there, or was made before there were references.
    """
    from millrace.adapters.prediction_log.counting import LogWindow
    from millrace.adapters.prediction_log.profiling import profile_log
    from millrace.adapters.profiling import count_table

    settings = load_settings()
    reference, schema = find_reference(model, bundles_folder(settings.channel), window.digest)
    hidden = _hidden(model_config(model))
    asked = LogWindow(model, window.digest, window.start, window.end, reference, schema, hidden)
    with nullcontext(executor) if executor else ThreadPoolExecutor(os.cpu_count()) as workers:
        counted = profile_log(settings.predictions, asked, count_table, workers)
    return CountedWindow(reference, counted.window, counted.troubles, counted.damages)


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


def _hidden(config: ModelConfig) -> dict[str, str]:
    settings = config.serving_settings
    hashed = dict.fromkeys(settings.hashed, "its values are logged as hashes (serving.hash)")
    return hashed | dict.fromkeys(settings.left_out, "it is not logged (serving.leave_out)")
