"""Every bundle in a comparison answers the same rows through the scorer that serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import Scorer, load_scorer
from millrace.domain.answers import spread_shares
from millrace.domain.batch_rules import key_hashes
from millrace.domain.bundle import Schema
from millrace.domain.gate.evidence import ROLES, JudgedSet, judged_set_id
from millrace.domain.gate.measurement import Source
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray
from millrace.domain.metric_terms import HALF, RowLoss
from millrace.settings import load_settings
from millrace.steps.gate.grouping import NO_GROUPS, Grouping, value_texts
from millrace.steps.rows import LabelledRows

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Compared:
    """The bundles of one comparison, opened: what serves or would serve, and what they must beat."""

    challenger: Scorer
    baseline: Scorer
    champion: Scorer | None
    best: Scorer | None

    @property
    def by_digest(self) -> dict[str, Scorer]:
        """Each bundle once: the best champion ever is mostly the one that serves."""
        scorers = (self.challenger, self.baseline, self.champion, self.best)
        return {scorer.digest: scorer for scorer in scorers if scorer is not None}

    @property
    def thresholds(self) -> dict[str, float]:
        """From which probability on each role decides for the positive class: else from a half on."""
        roles = {role: getattr(self, role) for role in ROLES}
        return {
            role: HALF if scorer.schema.threshold is None else scorer.schema.threshold
            for role, scorer in roles.items()
            if scorer is not None
        }

    def classes_beside(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """Return these classes and, after them, those that a bundle alone knows; none for other tasks."""
        if self.challenger.schema.task is not Task.MULTICLASS:
            return ()
        known = (scorer.schema.classes for scorer in self.by_digest.values())
        return tuple(dict.fromkeys(chain(classes, *known)))

    @property
    def learned_blocks(self) -> frozenset[str]:
        """All blocks that any of them was trained on."""
        manifests = (scorer.manifest for scorer in self.by_digest.values())
        return frozenset[str]().union(*(manifest.training_blocks for manifest in manifests))


def open_bundle(digest: str) -> Scorer:
    """Open a bundle of the channel."""
    return load_scorer(bundles_folder(load_settings().channel) / digest)


@dataclass(frozen=True)
class Marks:
    """By what a judged set is known: the run that answers it, the sets judged before, and columns of it.

    Rows of a `key` are told apart by it. `own_loss` is the user's, if the policy has one;
    `grouping` tells rows apart for the rules that look at some by themselves.
    """

    run_key: str = ""
    earlier_sets: Sequence[str] = ()
    slices: Sequence[str] = ()
    key: Sequence[str] = ()
    own_loss: RowLoss | None = None
    grouping: Grouping = NO_GROUPS


UNMARKED = Marks()
"""Nobody remembers the set, as it is not the gate that looks."""


def answer_rows(
    rows: LabelledRows, compared: Compared, classes: tuple[str, ...], marks: Marks = UNMARKED
) -> JudgedSet:
    """Let every bundle answer the rows of the blocks that none of them has learned from.

    Labels are positions in `classes`. A bundle that answers another question has no answers.
    """
    unseen = rows.without_blocks(compared.learned_blocks)
    set_id, wanted = judged_set_id(unseen.blocks), compared.classes_beside(classes)
    answers = {
        digest: answer_over(wanted, scorer, unseen.frame)
        for digest, scorer in compared.by_digest.items()
        if _is_comparable(scorer.schema, compared.challenger.schema)
    }

    def of(scorer: Scorer | None) -> FloatArray | None:
        return None if scorer is None else answers.get(scorer.digest)

    return JudgedSet(
        source=Source(marks.run_key, compared.challenger.digest, set_id),
        labels=unseen.labels,
        blocks=unseen.blocks,
        challenger=answers[compared.challenger.digest],
        champion=of(compared.champion),
        baseline=answers[compared.baseline.digest],
        best=of(compared.best),
        looks=marks.earlier_sets.count(set_id),
        slices={name: value_texts(unseen.frame[name]) for name in marks.slices if name in unseen.frame},
        keys=key_hashes(unseen.frame, marks.key) if marks.key else None,
        thresholds=compared.thresholds,
        own_loss=marks.own_loss,
        groups=marks.grouping.of(unseen.frame),
    )


def _is_comparable(found: Schema, needed: Schema) -> bool:
    """Whether both answer the same question; which of several classes each knows makes no other one."""
    same_classes = found.classes == needed.classes or needed.task is Task.MULTICLASS
    return found.task is needed.task and same_classes


def answer_over(classes: tuple[str, ...], scorer: Scorer, frame: "pd.DataFrame") -> FloatArray:
    """Answer rows: with a share of each of `classes`, or as they are where there are none."""
    answers = scorer.answer(frame)
    return spread_shares(answers, scorer.schema.classes, classes) if classes else answers
