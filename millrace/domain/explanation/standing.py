"""Where does a value stand among those a version has learned from, and which of them is usual?"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from millrace.domain.profile import CategoricalCounts, NumericCounts
from millrace.domain.profile.edges import as_float32


class Place(StrEnum):
    """How a value relates to the reference."""

    KNOWN = "known"
    NULL = "null"
    UNSEEN = "unseen"
    RARE = "rare"
    BELOW = "below"
    ABOVE = "above"
    UNTOLD = "untold"


@dataclass(frozen=True)
class Standing:
    """A value beside the reference's.

    `percent_below` is the part of a column's known numbers that is smaller, those equal counted half. `share`
    is how much of the reference a category, or null, is, and `rank` its place among `of` categories by that;
    one that is rare is none of the `of` that were counted.
    `limit` is the least or greatest number of the reference, where the value lies beyond it. Where it
    `is_length`, all this is about the characters of a text.
    """

    place: Place
    percent_below: float | None = None
    share: float | None = None
    rank: int | None = None
    of: int | None = None
    limit: float | None = None
    is_length: bool = False

    @property
    def told(self) -> str:
        """The standing in words.

        >>> Standing(Place.KNOWN, percent_below=83.2).told
        'above 83 % of the reference'
        """
        match self.place:
            case Place.NULL:
                told = (
                    f"null, as {_percent(self.share)} of the reference"
                    if self.share
                    else "null, as never before"
                )
            case Place.UNSEEN:
                told = "not seen in the reference"
            case Place.RARE:
                told = f"not among the {self.of:,} commonest in the reference, if it was seen at all"
            case Place.BELOW:
                told = f"below the least of the reference, {self.limit:.6g}"
            case Place.ABOVE:
                told = f"above the greatest of the reference, {self.limit:.6g}"
            case Place.UNTOLD:
                told = "not counted in the reference"
            case Place.KNOWN if self.percent_below is not None:
                told = f"above {self.percent_below:.0f} % of the reference"
            case Place.KNOWN:
                told = f"number {self.rank} of {self.of} in the reference, with {_percent(self.share)}"
        return f"its length: {told}" if self.is_length else told


def place_number(value: float | None, counts: NumericCounts) -> Standing:
    """Place a number among those of the reference, as the model sees them: rounded to float32."""
    if value is None or not np.isfinite(value):
        return _null(counts.nulls, sum(counts.counts) + counts.nulls)
    if not counts.edges:
        return Standing(Place.UNSEEN)
    edges, given = np.asarray(counts.edges), float(as_float32(np.array([value]))[0])
    at = int(np.searchsorted(edges, given))
    if at == len(edges):
        return Standing(Place.ABOVE, limit=float(edges[-1]))
    below, within = float(sum(counts.counts[:at])), float(counts.counts[at] - counts.exact[at])
    if edges[at] == given:
        below += within + counts.exact[at] / 2
    elif at == 0:
        return Standing(Place.BELOW, limit=float(edges[0]))
    else:
        below += within * float((given - edges[at - 1]) / (edges[at] - edges[at - 1]))
    return Standing(Place.KNOWN, percent_below=100 * below / max(1, sum(counts.counts)))


def place_category(text: str | None, counts: CategoricalCounts) -> Standing:
    """Place a category among those of the reference; those equally common share the better rank."""
    rows = sum(counts.counts) + counts.other + counts.nulls
    if text is None:
        return _null(counts.nulls, rows)
    mine = dict(zip(counts.categories, counts.counts, strict=True)).get(text, 0)
    if not mine:
        return Standing(Place.RARE, of=len(counts.categories)) if counts.other else Standing(Place.UNSEEN)
    rank = 1 + sum(one > mine for one in counts.counts)
    return Standing(Place.KNOWN, share=mine / rows, rank=rank, of=len(counts.categories))


def usual_number(counts: NumericCounts) -> float | None:
    """Return the lower median of the reference's known numbers, to a thousandth of them; None without any."""
    total = sum(counts.counts)
    if not total:
        return None
    return counts.edges[int(np.searchsorted(np.cumsum(counts.counts), total / 2))]


def usual_category(counts: CategoricalCounts) -> str | None:
    """Return the reference's commonest category, of equally common ones the first; None without any."""
    if not sum(counts.counts):
        return None
    return counts.categories[int(np.argmax(counts.counts))]


def _null(nulls: int, rows: int) -> Standing:
    return Standing(Place.NULL, share=nulls / rows if rows else 0.0)


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.3g} %"
