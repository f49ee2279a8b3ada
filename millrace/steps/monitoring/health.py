"""Is the champion still as young, as fast, as faultless and the same as in training?"""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from millrace.adapters.bundle import read_manifest
from millrace.adapters.channel import bundles_folder
from millrace.domain.config import HealthSection, ModelConfig
from millrace.domain.facts import BatchAccepted, ChampionPromoted, DatasetAdopted
from millrace.domain.monitoring.attempt import attempt, judged, unknown
from millrace.domain.monitoring.doubt import doubt
from millrace.domain.monitoring.findings import Watched
from millrace.domain.monitoring.health import judge_errors, judge_latency, judge_skew, judge_staleness
from millrace.domain.monitoring.window import Window
from millrace.domain.verdict import Verdict
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.dataset import find_dataset_version
from millrace.steps.evidence import find_schema
from millrace.steps.monitoring.skew import find_skew
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    from millrace.adapters.prediction_log.answered import AnsweredLog


class UnknownAgeError(MillraceError):
    """Nothing tells since when something is there."""

    def __init__(self, what: str, needed: str) -> None:
        self.what, self.needed = what, needed
        super().__init__(f"{what}: found no {needed} in the ledger")


def check_health(model: str, window: Window, now: datetime) -> tuple[Verdict, ...]:
    """Judge the champion in a window by `[health]` of model.toml; nothing where that is not there."""
    return check_health_of(model, window.digest, window.start, window.end, now)


def check_health_of(
    model: str, digest: str, start: datetime, end: datetime, now: datetime
) -> tuple[Verdict, ...]:
    """Judge a version by what it answered in `[start, end)`; what cannot be read is inconclusive."""
    config = model_config(model)
    policy, alpha = config.health, 1.0 - config.gate.confidence
    if policy is None:
        return ()
    log = attempt(partial(_read_log, config, digest, start, end))
    of_the_log = (
        judged(Watched.SKEW, partial(_skew, config, policy, digest, start, end)),
        *(
            unknown(watched, log)
            if isinstance(log, str)
            else judged(watched, partial(judge, log.rows, policy, alpha))
            for watched, judge in ((Watched.LATENCY, judge_latency), (Watched.ERRORS, judge_errors))
        ),
    )
    since, newest = (
        attempt(partial(_champion_since, model, digest)),
        attempt(partial(_newest_data, model, digest)),
    )
    staleness = judged(Watched.STALENESS, partial(judge_staleness, since, newest, policy, now))
    return (*doubt(of_the_log, 0 if isinstance(log, str) else len(log.damages)), staleness)


def _skew(config: ModelConfig, policy: HealthSection, digest: str, start: datetime, end: datetime) -> Verdict:
    found = find_skew(config, digest, start, end, policy.skew_rows)
    return judge_skew(found, policy, 1.0 - config.gate.confidence)


def _read_log(config: ModelConfig, digest: str, start: datetime, end: datetime) -> "AnsweredLog":
    from millrace.adapters.prediction_log.answered import Answering, read_answered

    schema = find_schema(digest)
    wanted = Answering(config.name, digest, start, end, schema.task, schema.classes)
    return read_answered(load_settings().predictions, wanted)


def _champion_since(model: str, digest: str) -> datetime:
    """Return when a version was promoted last: a rollback to it does not make it younger."""
    for entry in ledger().newest_first(model, ChampionPromoted):
        if isinstance(entry.fact, ChampionPromoted) and entry.fact.digest == digest:
            return entry.at
    raise UnknownAgeError(digest[:12], "promotion of it")


def _newest_data(model: str, digest: str) -> datetime:
    """Return of when the newest row of a version's dataset is, or when it came where rows have no time."""
    parts = find_dataset_version(
        model, read_manifest(bundles_folder(load_settings().channel) / digest).dataset
    ).parts
    times = [part.last_time for part in parts if part.last_time is not None]
    if times:
        return max(times)
    names = {part.sha256 for part in parts}
    for entry in ledger().newest_first(model, BatchAccepted, DatasetAdopted):
        match entry.fact:
            case BatchAccepted(part=part) if part.sha256 in names:
                return entry.at
            case DatasetAdopted(parts=parts) if names & {part.sha256 for part in parts}:
                return entry.at
    raise UnknownAgeError(f"dataset of {digest[:12]}", "acceptance of its parts")
