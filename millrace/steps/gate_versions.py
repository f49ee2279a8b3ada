"""What would the gate say of any two versions of a model, on any rows?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.training import constant_answer
from millrace.domain import gate
from millrace.domain.config import ModelConfig
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.report import GateReport
from millrace.domain.kinds import Task
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.diff import OtherModelError
from millrace.steps.file_rows import classes_after, read_file_rows, to_labelled
from millrace.steps.gate.case import Case
from millrace.steps.gate.comparing import Compared, Marks, answer_rows, open_bundle
from millrace.steps.gate.grouping import make_grouping
from millrace.steps.gate.judging import find_golden_history
from millrace.steps.gate.measuring import measure_rules
from millrace.steps.gate.own_loss import find_own_loss, name_terms
from millrace.steps.gate.reporting import make_report
from millrace.steps.gate_reports import find_last_judged
from millrace.steps.lineage import Lineage, find_lineage
from millrace.steps.progress import announce
from millrace.steps.rows import LabelledRows, SplitRows, split_rows
from millrace.steps.stores import model_config


class NoSimpleModelError(MillraceError):
    """The simple model that a version was trained beside is not here, nor one that could stand for it."""

    def __init__(self, version: str, baseline: str) -> None:
        self.version, self.baseline = version, baseline
        super().__init__(
            f"{version}: the simple model {baseline[:12]} that it was trained beside is not kept here, "
            "and the other version has other classes. Compare them where it was trained"
        )


@dataclass(frozen=True, eq=False)
class _Duel:
    config: ModelConfig
    champion: Lineage
    challenger: Lineage
    compared: Compared


def compare_versions(old: str, new: str, path: Path | None, now: datetime) -> GateReport:
    """Judge `new` against `old` by the model's rules, as if `old` were the champion; nothing is recorded.

    The rows are the judged ones of the newest dataset, or the labelled ones of a file; those of blocks that
    one of the two has learned from, or the simple model beside them, never judge.

    Raises
    ------
    OtherModelError
        If they are not of one model.
    UnfitRowsError
        If the file has no rows to judge on.
    """
    announce("open both versions")
    duel, notes = _open(old, new)
    announce("read the rows")
    split = split_rows(duel.config, current_dataset(duel.config.name), now)
    split = _as_learned(split, duel)
    if path is not None:
        split = _on_file(split, path, duel)
    announce("answer the same rows")
    evidence = _gather(split, duel)
    judgement = gate.judge_challenger(evidence, duel.config.gate)
    report = make_report(duel.config, duel.challenger.trained, evidence, judgement, None, now)
    told = (*notes, *_tell_left_out(split, evidence))
    sets = report.sets if path is None else (replace(report.sets[0], name=path.name),)
    return replace(report, sets=sets, notes=told, is_recorded=False)


def _open(old: str, new: str) -> tuple[_Duel, tuple[str, ...]]:
    before, after = find_lineage(old), find_lineage(new)
    if before.model != after.model:
        raise OtherModelError(before.model, after.model)
    champion, challenger = open_bundle(before.trained.digest), open_bundle(after.trained.digest)
    simple = after.trained.baseline
    notes: tuple[str, ...] = ()
    if (bundles_folder(load_settings().channel) / simple).is_dir():
        baseline = open_bundle(simple)
    elif champion.schema.classes == challenger.schema.classes:
        baseline = champion
        notes = (f"The simple model {simple[:12]} is not kept here: {old} stands in its place.",)
    else:
        raise NoSimpleModelError(new, simple)
    compared = Compared(challenger, baseline, champion, champion)
    return _Duel(model_config(before.model), before, after, compared), notes


def _as_learned(split: SplitRows, duel: _Duel) -> SplitRows:
    """Return the rows as the challenger's own run saw them: its classes first, its training rows."""
    bundle = duel.compared.challenger
    everything = _join([split.training, split.recent, split.golden])
    placed = replace(
        split,
        training=everything.in_blocks(frozenset(bundle.manifest.training_blocks)),
        classes=bundle.schema.classes,
        unlearned=tuple(name for name in split.all_classes if name not in bundle.schema.classes),
    )
    if duel.config.model.task is Task.REGRESSION:
        return placed
    known = {name: place for place, name in enumerate(placed.all_classes)}
    places = np.array([known[name] for name in split.all_classes], dtype=np.float64)

    def place(rows: LabelledRows) -> LabelledRows:
        return replace(rows, labels=places[rows.labels.astype(np.intp)])

    return replace(
        placed, training=place(placed.training), recent=place(split.recent), golden=place(split.golden)
    )


