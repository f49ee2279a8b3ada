"""Which checks does a batch go through that somebody may have tampered with? Each table asks for one."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from millrace.domain.config.section import Section, Share
from millrace.domain.poisoning.profile import Opinion

Chance = Annotated[float, Field(gt=0.0, lt=0.5)]
Columns = Annotated[tuple[str, ...], Field(strict=False)]
Opinions = Annotated[tuple[Annotated[Opinion, Field(strict=False)], ...], Field(strict=False, min_length=1)]
Sums = Annotated[tuple[Literal["labels", "champion", "batch"], ...], Field(strict=False, min_length=1)]


class ProvenanceCheck(Section):
    """Who may deliver what."""

    batches: Columns
    """Patterns that the name of a batch must match one of, such as `week-*.csv`."""
    actors: Columns
    """Patterns that the name of who takes it in must match one of, such as `controller`."""
    digest_needed: bool
    """Whether each file must have its SHA-256 beside it, in `<file>.sha256` as `sha256sum` writes it.

    Where such a file lies there it must be right in any case."""


class QuotaCheck(Section):
    """How much one source may bring."""

    sources: Columns
    """Patterns of names of batches, each one a source; all that match none are one more."""
    max_rows_per_day: int = Field(ge=1)
    """The most rows of one source that are accepted on one day, UTC."""
    max_dataset_share: Share
    """The largest share of the dataset that one source may have."""
    share_from_rows: int = Field(ge=1)
    """The share is looked at once the dataset has so many rows: a first batch is all of it."""


class ChartCheck(Section):
    """A control chart over the accepted batches."""

    min_batches: int = Field(ge=4)
    """The fewest accepted batches from which anything is concluded."""
    last_batches: int = Field(ge=4)
    """How many of the newest accepted batches say what is usual."""
    false_alarms: Chance
    """The share of honest batches that may be quarantined by this chart."""

    @model_validator(mode="after")
    def _enough_are_kept(self) -> Self:
        if self.last_batches < self.min_batches:
            raise ValueError("last_batches is below min_batches: the chart would never be read")
        return self


class DripCheck(Section):
    """A cumulative sum over batches, for what is too little to be seen in one of them."""

    sums: Sums
    """What is summed up: `labels`, and what the opinions `champion` and `batch` contradict.

    Seasons add up as well: leave out labels that come and go with them."""
    reference_batches: int = Field(ge=8)
    """The first accepted batches, which say what is usual."""
    window_batches: int = Field(ge=2)
    """How many of the newest batches are summed up, the new one among them."""
    slack: float = Field(gt=0.0)
    """What each batch may be off for nothing, in standard deviations of a batch."""
    false_alarms: float = Field(ge=0.001, lt=0.5)
    """The share of honest batches that may be quarantined by these sums, on average over references."""


class DuplicatesCheck(Section):
    """Rows whose features repeat those of other rows, under keys of their own."""

    max_exact_share: Share
    """The largest share of rows with exactly the features of another row, of the batch or the dataset."""
    max_near_share: Share
    """The largest share of rows with nearly the features of another row."""
    width: float = Field(gt=0.0)
    """How far near is: the side of a cell of the grid, in standard deviations of each number."""
    grids: int = Field(ge=1, le=16)
    """How many grids, each shifted: two rows on two sides of a border share a cell of another one."""


class GoldenCopiesCheck(Section):
    """Rows that nearly are golden rows, under keys of their own: to learn them is to know the answers."""

    max_share: Share
    """The largest share of rows that may lie in a cell with a golden row."""
    width: float = Field(gt=0.0)
    """The side of a cell, in standard deviations of each number."""
    grids: int = Field(ge=1, le=16)
    """How many grids, each shifted."""


class DisagreementCheck(ChartCheck):
    """Labels against two opinions: the champion's, and one learned from the other rows of the batch."""

    deciding: Opinions
    """The opinions that quarantine, `champion`, `batch` or both; the other is counted and kept all the same.

    A champion that grows old contradicts more and more honest labels: its chart wants steady times."""
    confident_share: Share = Field(gt=0.0)
    """The share of all rows, those that an opinion is surest of, whose labels are compared."""
    confident_slice_share: Share = Field(gt=0.0)
    """The same within a slice, which has fewer rows and wants a larger share of them."""
    folds: int = Field(ge=2, le=10)
    """Into how many parts the batch is cut for the opinion that is learned from its other parts."""
    max_rows: int = Field(ge=200)
    """Of more rows with a label so many are drawn."""
    min_slice_rows: int = Field(ge=20)
    """The fewest rows with a label of a slice that is looked at."""
    slices: Columns
    """Columns of which each value is looked at by itself."""


class TriggersCheck(Section):
    """Pairs of values that are far rarer in the dataset than in the batch, and carry one label."""

    columns: Columns = Field(min_length=2)
    """The columns whose values are paired."""
    min_rows: int = Field(ge=5)
    """The fewest rows of a pair."""
    min_blocks: int = Field(ge=1)
    """In how many blocks it must occur: one storm, or one jam, gives all its rows one label honestly."""
    min_ratio: float = Field(gt=1.0)
    """How many times as frequent as in the dataset it must be."""
    purity: float = Field(gt=0.5, le=1.0)
    """The least share of its rows with the one label."""
    false_alarms: Chance
    """How likely chance may have done it, over all pairs that were looked at."""

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(f"columns names one twice: {', '.join(self.columns)}")
        return self


class PoisoningSection(Section):
    """The checks that a batch goes through after the contract; one that is not there is not asked for."""

    provenance: ProvenanceCheck | None = None
    """Who may deliver what."""
    quota: QuotaCheck | None = None
    """How much one source may bring."""
    label_rate: ChartCheck | None = None
    """Whether the labels are as many of each kind as usual."""
    volume: ChartCheck | None = None
    """Whether the batch is as large as usual."""
    drip: DripCheck | None = None
    """Whether labels or disagreement creep away over many batches."""
    duplicates: DuplicatesCheck | None = None
    """Whether rows repeat, or nearly repeat, others."""
    golden_copies: GoldenCopiesCheck | None = None
    """Whether rows nearly repeat golden rows."""
    disagreement: DisagreementCheck | None = None
    """Whether labels contradict what the champion and the rest of the batch say, more than usual."""
    triggers: TriggersCheck | None = None
    """Whether rare pairs of values all carry one label."""

    @model_validator(mode="after")
    def _sums_are_counted(self) -> Self:
        opinions = [name for name in self.drip.sums if name != "labels"] if self.drip else []
        if opinions and self.disagreement is None:
            raise ValueError(
                f"drip.sums names {', '.join(opinions)}, which only [poisoning.disagreement] counts: add it"
            )
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that checks name."""
        slices = self.disagreement.slices if self.disagreement else ()
        return (*slices, *(self.triggers.columns if self.triggers else ()))
