"""Has the champion become too old, too slow, too faulty, or other than it was in training?"""

from datetime import datetime, timedelta

import numpy as np

from millrace.domain.config import HealthSection
from millrace.domain.facts import Agreement
from millrace.domain.monitoring.answered import AnsweredRows
from millrace.domain.monitoring.attempt import unknown
from millrace.domain.monitoring.findings import Watched
from millrace.domain.monitoring.skew import ComparedInputs, LeftOut, Skew
from millrace.domain.rollout.bounds import share_bounds
from millrace.domain.rollout.judges import SLOW_SHARE
from millrace.domain.verdict import Outcome, Verdict, worst_of

NAMED_COLUMNS = 3
CLOCKS_APART = timedelta(minutes=5)
"""So far another machine's clock may be ahead; what is from a later time is from a wrong one."""


def judge_staleness(
    champion_since: datetime | str, newest_data: datetime | str, policy: HealthSection, now: datetime
) -> Verdict:
    """Judge the ages of the champion and of the newest row it could learn from.

    Parameters
    ----------
    champion_since, newest_data
        When it became champion, and when the newest row of its dataset version is of; a text says why
        that is not known.
    """
    ages = (
        ("the champion is", champion_since, policy.max_champion_age),
        ("its newest data", newest_data, policy.max_data_age),
    )
    verdicts = [_judge_age(what, since, limit, now) for what, since, limit in ages]
    return Verdict(
        Watched.STALENESS, worst_of(verdicts).outcome, ", ".join(verdict.reason for verdict in verdicts)
    )


def judge_latency(rows: AnsweredRows, policy: HealthSection, alpha: float) -> Verdict:
    """Judge the 95th percentile of the times that clients waited for answered requests.

    It fails when surely more than a twentieth waited longer than allowed, and passes when surely not: both
    but for a chance of `alpha`.
    """
    waited = rows.latency_us[rows.is_first & rows.has_answer]
    waited = waited[np.isfinite(waited)] / 1000.0
    if not waited.size:
        return unknown(Watched.LATENCY, "no request was answered")
    slow, limit = int((waited > policy.max_p95_milliseconds).sum()), policy.max_p95_milliseconds
    reason = (
        f"p95 {np.percentile(waited, 95.0):.3g} ms, {slow} of {waited.size} requests slower than {limit:g} ms"
    )
    return Verdict(Watched.LATENCY, *_judge_share(reason, slow, waited.size, SLOW_SHARE, alpha))


def judge_errors(rows: AnsweredRows, policy: HealthSection, alpha: float) -> Verdict:
    """Judge the share of rows that got no finite answer, but for a chance of `alpha` either way."""
    if not len(rows):
        return unknown(Watched.ERRORS, "no row was asked")
    lost = int((~rows.has_answer).sum())
    reason = f"{lost} of {len(rows)} rows without an answer"
    return Verdict(Watched.ERRORS, *_judge_share(reason, lost, len(rows), policy.max_error_share, alpha))


def judge_skew(found: Skew, policy: HealthSection, alpha: float) -> Verdict:
    """Judge how many rows the pipeline of training answers otherwise, and how many have other inputs there.

    Each must be within `max_skew_share`, but for a chance of `alpha`, unless it was left out or there was no
    row to compare; where that is so of both, or one has broken, nothing is known.
    """
    hidden = f"; not in the log: {', '.join(found.hidden)}" if found.hidden else ""
    judged, told = [], []
    for one in (_judge_agreement(found.agreement, policy, alpha), _judge_inputs(found.inputs, policy, alpha)):
        if isinstance(one, str):
            told.append(one)
        else:
            judged.append(Verdict(Watched.SKEW, *one))
            told.append(one[1])
    if not judged:
        return unknown(Watched.SKEW, f"{'; '.join(told)}{hidden}")
    return Verdict(Watched.SKEW, worst_of(judged).outcome, f"{'; '.join(told)}{hidden}")


def _judge_agreement(
    found: Agreement | LeftOut | str, policy: HealthSection, alpha: float
) -> tuple[Outcome, str] | str:
    if isinstance(found, LeftOut):
        return f"no answer was asked for again: {found.reason}"
    if isinstance(found, str):
        return Outcome.INCONCLUSIVE, f"no answer was asked for again: {found}"
    if not found.rows:
        return "no row to ask"
    reason = (
        f"{found.disagreeing_rows} of {found.rows} rows answered otherwise by the pipeline of training, at "
        f"most by {found.largest_difference:.3g}"
    )
    return _judge_share(reason, found.disagreeing_rows, found.rows, policy.max_skew_share, alpha)


def _judge_inputs(
    found: ComparedInputs | LeftOut | str, policy: HealthSection, alpha: float
) -> tuple[Outcome, str] | str:
    if isinstance(found, LeftOut):
        return f"inputs not compared: {found.reason}"
    if isinstance(found, str):
        return Outcome.INCONCLUSIVE, f"inputs not compared: {found}"
    if not found.rows:
        return "no row of the log stands in the dataset"
    named = ", ".join(f"{name} {count}" for name, count in found.by_column[:NAMED_COLUMNS])
    columns = f" ({named})" if named else ""
    reason = f"{found.differing} of {found.rows} rows have other inputs in the dataset{columns}"
    return _judge_share(reason, found.differing, found.rows, policy.max_skew_share, alpha)


def _judge_share(reason: str, hits: int, n: int, limit: float, alpha: float) -> tuple[Outcome, str]:
    bounds = share_bounds(hits, n, alpha)
    told = f"{reason} ({bounds.lower:.2g} to {bounds.upper:.2g}), {limit:g} allowed"
    if bounds.lower > limit:
        return Outcome.FAIL, told
    return (Outcome.PASS if bounds.upper <= limit else Outcome.INCONCLUSIVE), told


def _judge_age(what: str, since: datetime | str, limit: timedelta, now: datetime) -> Verdict:
    if isinstance(since, str):
        return unknown(Watched.STALENESS, f"{what} of unknown age: {since}")
    age = now - since
    if age < -CLOCKS_APART:
        return unknown(Watched.STALENESS, f"{what} from {_days(-age)} days ahead: one clock is wrong")
    outcome = Outcome.FAIL if age > limit else Outcome.PASS
    return Verdict(Watched.STALENESS, outcome, f"{what} {_days(age)} days old of {_days(limit)} allowed")


def _days(length: timedelta) -> str:
    # to three digits, but 1,000 days are no 1e+03
    return f"{float(f'{length / timedelta(days=1):.3g}'):,g}"
