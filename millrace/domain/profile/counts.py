"""What is kept of a window: which counts, over which edges?"""

from dataclasses import dataclass, field, replace

from millrace.errors import MillraceError


@dataclass(frozen=True)
class NumericCounts:
    """Counts over fine bins whose edges are quantiles of the reference window.

    `counts[i]` are the values above `edges[i - 1]` up to and with `edges[i]`, so `counts[0]`
    are those equal to the reference's smallest; `exact[i]` of them equal `edges[i]`. What lies beyond the
    reference's range is clipped into `below` and `above`; infinite values are `non_finite`. Edges and values
    are rounded to float32, as a model sees them: what float32 cannot hold is infinite.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    exact: tuple[int, ...]
    below: int
    above: int
    nulls: int
    non_finite: int

    @property
    def emptied(self) -> "NumericCounts":
        """The same edges, with nothing counted."""
        zeros = (0,) * len(self.edges)
        return NumericCounts(self.name, self.edges, zeros, zeros, 0, 0, 0, 0)


@dataclass(frozen=True)
class CategoricalCounts:
    """Counts of the reference window's most frequent categories, and of all others together."""

    name: str
    categories: tuple[str, ...]
    counts: tuple[int, ...]
    other: int
    nulls: int

    @property
    def emptied(self) -> "CategoricalCounts":
        """The same categories, with nothing counted."""
        return CategoricalCounts(self.name, self.categories, (0,) * len(self.categories), 0, 0)


@dataclass(frozen=True)
class Profile:
    """A window as integers, column by column. Two over the same edges merge by adding."""

    rows: int
    numeric: tuple[NumericCounts, ...]
    categorical: tuple[CategoricalCounts, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that were counted."""
        return (*(one.name for one in self.numeric), *(one.name for one in self.categorical))

    @property
    def emptied(self) -> "Profile":
        """The same edges and categories, with nothing counted."""
        numeric = tuple(one.emptied for one in self.numeric)
        return Profile(0, numeric, tuple(one.emptied for one in self.categorical))

    def of(self, names: frozenset[str]) -> "Profile":
        """Return these columns alone."""
        return replace(
            self,
            numeric=tuple(one for one in self.numeric if one.name in names),
            categorical=tuple(one for one in self.categorical if one.name in names),
        )


@dataclass(frozen=True)
class Reference:
    """What a version has learned from and what it answers: what later windows are compared with.

    `inputs` and `target` are of the training rows. `answers` are those of the version itself to rows it
    has not learned from: the column `answer` is a probability or a number; of a multiclass model it is the
    probability of the likeliest class, whose name is in the column `class`.

    A counted window has the same form: its labels are those that came in it, its answers the version's.
    """

    inputs: Profile
    target: Profile
    answers: Profile


@dataclass(frozen=True)
class Counted:
    """A counted window. Its profile lacks the columns that are `missing` in so many rows, or unreadable.

    `extra` are columns that the reference does not have: `profile_parquet` tells of them, the log's tables
    are read for the columns of the reference alone.
    """

    profile: Profile
    missing: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()

    @property
    def troubles(self) -> dict[str, str]:
        """Why columns of the reference are not in the profile, by their names."""
        rows = self.profile.rows
        missing = {name: f"missing in {some:,} of {rows:,} rows" for name, some in self.missing.items()}
        return missing | self.unreadable


class DifferentEdgesError(MillraceError):
    """Two profiles were counted over different edges or categories, so their counts do not add up."""

    def __init__(self, column: str) -> None:
        self.column = column
        super().__init__(
            f"the profiles of column {column!r} have different edges, needed are those of one reference. "
            "Count both windows with count_rows over the same reference profile"
        )