def _on_file(split: SplitRows, path: Path, duel: _Duel) -> SplitRows:
    """Let the rows of a file judge, in the place of both sets."""
    config, compared = duel.config, duel.compared
    schemas = tuple(scorer.schema for scorer in compared.by_digest.values())
    frame = read_file_rows(path, config, schemas)
    classes = classes_after(split.all_classes, frame, config)
    rows = to_labelled(frame, config, classes)
    return replace(split, recent=rows, golden=rows, unlearned=classes[len(split.classes) :])


def _gather(split: SplitRows, duel: _Duel) -> GateEvidence:
    trained, compared, config = duel.challenger.trained, duel.compared, duel.config
    marks = partial(
        Marks, trained.run_key, key=_key_of(split, config), own_loss=find_own_loss(config),
        grouping=make_grouping(config, split.training.frame),
    )  # fmt: skip
    # what was looked at before was looked at, though this look is not counted
    history = find_golden_history(config.name)
    past = [fact.recent_set for fact in history.ever_judged if fact.run_key != trained.run_key]
    recent = answer_rows(split.recent, compared, split.all_classes, marks(past))
    golden = answer_rows(split.golden, compared, split.all_classes, marks())
    # the rows of a file are none of the golden set
    looks = 0 if split.recent is split.golden else history.count_looks(but_for=trained.run_key)
    champion = duel.champion.trained.digest
    evidence = GateEvidence(
        run_key=trained.run_key,
        champion_digest=champion,
        best_digest=champion,
        challenger_digest=trained.digest,
        baseline_digest=compared.baseline.digest,
        recent=recent,
        golden=replace(golden, looks=looks),
        constant=_find_constant(split, duel),
        agreement=trained.agreement,
    )
    return replace(evidence, measured=measure_rules(Case(config, split, compared, trained, evidence)))


def _find_constant(split: SplitRows, duel: _Duel) -> float | tuple[float, ...] | None:
    """Return the one answer that is best by today's metric; None where that cannot be told any more."""
    trained, gate, task = duel.challenger.trained, duel.config.gate, duel.config.model.task
    known, labels = find_last_judged(duel.challenger), split.training.labels
    terms = name_terms(duel.config)
    is_same = known and (known.fact.known_metric, known.fact.terms) == (gate.metric, terms)
    if task is Task.MULTICLASS or is_same:
        return trained.constant
    return constant_answer(labels, task, gate.metric, gate.quantile) if labels.size else None


def _key_of(split: SplitRows, config: ModelConfig) -> tuple[str, ...]:
    """Return the key, but none where the rows of a file have not all of its columns."""
    return config.data.key if set(config.data.key) <= set(split.recent.frame.columns) else ()


def _join(sets: Sequence[LabelledRows]) -> LabelledRows:
    import pandas as pd

    return LabelledRows(
        pd.concat([one.frame for one in sets], ignore_index=True),
        np.concatenate([one.labels for one in sets]),
        np.concatenate([one.blocks for one in sets]),
    )


def _tell_left_out(split: SplitRows, evidence: GateEvidence) -> Iterator[str]:
    """Say how many rows did not judge, because one of them has learned from their blocks."""
    pairs = {"recent": (split.recent, evidence.recent), "golden": (split.golden, evidence.golden)}
    if split.recent is split.golden:
        pairs = {"file": pairs["recent"]}
    for name, (rows, judged) in pairs.items():
        if left := len(rows.labels) - judged.labels.size:
            yield (
                f"{left:,} of {len(rows.labels):,} {name} rows do not judge: "
                "they are of blocks that one of the two has learned from."
            )
