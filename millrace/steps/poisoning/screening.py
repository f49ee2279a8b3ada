"""Screening: a batch that the contract allows goes through every poisoning check that is asked for."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.adapters.batches import StagedBatch
from millrace.adapters.parts import MissingColumnsError, read_parts
from millrace.adapters.prediction_log.privacy import ensure_salt
from millrace.domain.blocks import row_identity
from millrace.domain.config import ModelConfig
from millrace.domain.config.poisoning import (
    ChartCheck,
    DisagreementCheck,
    DripCheck,
    DuplicatesCheck,
    GoldenCopiesCheck,
    PoisoningSection,
    ProvenanceCheck,
    QuotaCheck,
    TriggersCheck,
)
from millrace.domain.contract import Violation
from millrace.domain.dataset import Part
from millrace.domain.features import text_values
from millrace.domain.kinds import Task
from millrace.domain.poisoning.charts import judge_label_rate, judge_volume
from millrace.domain.poisoning.disagreement import judge_disagreement
from millrace.domain.poisoning.drip import judge_drip
from millrace.domain.poisoning.duplicates import judge_copies, judge_golden_copies
from millrace.domain.poisoning.judged import BROKEN, CLEAN, Judged
from millrace.domain.poisoning.profile import BatchProfile
from millrace.domain.poisoning.provenance import judge_provenance
from millrace.domain.poisoning.quota import Delivered, judge_quota
from millrace.domain.poisoning.triggers import judge_triggers
from millrace.settings import load_settings
from millrace.steps.arrivals import Arrival
from millrace.steps.dataset import current_dataset
from millrace.steps.poisoning.champion import find_champion
from millrace.steps.poisoning.copies import Grids, find_copies, find_golden_copies
from millrace.steps.poisoning.opinions import Opinions, ask_opinions
from millrace.steps.poisoning.origin import find_origin, list_deliveries, list_profiles
from millrace.steps.poisoning.pairs import find_pairs
from millrace.steps.progress import announce
from millrace.steps.telling import tell_error

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Screened:
    """What the checks found; `profile` is what later batches are compared with, once this one is accepted."""

    judged: Judged = CLEAN
    profile: BatchProfile | None = None


NOT_SCREENED = Screened()


@dataclass(frozen=True, eq=False)
class Screening:
    """One batch in front of the checks, its rows as they would be stored."""

    config: ModelConfig
    arrival: Arrival
    staged: StagedBatch
    rows: "pd.DataFrame"
    now: datetime
    opinions: Opinions | None
    profile: BatchProfile
    history: Sequence[BatchProfile]
    skipped: list[Part] = field(default_factory=list)

    def read_known(self, columns: Sequence[str]) -> Iterator["pd.DataFrame"]:
        """Yield these columns of each part of the dataset: no two parts are in memory at once.

        A part that is older than one of the columns, or has texts where there are numbers now or the other
        way round, is skipped, and stands in `skipped`.
        """
        self.skipped.clear()
        parts = current_dataset(self.config.name).parts
        for number, part in enumerate(parts):
            announce("comparing with the dataset", number, len(parts))
            try:
                rows = read_parts(load_settings().data / self.config.name, [part], columns)
            except MissingColumnsError:
                self.skipped.append(part)
                continue
            if self._has_other_kinds(rows):
                self.skipped.append(part)
                continue
            yield rows

    def _has_other_kinds(self, older: "pd.DataFrame") -> bool:
        from pandas.api.types import is_numeric_dtype

        return any(
            is_numeric_dtype(older[name]) != is_numeric_dtype(self.rows[name])
            for name in older.columns
            if older[name].notna().any() and self.rows[name].notna().any()
        )

    def judge_skipped(self, name: str) -> Judged:
        """Say how much of the dataset the check `name` has not compared with."""
        if not self.skipped:
            return CLEAN
        rows, parts = sum(part.rows for part in self.skipped), len(self.skipped)
        why = f"{rows:,} rows of {parts} older batches have other columns or types, and were not compared"
        return Judged(unjudged=(f"{name}: {why}",))


def screen_batch(
    config: ModelConfig, arrival: Arrival, staged: StagedBatch, rows: "pd.DataFrame", now: datetime
) -> Screened:
    """Hold the batch to every check of `[poisoning]`; one that cannot be carried out is a finding of its own.

    What cannot be judged yet, for lack of earlier batches or of a champion, is told and quarantines nothing:
    a young model has to take its first batches.
    """
    section = config.poisoning
    if section is None:
        return NOT_SCREENED
    opinions, judged = _ask_opinions(config, section, staged, rows)
    profile = profile_of(config, rows, opinions or Opinions())
    history = list_profiles(config.name)
    screening = Screening(config, arrival, staged, rows, now, opinions, profile, history)
    for name, check in _CHECKS.items():
        policy = getattr(section, name)
        if policy is not None:
            judged += _carry_out(config, name, len(rows), partial(check, screening, policy))
    return Screened(judged, profile)


def profile_of(config: ModelConfig, rows: "pd.DataFrame", opinions: Opinions) -> BatchProfile:
    """Count what is kept of a batch."""
    target = config.data.target
    labels = rows[target][rows[target].notna()]
    if config.model.task is Task.REGRESSION:
        numbers = labels.to_numpy(dtype=np.float64)
        mean, deviation = (float(numbers.mean()), float(numbers.std())) if numbers.size else (None, None)
        return BatchProfile(len(rows), len(labels), {}, mean, deviation, opinions.disagreements)
    texts = text_values(labels, target, config.contract.columns[target].type).astype(np.str_)
    names, counts = np.unique(texts, return_counts=True)
    found = dict(zip(names.tolist(), counts.tolist(), strict=True))
    return BatchProfile(len(rows), len(labels), found, disagreements=opinions.disagreements)


def _ask_opinions(
    config: ModelConfig, section: PoisoningSection, staged: StagedBatch, rows: "pd.DataFrame"
) -> tuple[Opinions | None, Judged]:
    """Ask for both opinions, where they are wanted; None where they could not be asked."""
    policy = section.disagreement
    if policy is None or not len(rows):
        return None, CLEAN
    asked: list[Opinions] = []

    def ask() -> Judged:
        find = partial(find_champion, config.name)
        asked.append(ask_opinions(config, rows, policy, find, secret_seed(staged.digest)))
        return CLEAN

    judged = _carry_out(config, "disagreement", len(rows), ask)
    return (asked[0] if asked else None), judged


def secret_seed(digest: str) -> int:
    """Return what nobody can know who makes a batch, and is the same whenever it is looked at."""
    salt = ensure_salt(load_settings().var / "screening")
    return int.from_bytes(hashlib.blake2b(digest.encode(), key=salt, digest_size=4).digest())


def _carry_out(config: ModelConfig, name: str, rows: int, check: Callable[[], Judged]) -> Judged:
    announce(f"poisoning: {name.replace('_', ' ')}")
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a check that breaks must not let a batch through unseen
        return Judged((Violation(name, None, rows, f"{BROKEN}: {tell_error(config, error)}"),))


def _check_provenance(it: Screening, policy: ProvenanceCheck) -> Judged:
    return judge_provenance(find_origin(it.arrival, it.staged), policy)


def _check_quota(it: Screening, policy: QuotaCheck) -> Judged:
    new = Delivered(it.arrival.batch, len(it.rows), is_today=True)
    return judge_quota(new, list_deliveries(it.config.name, it.now), policy)


def _check_duplicates(it: Screening, policy: DuplicatesCheck) -> Judged:
    grids = Grids.over(it.config, it.rows, policy.width, policy.grids)
    known = it.read_known(list(it.config.features.names))
    judged = judge_copies(find_copies(it.config, it.rows, known, grids), policy)
    return judged + it.judge_skipped("duplicates")


def _check_golden(it: Screening, policy: GoldenCopiesCheck) -> Judged:
    data = it.config.data
    grids = Grids.over(it.config, it.rows, policy.width, policy.grids)
    roles = {*it.config.features.names, *row_identity(it.config), *filter(None, (data.time, data.group))}
    found = find_golden_copies(it.config, it.rows, it.read_known(sorted(roles)), grids)
    return judge_golden_copies(found, policy) + it.judge_skipped("golden_copies")


def _check_triggers(it: Screening, policy: TriggersCheck) -> Judged:
    pairs = find_pairs(it.config, it.rows, it.read_known(list(policy.columns)), policy)
    if pairs is None:
        return Judged(unjudged=("triggers: the target is a number, not a class",))
    if pairs.blocks < policy.min_blocks:
        return Judged(unjudged=(f"triggers: {pairs.blocks} of {policy.min_blocks} blocks",))
    judged = judge_triggers(pairs.found, pairs.compared, pairs.batch_rows, pairs.known_rows, policy)
    return judged + it.judge_skipped("triggers")


def _check_drip(it: Screening, policy: DripCheck) -> Judged:
    return judge_drip(it.profile, it.history, policy)


def _check_volume(it: Screening, policy: ChartCheck) -> Judged:
    return judge_volume(it.profile, it.history, policy)


def _check_label_rate(it: Screening, policy: ChartCheck) -> Judged:
    return judge_label_rate(it.profile, it.history, policy)


def _check_disagreement(it: Screening, policy: DisagreementCheck) -> Judged:
    if it.opinions is None:
        return Judged()  # why is told already
    judged = judge_disagreement(it.profile, it.history, policy, it.opinions.examples)
    return it.opinions.judged + judged


_CHECKS: dict[str, Callable[[Screening, Any], Judged]] = {
    "provenance": _check_provenance,
    "quota": _check_quota,
    "volume": _check_volume,
    "label_rate": _check_label_rate,
    "disagreement": _check_disagreement,
    "drip": _check_drip,
    "duplicates": _check_duplicates,
    "golden_copies": _check_golden,
    "triggers": _check_triggers,
}
