"""What becomes of a word on a window of which a part could not be read?"""

from collections.abc import Iterable

from millrace.domain.verdict import Outcome, Verdict


def doubt(verdicts: Iterable[Verdict], damages: int) -> tuple[Verdict, ...]:
    """Take back each pass where places of the log are damaged: what is wrong may have stood there.

    What is not known is said to be so for that reason too.
    """
    if damages == 0:
        return tuple(verdicts)
    places = "1 place" if damages == 1 else f"{damages} places"
    return tuple(_doubted(verdict, places) for verdict in verdicts)


def _doubted(verdict: Verdict, places: str) -> Verdict:
    if verdict.outcome is Outcome.FAIL:
        return verdict
    reason = f"{verdict.reason}; but {places} of the log could not be read"
    return Verdict(verdict.rule, Outcome.INCONCLUSIVE, reason)
