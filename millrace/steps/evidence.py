"""What have the two versions of a rollout done in its step, by the log?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import SCHEMA_FILE, CorruptBundleError, Schema, parse_file
from millrace.domain.kinds import Task
from millrace.domain.prediction import Alive
from millrace.domain.rollout.evidence import Evidence
from millrace.domain.rollout.policy import Policy
from millrace.domain.rollout.state import Phase, Rollout
from millrace.errors import MillraceError
from millrace.settings import load_settings

if TYPE_CHECKING:
    from millrace.adapters.prediction_log.trial import Trial
    from millrace.domain.rollout.measure import Thresholds

ALIVE_WITHIN = timedelta(seconds=30)
"""Three words of a service: one that has said none for so long is dead, or answers nobody we know of."""


class NothingOnTrialError(MillraceError):
    """A model of which no version is on its way."""

    def __init__(self, model: str, phase: Phase) -> None:
        self.model, self.phase = model, phase
        super().__init__(
            f"{model}: found its rollout {phase}, needed a version on its way to collect evidence about. "
            "`millrace retrain` makes one"
        )


class ClashingAnswersError(MillraceError):
    """Two versions whose answers are not about the same thing."""

    def __init__(self, model: str, challenger: str, found: object, needed: object) -> None:
        self.model, self.challenger, self.found, self.needed = model, challenger, found, needed
        super().__init__(
            f"{model}: answers of {challenger[:12]}: found {found}, needed {needed}, as of the version it is "
            f"compared with. `millrace rollout abort {model}` ends the rollout"
        )


def gather_evidence(rollout: Rollout, now: datetime) -> Evidence:
    """Measure the version on trial against its control, on what was logged of the step until now.

    For a direct rollout it is what the challenger would have answered to the newest rows of the log.

    Raises
    ------
    NothingOnTrialError
        If the rollout is idle.
    ClashingAnswersError
        If the two differ in their task, or in the classes of a binary one.
    UnreadableLogError
        If a compacted file is none.
    UnloggedColumnsError
        If the log does not have what a direct rollout needs.
    """
    from millrace.adapters.prediction_log.trial import Trial

    champion, challenger, policy = rollout.control, rollout.on_trial, rollout.policy
    if champion is None or challenger is None or policy is None or rollout.since is None:
        raise NothingOnTrialError(rollout.model, rollout.phase)
    schema, known, thresholds = _common_schema(rollout.model, champion, challenger)
    trial = Trial(
        rollout.model, rollout.generation, champion, challenger, rollout.since, now,
        schema.task, schema.classes, policy.slices, tuple(column.name for column in schema.key), known,
        thresholds,
    )  # fmt: skip
    if rollout.is_direct:
        return _rescored(trial, policy)
    in_probation = rollout.phase is Phase.PROBATION
    return _logged(trial, policy, rollout.reference_p95 if in_probation else None)


def _logged(trial: "Trial", policy: Policy, reference_p95: float | None) -> Evidence:
    from millrace.adapters.prediction_log.services import read_services
    from millrace.adapters.prediction_log.trial import read_trial
    from millrace.domain.rollout.measure import measure_arms, measure_slices

    folder, ratio = load_settings().predictions, policy.limits.max_latency_ratio
    found = read_trial(folder, trial)
    services = [word for word in read_services(folder) if _may_answer(word, trial)]
    return Evidence(
        trial.champion,
        trial.challenger,
        trial.since,
        trial.until,
        services=len(services),
        ready=sum(_has_proven(word, trial) for word in services),
        overall=measure_arms(found.rows, trial.task, ratio, reference_p95, trial.thresholds),
        slices=measure_slices(found.rows, trial.task, ratio, trial.thresholds),
        unreadable=len(found.damages),
    )


def _rescored(trial: "Trial", policy: Policy) -> Evidence:
    from millrace.domain.rollout.measure import measure_arms, measure_slices
    from millrace.steps.rescore import rescore_log

    found, ratio = rescore_log(trial), policy.limits.max_latency_ratio
    return Evidence(
        trial.champion,
        trial.challenger,
        found.since,
        trial.until,
        services=0,
        ready=0,
        overall=measure_arms(found.rows, trial.task, ratio, None, trial.thresholds),
        slices=measure_slices(found.rows, trial.task, ratio, trial.thresholds),
        unreadable=found.damages,
    )


def _may_answer(word: Alive, trial: "Trial") -> bool:
    """Whether a service lives that may answer for the model: one that names no model yet may any."""
    is_fresh = word.at >= (trial.until - ALIVE_WITHIN).timestamp()
    return is_fresh and (not word.models or any(one.model == trial.model for one in word.models))


def _has_proven(word: Alive, trial: "Trial") -> bool:
    return any(one.model == trial.model and trial.challenger in one.loaded for one in word.models)


def _common_schema(
    model: str, champion: str, challenger: str
) -> "tuple[Schema, dict[str, tuple[str, ...]], Thresholds]":
    """Return what both give out, with all classes of either, and the classes and the threshold of each."""
    from millrace.domain.rollout.measure import EVEN, Thresholds

    needed, found = find_schema(champion), find_schema(challenger)
    if found.task != needed.task:
        raise ClashingAnswersError(model, challenger, found.task.value, needed.task.value)
    if found.classes != needed.classes and needed.task is not Task.MULTICLASS:
        raise ClashingAnswersError(model, challenger, f"classes {found.classes}", f"{needed.classes}")
    classes = tuple(dict.fromkeys((*needed.classes, *found.classes)))
    ours, theirs = (EVEN if one.threshold is None else one.threshold for one in (found, needed))
    known = {champion: needed.classes, challenger: found.classes}
    return replace(needed, classes=classes), known, Thresholds(champion=theirs, challenger=ours)


def find_schema(digest: str) -> Schema:
    """Return what a published bundle takes in and gives out.

    Raises
    ------
    CorruptBundleError
        If it is not there, or is no schema.
    """
    path = bundles_folder(load_settings().channel) / digest / SCHEMA_FILE
    if not path.is_file():
        raise CorruptBundleError(str(path), "nothing", "the schema of a bundle that was published")
    return parse_file(path.read_bytes(), Schema, SCHEMA_FILE)
