"""Which of the judged rows belong together, and which groups are large enough to be judged?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from millrace.domain.config import GateSection, Rule
from millrace.domain.config.gate.grouping import parts_of
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence, JudgedSet
from millrace.domain.gate.measurement import NoEvidenceError
from millrace.domain.losses import FloatArray, IntArray, StrArray
from millrace.domain.rollout.measure import BoolArray, Sliced

MERGED_BLOCKS = 100
"""Into so many blocks neighbours merge where many groups are drawn: an interval is no wider by it."""

MOST_ROUNDS = 10_000
"""Where raising rounds ends for many groups: each of them costs as much as the whole set."""

LEAST_SHOWN = 0.5
"""What was shown of a column must hold this share of the rows, or the column is undecided."""

_NAMED = 5


@dataclass(frozen=True)
class Group:
    """Some of the judged rows: those with one value of a column, or of two."""

    column: str
    code: int
    name: str
    rows: int
    blocks: int
    share: float


def pool_sets(evidence: GateEvidence, rule: Rule) -> JudgedSet:
    """Put recent and golden rows together, by merged blocks, with the groups of a rule.

    Groups are what such rules have too few rows of, and how one is treated is no matter of the season. Where
    both sets are the same rows, as a file's that somebody asks about, they are taken once.

    Raises
    ------
    NoEvidenceError
        If a set lacks the groups or has them of other rows, or a label is not finite.
    """
    sets = (evidence.recent, evidence.golden)
    for name, judged in zip(("recent", "golden"), sets, strict=True):
        _check(name, judged, rule)
    recent, golden = sets
    if recent.set_id == golden.set_id:
        return recent
    champions = [judged.champion for judged in sets if judged.champion is not None]
    return replace(
        recent,
        labels=_joined([judged.labels for judged in sets]),
        blocks=np.concatenate([judged.blocks for judged in sets]),
        challenger=_joined([judged.challenger for judged in sets]),
        champion=_joined(champions) if len(champions) == len(sets) else None,
        baseline=_joined([judged.baseline for judged in sets]),
        best=None,
        groups={rule: _joined_groups(recent, golden, rule)},
        keys=None,
        slices={},
    )


def _check(name: str, judged: JudgedSet, rule: Rule) -> None:
    found = judged.groups.get(rule)
    if not found:
        raise NoEvidenceError(Code.ABSENT, f"the {name} set does not say which rows belong together")
    rows = judged.labels.size
    for column, values in found.items():
        if len(values) != rows:
            reason = f"{len(values)} values of {column!r} for {rows} rows of the {name} set"
            raise NoEvidenceError(Code.OTHER_ROWS, reason)
    if odd := int(np.count_nonzero(~np.isfinite(judged.labels))):
        raise NoEvidenceError(Code.NOT_FINITE, f"{odd} labels of the {name} set are NaN or infinite")


def _joined(parts: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate([part for part in parts if part.size] or list(parts))


def _joined_groups(recent: JudgedSet, golden: JudgedSet, rule: Rule) -> dict[str, StrArray]:
    first, second = recent.groups[rule], golden.groups[rule]
    if {*first} != {*second}:
        raise NoEvidenceError(Code.OTHER_ROWS, "recent and golden rows are grouped by other columns")
    return {column: np.concatenate([first[column], second[column]]) for column in first}


def merged_blocks(judged: JudgedSet) -> IntArray:
    """Return the block of each row, neighbours merged where there are many."""
    return judged.block_positions * min(judged.n_blocks, MERGED_BLOCKS) // max(1, judged.n_blocks)


def group_rows(judged: JudgedSet, rule: Rule, entry: str) -> Sliced:
    """Tell the rows apart by an entry of `columns`: one column, or two together."""
    found = [(column, *_factorize(judged, rule, column)) for column in parts_of(entry)]
    if len(found) == 1:
        column, codes, names = found[0]
        return Sliced(tuple(f"{column}={name}" for name in names), codes)
    (one, first, of_one), (other, second, of_other) = found
    pairs, codes = np.unique(first * max(1, len(of_other)) + second, return_inverse=True)
    spelled = [divmod(int(pair), len(of_other)) for pair in pairs]
    return Sliced(tuple(f"{one}={of_one[a]}, {other}={of_other[b]}" for a, b in spelled), codes)


def _factorize(judged: JudgedSet, rule: Rule, column: str) -> tuple[IntArray, list[str]]:
    import pandas as pd

    if column not in judged.groups[rule]:
        raise NoEvidenceError(Code.ABSENT, f"the judged rows have no {column!r}")
    codes, names = pd.factorize(judged.groups[rule][column].astype(object), sort=True)
    return codes, [str(name) for name in names]


def list_groups(
    judged: JudgedSet, entry: str, sliced: Sliced, counted: BoolArray | None = None
) -> list[Group]:
    """Describe the groups, the largest first; only rows that are `counted` give them rows and blocks."""
    size, blocks = len(sliced.names), judged.n_blocks
    codes, positions = sliced.codes.astype(np.intp), judged.block_positions
    total = np.bincount(codes, minlength=size)
    if counted is not None:
        codes, positions = codes[counted], positions[counted]
    rows = np.bincount(codes, minlength=size)
    seen = np.bincount(np.unique(codes * blocks + positions) // max(1, blocks), minlength=size)
    order = np.argsort(-total, kind="stable").tolist()
    everything = max(1, sliced.codes.size)
    return [
        Group(entry, at, sliced.names[at], int(rows[at]), int(seen[at]), float(total[at] / everything))
        for at in order
    ]


def take_rows(judged: JudgedSet, rows: BoolArray, blocks: IntArray) -> JudgedSet:
    """Return some rows of a judged set, with these blocks."""
    return replace(
        judged,
        labels=judged.labels[rows],
        blocks=blocks[rows].astype(np.str_),
        challenger=judged.challenger[rows],
        champion=None if judged.champion is None else judged.champion[rows],
        baseline=judged.baseline[rows],
        groups={},
    )


def largest_first(groups: Iterable[Group]) -> list[Group]:
    """Order groups of several columns: of those that are left out only the first few are named.

    The large ones are why nothing could be decided.
    """
    return sorted(groups, key=lambda one: -one.share)


def spell_left_out(names: Iterable[str], why: str) -> str:
    """Name what was not judged, in a piece of a reason; nothing where all was.

    >>> spell_left_out(["a", "b"], "too few rows")
    '; not judged, too few rows: a; b'
    """
    found = list(names)
    if not found:
        return ""
    more = f" and {len(found) - _NAMED} more" if found[_NAMED:] else ""
    return f"; not judged, {why}: {'; '.join(found[:_NAMED])}{more}"


def pooled_too_few(rule: Rule, judged: JudgedSet, policy: GateSection) -> NoEvidenceError | None:
    """Say that both sets together are too small, None where they are not."""
    if judged.n_blocks >= policy.min_blocks:
        return None
    found = f"{judged.n_blocks} blocks of recent and golden rows, {policy.min_blocks} needed"
    return NoEvidenceError(Code.TOO_FEW if judged.n_blocks else Code.EMPTY, found)
