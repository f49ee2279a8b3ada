"""What happened when history ran again, in a sentence?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from millrace.domain.listing import count_things

QUARANTINED = "quarantined"
"""The event of a batch that broke its contract."""


@dataclass(frozen=True)
class ReplayRow:
    """One thing that happened, and what came of it.

    `kept` is the score of what was answered in that month, `frozen` the first champion's on the same rows.
    `event` is `QUARANTINED` for a batch that was not let in, `gate` the outcome, or empty where nothing was
    judged. `taken_back` says how a version that the gate had passed ended. `seconds` run from what happened
    to the end of all that followed.
    """

    month: str
    rows: int
    event: str
    decision: str
    gate: str
    champion_before: str | None
    champion_after: str | None
    frozen: float | None
    kept: float | None
    seconds: float
    taken_back: str = ""

    @property
    def promoted(self) -> bool:
        return self.champion_after != self.champion_before

    @property
    def refused(self) -> bool:
        return bool(self.gate) and not self.promoted and not self.taken_back

    @property
    def quarantined(self) -> bool:
        return self.event == QUARANTINED


@dataclass(frozen=True)
class Timing:
    """How long the machinery took for something, once."""

    what: str
    seconds: float


@dataclass(frozen=True)
class ScoredMonth:
    """A month on which both were scored: the first champion, and the one that answered."""

    month: str
    frozen: float
    kept: float


@dataclass(frozen=True)
class ReplayPage:
    """A replay of one model. `metric` is one of which more is better."""

    model: str
    metric: str
    rows: tuple[ReplayRow, ...]
    versions: Mapping[str, str]
    made_at: datetime
    timings: tuple[Timing, ...] = ()

    @property
    def metric_name(self) -> str:
        return self.metric.replace("_", " ").upper()

    @property
    def months(self) -> tuple[str, ...]:
        """The months in the order of their arrival, each once."""
        return tuple(dict.fromkeys(row.month for row in self.rows))

    @property
    def times(self) -> dict[str, tuple[float, ...]]:
        """All times of each thing that was timed, in seconds, the shortest first."""
        found: dict[str, list[float]] = {}
        for one in self.timings:
            found.setdefault(one.what, []).append(one.seconds)
        return {what: tuple(sorted(seconds)) for what, seconds in found.items()}

    @property
    def scored(self) -> tuple[ScoredMonth, ...]:
        """The months with both scores, each once."""
        by_month = {
            row.month: ScoredMonth(row.month, row.frozen, row.kept)
            for row in self.rows
            if row.frozen is not None and row.kept is not None
        }
        return tuple(by_month.values())


def tell_headline(page: ReplayPage) -> str:
    """Say how the last month went that both were scored on."""
    if not page.scored:
        return f"{page.model}: no month has been scored yet."
    last = page.scored[-1]
    kept = f"Kept: {page.metric_name} {spell_score(last.kept)} in {name_month(last.month)}."
    return f"{kept} Frozen: {spell_score(last.frozen)}."


def tell_summary(page: ReplayPage) -> str:
    """Count what was released and what was not."""
    counts = (
        ("version", "released", sum(row.promoted for row in page.rows)),
        ("challenger", "refused", sum(row.refused for row in page.rows)),
        ("version", "taken back", sum(bool(row.taken_back) for row in page.rows)),
        ("batch", "quarantined", sum(row.quarantined for row in page.rows)),
    )
    return ", ".join(f"{count_things(count, noun)} {what}" for noun, what, count in counts)


def tell_scores(page: ReplayPage) -> str:
    """Say the two curves to who cannot see them."""
    by_month = "; ".join(
        f"{name_month(one.month)} {spell_score(one.frozen)} frozen, {spell_score(one.kept)} kept"
        for one in page.scored
    )
    return f"{page.metric_name} by month: {by_month or 'none yet'}."


def name_month(month: str, form: str = "%B") -> str:
    """Name a month.

    >>> name_month("2013-06")
    'June'

    What is no month stays as it is.
    """
    if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month) is None:
        return month
    return datetime.fromisoformat(f"{month}-01").strftime(form)


def name_champion(champion: str | None) -> str:
    """Shorten a digest to what a person can compare; a name stays whole."""
    if champion is None:
        return "none"
    return champion[:8] if re.fullmatch(r"[0-9a-f]{32,}", champion) else champion


def spell_score(score: float | None) -> str:
    """Write a score with the digits that mean something, or a dash."""
    return "—" if score is None else f"{score:.3f}"
