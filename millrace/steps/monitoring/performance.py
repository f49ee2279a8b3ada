"""How good were a version's answers, by the labels that have come until now?"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from millrace.domain.config import ModelConfig, PerformanceSection
from millrace.domain.facts import ChallengerJudged, ChallengerReceived, Fact, Level
from millrace.domain.monitoring.attempt import attempt, unknown
from millrace.domain.monitoring.doubt import doubt
from millrace.domain.monitoring.findings import GroupLoss, PerformanceFindings
from millrace.domain.monitoring.performance import list_watched, measure_answered
from millrace.domain.monitoring.stretches import HOUR
from millrace.domain.monitoring.window import Window
from millrace.domain.monitoring.yardstick import Yardstick
from millrace.settings import load_settings
from millrace.steps.evidence import find_schema
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    from millrace.adapters.prediction_log.answered import AnsweredLog


def measure_performance(model: str, window: Window) -> PerformanceFindings | None:
    """Hold the answers whose labels are looked at in a window to the gate's level."""
    return measure_performance_of(model, window.digest, window.labelled_start, window.labelled_end)


def measure_performance_of(
    model: str, digest: str, start: datetime, end: datetime
) -> PerformanceFindings | None:
    """Hold what a version answered in `[start, end)` to its level at the gate; None where nobody asks for it.

    What cannot be read or measured is inconclusive, with the reason.
    """
    config = model_config(model)
    if config.performance is None:
        return None
    level = attempt(partial(find_level, model, digest, config.gate.metric.value))
    yardstick = _yardstick(config, config.performance, None if isinstance(level, str) else level)
    if isinstance(level, str):
        return _unmeasured(start, end, yardstick, level)
    found = attempt(partial(_measure, config, digest, start, end, yardstick))
    return _unmeasured(start, end, yardstick, found) if isinstance(found, str) else found


def _measure(
    config: ModelConfig, digest: str, start: datetime, end: datetime, yardstick: Yardstick
) -> PerformanceFindings:
    least, came = yardstick.policy.min_labels, attempt(partial(_count_labels, config.name, start))
    if isinstance(came, int) and came < least:
        # else each look would read all that was answered since the first, however long no label comes
        return _unmeasured(start, end, yardstick, f"{came} labels of {least} needed", came)
    yardstick = replace(yardstick, threshold=find_schema(digest).threshold)
    log = read_labelled(config, yardstick.policy, digest, start, end)
    found = measure_answered(log.rows, start, end, yardstick, _notes(log))
    return replace(found, verdicts=doubt(found.verdicts, len(log.damages)))


def _count_labels(model: str, start: datetime) -> int:
    from millrace.adapters.prediction_log.answered import count_labels_since

    return count_labels_since(load_settings().predictions, model, start)


def read_labelled(
    config: ModelConfig, policy: PerformanceSection, digest: str, start: datetime, end: datetime
) -> "AnsweredLog":
    """Read what a version answered, with the columns by which its rows are told apart.

    Raises
    ------
    CorruptBundleError
        If the bundle is not there.
    """
    from millrace.adapters.prediction_log.answered import Answering, read_answered

    schema = find_schema(digest)
    columns = tuple(dict.fromkeys((*policy.slices, *policy.sensitive)))
    wanted = Answering(
        config.name, digest, start, end, schema.task, schema.classes, columns,
        tuple(column.name for column in schema.key), config.data.label_delay,
    )  # fmt: skip
    return read_answered(load_settings().predictions, wanted)


def find_level(model: str, digest: str, metric: str) -> Level | None:
    """Return how good a version was when it was judged last, here or where it was offered from.

    Of one that was judged before levels were kept it is the loss alone, taken to be by `metric`.
    """
    for entry in ledger().newest_first(model, ChallengerJudged, ChallengerReceived):
        fact = _judged(entry.fact)
        level = _level(fact, metric) if fact is not None and fact.digest == digest else None
        if level is not None:
            return level
    return None


def _judged(fact: Fact) -> ChallengerJudged | None:
    if isinstance(fact, ChallengerReceived):
        return fact.judged
    return fact if isinstance(fact, ChallengerJudged) else None


def _level(fact: ChallengerJudged, metric: str) -> Level | None:
    loss = fact.losses.get("recent", {}).get("challenger")
    if fact.level is not None or loss is None:
        return fact.level
    return Level(metric, rows=0, blocks=0, loss=loss, lower=None, upper=None)


def _yardstick(config: ModelConfig, policy: PerformanceSection, level: Level | None) -> Yardstick:
    return Yardstick(
        task=config.model.task,
        metric=config.followed_metric,
        level=level,
        block=config.data.block or HOUR,
        policy=policy,
        rounds=config.gate.rounds,
    )


def _unmeasured(
    start: datetime, end: datetime, yardstick: Yardstick, reason: str, labels: int = 0
) -> PerformanceFindings:
    known = yardstick.known_level
    return PerformanceFindings(
        start=start,
        end=end,
        rows=0,
        labels=labels,
        metric=yardstick.metric.value,
        level=None if isinstance(known, str) else known.loss,
        overall=GroupLoss("all", labels, None, None, None),
        slices=(),
        verdicts=tuple(unknown(watched, reason) for watched in list_watched(yardstick)),
    )


def _notes(log: "AnsweredLog") -> tuple[str, ...]:
    """Say what of the log or its labels was not as it should be."""
    counts, newest = log.labels, np.max(log.rows.labelled_at - log.rows.at, initial=0)
    told = (
        (log.damages, f"the log could not be read in {len(log.damages)} places, as {_first(log)}"),
        (log.share < 1.0, f"a share of {log.share:g} of the requests was read"),
        (counts.contradicting, f"{counts.contradicting} labels contradict earlier ones, the newest counts"),
        (counts.late, f"{counts.late} rows were labelled late, after up to {_spell(newest)}"),
        (log.unreadable_labels, f"{log.unreadable_labels} rows have a label that is no class or number"),
    )
    return tuple(text for is_so, text in told if is_so)


def _first(log: "AnsweredLog") -> str:
    return "".join(f"{one.file}, {one.reason}" for one in log.damages[:1])


def _spell(micros: int) -> str:
    return str(timedelta(seconds=int(micros) // 1_000_000))
