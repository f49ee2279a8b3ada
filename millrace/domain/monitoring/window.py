"""Which window is looked at next, and what follows from what was found of it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from millrace.domain.config import ModelConfig
from millrace.domain.facts import Decay, Drift, WindowMonitored
from millrace.domain.monitoring.findings import Watched, WindowFindings
from millrace.domain.verdict import Outcome, Verdict

NAMED_COLUMNS = 20
"""So many of the drifted columns stand in the ledger; all of them in what is kept of the window."""

DRIFTS = (Watched.DATA, Watched.PREDICTIONS, Watched.TARGET)
"""What asks for a retraining once it has failed in enough windows."""


@dataclass(frozen=True)
class Window:
    """What is looked at: requests of `[start, end)`, and the labels of `[labelled_start, labelled_end)`.

    The second are times of answering too: of what was answered then, labels are to be there by now.
    `digest` is the champion.
    """

    digest: str
    start: datetime
    end: datetime
    labelled_start: datetime
    labelled_end: datetime


def has_decided(looked: WindowMonitored) -> bool:
    """Whether a look came to a word on what may ask for a retraining."""
    asking = {*DRIFTS, Watched.PERFORMANCE}
    return any(one.rule in asking and one.outcome is not Outcome.INCONCLUSIVE for one in looked.verdicts)


def plan_window(
    champion: str,
    promoted_at: datetime,
    last: WindowMonitored | None,
    label_delay: timedelta | None,
    now: datetime,
) -> Window:
    """Return what has come since the last look at this champion, or since it answers.

    A time to come, from a clock that was ahead, is taken for now: some rows are then looked at twice, where
    they would not be looked at until that time has come.

    Parameters
    ----------
    champion
        The digest of the version that answers.
    promoted_at
        Since when it does.
    last
        The last look at the model since then, if there was one.
    label_delay
        After how long the label of an answer is to be expected.
    now
        Where the window ends.
    """
    start = labelled_start = promoted_at
    if last is not None and last.digest == champion:
        start, labelled_start = last.next_start, last.next_labelled_start
    start, labelled_start = min(start, now), min(labelled_start, now)
    labelled_end = max(labelled_start, now - (label_delay or timedelta(0)))
    return Window(champion, start, now, labelled_start, labelled_end)


def conclude(
    window: Window,
    found: WindowFindings,
    rows: int,
    digest_of_findings: str,
    past: Sequence[WindowMonitored],
    config: ModelConfig,
) -> WindowMonitored:
    """Return what goes into the ledger about a window.

    Parameters
    ----------
    rows
        How many rows were answered in it.
    digest_of_findings
        The SHA-256 of what is kept of it.
    past
        The looks before, oldest first, at any champion.
    """
    labels = found.performance.labels if found.performance else 0
    too_few_rows = config.drift is not None and rows < config.drift.min_rows
    too_few_labels = config.performance is not None and labels < config.performance.min_labels
    same = [one for one in past if one.digest == window.digest]
    before = same[-1].standing if same else ()
    return WindowMonitored(
        digest=window.digest,
        start=window.start,
        end=window.end,
        labelled_start=window.labelled_start,
        rows=rows,
        labels=labels,
        next_start=window.start if too_few_rows else window.end,
        next_labelled_start=window.labelled_start if too_few_labels else window.labelled_end,
        verdicts=found.verdicts,
        alarms=tuple(rule for rule in Watched if rule in _failed(found.verdicts) - _failed(before)),
        findings=digest_of_findings,
        share=found.drift.share if found.drift else None,
        excess_loss=found.performance.excess_loss if found.performance else None,
        drift=_find_drift(window, found, same, config),
        decay=_find_decay(window, found, same, config),
        standing=_stand(found.verdicts, before),
    )


def _stand(verdicts: Sequence[Verdict], before: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Return what is known of each rule: what was found now, or before where nothing could be judged now."""
    known = {one.rule: one for one in before if one.outcome is not Outcome.INCONCLUSIVE}
    return tuple(known.get(one.rule, one) if one.outcome is Outcome.INCONCLUSIVE else one for one in verdicts)


def _find_drift(
    window: Window, found: WindowFindings, past: Sequence[WindowMonitored], config: ModelConfig
) -> Drift | None:
    if config.drift is None or found.drift is None:
        return None
    failing = {rule: _list_failing(rule, window, found, past) for rule in DRIFTS}
    longest = max(failing.values(), key=len)
    if len(longest) < config.drift.windows:
        return None
    other = tuple(rule for rule in DRIFTS[1:] if failing[rule])
    columns = (*found.drift.drifted, *other) if failing[Watched.DATA] else other
    before = past[-1].drift if past else None
    since = longest[-1] if before is None else min(longest[-1], before.since)  # past remembers so many only
    return Drift(since, len(longest), found.drift.share or 0.0, columns[:NAMED_COLUMNS])


def _find_decay(
    window: Window, found: WindowFindings, past: Sequence[WindowMonitored], config: ModelConfig
) -> Decay | None:
    shown = found.performance
    if config.performance is None or shown is None or shown.overall.loss is None or shown.level is None:
        return None
    failing = _list_failing(Watched.PERFORMANCE, window, found, past)
    if len(failing) < config.performance.windows:
        return None
    before = past[-1].decay if past else None
    since = failing[-1] if before is None else min(failing[-1], before.since)
    return Decay(since, len(failing), shown.metric, shown.overall.loss, shown.level)


def _list_failing(
    rule: Watched, window: Window, found: WindowFindings, past: Sequence[WindowMonitored]
) -> list[datetime]:
    """Return when each window in a row began in which a rule failed, the newest first.

    One that was inconclusive neither breaks the row nor belongs to it: nothing is known of it.
    """
    is_labelled = rule is Watched.PERFORMANCE
    looks = [(window.labelled_start if is_labelled else window.start, found.verdicts)]
    looks += [(one.labelled_start if is_labelled else one.start, one.verdicts) for one in reversed(past)]
    starts: list[datetime] = []
    for start, verdicts in looks:
        outcome = next((one.outcome for one in verdicts if one.rule == rule), Outcome.INCONCLUSIVE)
        if outcome is Outcome.PASS or (outcome is not Outcome.FAIL and not starts):
            break
        if outcome is Outcome.FAIL:
            starts.append(start)
    return starts


def _failed(verdicts: Sequence[Verdict]) -> set[str]:
    return {one.rule for one in verdicts if one.outcome is Outcome.FAIL}
