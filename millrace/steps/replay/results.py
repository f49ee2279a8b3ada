"""What came of a replay, by the ledgers of its policies and the rows of history?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import load_scorer
from millrace.domain.answers import FloatArray, spread_shares
from millrace.domain.blocks import name_blocks
from millrace.domain.config import Metric, ModelConfig
from millrace.domain.facts import ChampionPromoted, WindowMonitored
from millrace.domain.features import text_values
from millrace.domain.kinds import Task
from millrace.domain.replay.comparison import (
    Asked,
    Happening,
    PolicyResult,
    ReplayResult,
    list_shown,
)
from millrace.domain.replay.measuring import (
    AskedRows,
    BoolArray,
    Champion,
    answered_by,
    answered_by_all,
    is_answered,
    mean_loss,
    measure_ages,
    measure_common,
    measure_gap,
    measure_loss,
    measure_stretches,
)
from millrace.domain.replay.telling import tell_happenings
from millrace.domain.schema import label_values
from millrace.settings import load_settings
from millrace.steps.progress import announce
from millrace.steps.replay.history import History
from millrace.steps.replay.plan import Plan, Policy, entered
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    import pandas as pd

DRAWN_STRETCHES = 26


@dataclass(frozen=True, eq=False)
class _Played:
    """A policy once it is played: what happened, and what each of its champions answers."""

    policy: Policy
    happenings: tuple[Happening, ...]
    champions: tuple[Champion, ...]
    answers: FloatArray | None
    looks: tuple[WindowMonitored, ...]


@dataclass(frozen=True, eq=False)
class _Labelled:
    """The rows that are scored, with the names of the classes among which their labels count."""

    frame: "pd.DataFrame"
    rows: AskedRows
    classes: tuple[str, ...]
    asked: Asked


def gather_results(plan: Plan, history: History) -> ReplayResult:
    """Score what the champions of each policy answer, and compare the policies where all have answered."""
    config = model_config(plan.model)
    asked = _read_labelled(plan, history, config)
    played = []
    for number, policy in enumerate(plan.policies):
        announce(f"{policy.name} · scores", number, len(plan.policies))
        with entered(plan.home_of(policy)):
            played.append(_read_played(plan, policy, asked))
    common = answered_by_all(len(asked.rows.times), [one.answers for one in played])
    delay = config.data.label_delay
    return ReplayResult(
        model=plan.model,
        metric=config.followed_metric,
        start=plan.start,
        until=plan.until,
        step_seconds=plan.every.total_seconds(),
        rows=int(common.sum()),
        policies=_compare(plan, config, asked.rows, played, common),
        asked=asked.asked,
        label_delay_seconds=delay.total_seconds() if delay is not None else None,
        confidence=config.gate.confidence,
    )


def _compare(
    plan: Plan, config: ModelConfig, rows: AskedRows, played: Sequence[_Played], common: BoolArray
) -> tuple[PolicyResult, ...]:
    """Measure each policy, and how far it is behind the one that lost the least."""
    metric, drawn = config.followed_metric, _drawn_bounds(plan)
    measured = [measure_common(metric, rows, one.answers, common, drawn) for one in played]
    best = min(filter(None, measured), key=lambda one: mean_loss(one) or 0.0, default=None)
    others = sum(map(bool, measured)) - 1
    found = []
    for one, stretches in zip(played, measured, strict=True):
        result = replace(_measure(plan, metric, rows, one, drawn), loss=mean_loss(stretches))
        if best is not None and stretches and stretches is not best:
            gap = measure_gap(stretches, best, config.gate, others, config.training.seed)
            result = replace(result, behind=gap)
        found.append(result)
    return tuple(found)


def _drawn_bounds(plan: Plan) -> tuple[datetime, ...]:
    bounds = plan.bounds
    return (*bounds[: -1 : -(-(len(bounds) - 1) // DRAWN_STRETCHES)], bounds[-1])


def _measure(
    plan: Plan, metric: Metric, rows: AskedRows, played: _Played, drawn: Sequence[datetime]
) -> PolicyResult:
    answers = played.answers
    return PolicyResult(
        policy=played.policy.name,
        happenings=_with_losses(plan, metric, rows, played),
        stretches=measure_stretches(metric, rows, answers, drawn),
        ages=measure_ages(metric, rows, played.champions, plan.until),
        loss=None,
        looks=len(played.looks),
        detected=sum(one.drift is not None or one.decay is not None for one in played.looks),
        answered=0 if answers is None else int(is_answered(answers).sum()),
    )


def _with_losses(plan: Plan, metric: Metric, rows: AskedRows, played: _Played) -> tuple[Happening, ...]:
    """Give each happening the loss of the time since the one before; of two at once the first has it."""
    found, since = list[Happening](), plan.start
    for one in list_shown(played.happenings):
        stretch = rows.between(since, one.at)  # empty, and without a loss, for the second of two at once
        found.append(replace(one, loss=measure_loss(metric, rows, played.answers, stretch)))
        since = one.at
    return tuple(found)


def _read_played(plan: Plan, policy: Policy, asked: _Labelled) -> _Played:
    entries = ledger().entries(plan.model)
    champions = tuple(
        Champion(entry.fact.digest, entry.at, _answer(entry.fact.digest, asked, entry.at.timestamp()))
        for entry in entries
        if isinstance(entry.fact, ChampionPromoted)
    )
    looks = tuple(entry.fact for entry in entries if isinstance(entry.fact, WindowMonitored))
    return _Played(policy, tell_happenings(entries), champions, answered_by(asked.rows, champions), looks)


def _answer(digest: str, asked: _Labelled, since: float) -> FloatArray:
    """Answer the rows from `since` on; a class that the version does not know has a share of 0."""
    scorer = load_scorer(bundles_folder(load_settings().channel) / digest)
    is_later = asked.rows.times >= since
    given = scorer.answer(asked.frame[is_later])
    if scorer.schema.task is Task.MULTICLASS:
        given = spread_shares(given, scorer.schema.classes, asked.classes)
    answers = np.full((len(is_later), *given.shape[1:]), np.nan)
    answers[is_later] = given
    return answers


def _read_labelled(plan: Plan, history: History, config: ModelConfig) -> _Labelled:
    """Read all rows of the range with a label that some champion knows, and count the others."""
    import pandas as pd

    stretches = [history.rows_of(stretch) for stretch in range(len(plan.bounds) - 1)]
    happened = pd.concat([rows for rows in stretches if rows is not None], ignore_index=True)
    target, classes = config.data.target, _known_classes(plan)
    labelled = happened[happened[target].notna()].reset_index(drop=True)
    frame = labelled
    if config.model.task is not Task.REGRESSION:
        texts = text_values(labelled[target], target, config.contract.columns[target].type)
        frame = labelled[np.isin(texts, classes)].reset_index(drop=True)
    times = frame[str(config.data.time)]
    seconds = (times - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy().astype(np.float64)
    rows = AskedRows(seconds, label_values(frame, config, classes), name_blocks(frame, config))
    unlabelled, unknown = len(happened) - len(labelled), len(labelled) - len(frame)
    told = history.told
    asked = Asked(len(happened), unlabelled, unknown, told.refused, told.early)
    return _Labelled(frame, rows, classes, asked)


def _known_classes(plan: Plan) -> tuple[str, ...]:
    """Return the classes that any champion of any policy knows, in the order of their first appearance."""
    found: dict[str, None] = {}
    for policy in plan.policies:
        with entered(plan.home_of(policy)):
            bundles = bundles_folder(load_settings().channel)
            for digest in _list_promoted(plan.model):
                found |= dict.fromkeys(load_scorer(bundles / digest).schema.classes)
    return tuple(found)


def _list_promoted(model: str) -> Sequence[str]:
    facts = (entry.fact for entry in ledger().entries(model, (ChampionPromoted,)))
    return [fact.digest for fact in facts if isinstance(fact, ChampionPromoted)]
