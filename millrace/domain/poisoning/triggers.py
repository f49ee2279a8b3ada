"""Do rows with a rare pair of values all carry one label, as a planted trigger would have it?"""

from collections.abc import Sequence
from dataclasses import dataclass

from millrace.domain.batch_rules import MAX_EXAMPLES
from millrace.domain.config.poisoning import TriggersCheck
from millrace.domain.contract import Violation
from millrace.domain.poisoning.judged import Judged


@dataclass(frozen=True)
class Pair:
    """One pair of values of the batch: `rows` with a label, `pure` of them with the same one.

    `expected` is the share of that label among the other rows of its blocks, `known` how many rows of the
    dataset have the pair, `first` are the first of its rows.
    """

    columns: tuple[str, str]
    values: tuple[str, str]
    label: str
    rows: int
    pure: int
    expected: float
    known: int
    blocks: int
    first: tuple[int, ...] = ()


def judge_triggers(
    pairs: Sequence[Pair], compared: int, batch_rows: int, known_rows: int, policy: TriggersCheck
) -> Judged:
    """Say which pairs are far more frequent than in the dataset, and of one label beyond chance.

    Parameters
    ----------
    pairs
        Those with enough rows in enough blocks.
    compared
        How many pairs were looked at: `policy.false_alarms` is shared among them, as Bonferroni does.
    batch_rows, known_rows
        The rows of the batch and of the dataset.
    """
    if known_rows == 0:
        return Judged(unjudged=("triggers: no accepted rows to compare with",))
    rare = [(chance_of(pair), pair) for pair in pairs if _is_rare(pair, batch_rows, known_rows, policy)]
    found = sorted(rare, key=lambda one: (one[0], one[1].columns, one[1].values))
    guilty = [
        (chance, pair) for chance, pair in found
        if pair.pure >= policy.purity * pair.rows and chance * max(compared, 1) < policy.false_alarms
    ]  # fmt: skip
    return Judged(
        tuple(_violation(pair, chance * compared, known_rows) for chance, pair in guilty[:MAX_EXAMPLES])
    )


def chance_of(pair: Pair) -> float:
    """Return how likely so many rows have one label, if each has it as often as its neighbours."""
    from scipy.stats import binom

    return float(binom.sf(pair.pure - 1, pair.rows, min(max(pair.expected, 1e-12), 1.0)))


def _is_rare(pair: Pair, batch_rows: int, known_rows: int, policy: TriggersCheck) -> bool:
    # as if one more row of the dataset had it: a pair that is new is not infinitely more frequent
    known_share = (pair.known + 1) / (known_rows + 1)
    return pair.rows / batch_rows >= policy.min_ratio * known_share


def _violation(pair: Pair, chance: float, known_rows: int) -> Violation:
    (one, other), (value, second) = pair.columns, pair.values
    message = (
        f"{pair.pure:,} of {pair.rows:,} rows with {one} {value} and {other} {second} "
        f"are labelled {pair.label}, "
        f"expected {pair.expected:.1%}; {pair.known:,} of the dataset's {known_rows:,} rows have the pair; "
        f"chance {min(chance, 1.0):.1g}"
    )
    examples = tuple(f"row {row}: {value}, {second}" for row in pair.first)
    about = f"{one} {value}, {other} {second}: {pair.label}"
    return Violation("triggers", one, pair.rows, message, examples, about=about)
