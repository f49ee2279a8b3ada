"""What did the check of a change find, and how does it read in a pull request?"""

from dataclasses import dataclass

from millrace.domain.gate.change import Difference
from millrace.domain.verdict import Outcome

COLUMNS = ("metric", "champion", "with the change", "gain", "at least", "at most")


@dataclass(frozen=True)
class ChangeReport:
    """A quick training on `sample_rows` of `training_rows`, against the champion on the judged rows."""

    model: str
    dataset: str
    champion: str | None
    sample_rows: int
    training_rows: int
    judged_rows: int
    judged_blocks: int
    max_excess_loss: float
    confidence: float
    outcome: Outcome
    reason: str
    differences: tuple[Difference, ...]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells of the table, one line a metric."""
        return [
            (
                one.metric.value,
                _number(one.champion),
                _number(one.changed),
                *map(_signed, (one.gain, one.at_least, one.at_most)),
            )
            for one in self.differences
        ]

    @property
    def how(self) -> str:
        """What was compared, and how far it can be trusted."""
        if self.champion is None:
            return "Nothing was trained."
        judged = (
            f"judged on {self.judged_rows:,} recent rows of {self.judged_blocks} blocks that neither it nor "
            f"the champion {self.champion[:12]} has learned from"
        )
        if self.sample_rows >= self.training_rows:
            return f"Trained on all {self.training_rows:,} rows, {judged}."
        return (
            f"Trained on a sample of {self.sample_rows:,} of {self.training_rows:,} rows, {judged}. A sample "
            "teaches less than all rows: somewhat worse is expected. The gate will judge the full training."
        )

    @property
    def markdown(self) -> str:
        """The report for a pull request."""
        lines = [f"### `{self.model}`: {self.outcome}", "", _cell(self.reason), ""]
        if self.differences:
            columns = (*COLUMNS[:4], *(f"{column} ({self.confidence:.0%})" for column in COLUMNS[4:]))
            lines += [_line(columns), _line(["---", *["---:"] * (len(columns) - 1)])]
            lines += [*map(_line, self.rows), ""]
        lines += [self.how, "", f"Dataset `{self.dataset[:12]}`, gain above zero: the change is better."]
        return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "/")


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"


def _signed(value: float | None) -> str:
    return "undefined" if value is None else f"{value:+.3g}"
