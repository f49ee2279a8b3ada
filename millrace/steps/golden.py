"""Giving a model another golden set, as an act that is recorded."""

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from millrace.adapters.models import change_keys
from millrace.domain.config import ModelConfig
from millrace.domain.config.training import GoldenSection
from millrace.domain.facts import GoldenPolicy, GoldenRenewed
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.golden import GoldenHistory, golden_policy
from millrace.domain.metric_terms import RowLoss
from millrace.domain.narration import tell_golden
from millrace.domain.work import FlowName
from millrace.errors import MillraceError, MissingReasonError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.claims import is_in_hand
from millrace.steps.dataset import current_dataset
from millrace.steps.gate import Compared, Marks, answer_rows, find_own_loss, losses_of, name_terms
from millrace.steps.gate.comparing import open_bundle
from millrace.steps.gate.judging import find_best, find_golden_history
from millrace.steps.progress import announce
from millrace.steps.rows import split_rows
from millrace.steps.stores import ledger, model_config


class GoldenInUseError(MillraceError):
    """A training is under way: it would be judged on another golden set than it kept its hands off."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"a training of {model} is under way: wait for its end, then renew the golden set")


class NewGoldenTooSmallError(MillraceError):
    """The champions have learned from nearly all of the new golden set: nothing could be judged on it."""

    def __init__(self, model: str, blocks: int, needed: int) -> None:
        self.model, self.blocks, self.needed = model, blocks, needed
        super().__init__(
            f"the new golden set of {model} would have {blocks} blocks that neither the champion nor the "
            f"best one has learned from, needed are {needed}. Give a later --until or a larger --share, or "
            "wait for data that nobody has learned from"
        )


class SpentGoldenError(MillraceError):
    """The rows that would judge are those of the old golden set: its looks would be forgotten."""

    def __init__(self, model: str, policy: GoldenPolicy) -> None:
        self.model, self.policy = model, policy
        super().__init__(
            f"the golden set of {model} by {tell_golden(policy)} would judge on no block that the old one "
            "did not judge on too, and those were looked at. Give a later --until, or wait for data that "
            "nobody has learned from"
        )


class TimelessGoldenError(MillraceError):
    """A day was given up to which blocks are golden, and the model has no time."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"{model} has no data.time, so there is no --until: renew its golden set without")


@dataclass(frozen=True)
class GoldenState:
    """The golden set as model.toml has it, and what is recorded; `unrecorded` says where they differ."""

    policy: GoldenPolicy
    looks: int
    max_looks: int
    unrecorded: str
    renewals: tuple[GoldenRenewed, ...]


def show_golden(model: str) -> GoldenState:
    """Return by what the golden set is chosen, and how often it was looked at."""
    config, history = model_config(model), find_golden_history(model)
    policy = golden_policy(config.golden)
    return GoldenState(
        policy,
        history.count_looks(),
        config.gate.max_looks,
        history.tell_unrecorded(policy),
        history.renewals,
    )


def renew_golden(
    model: str, reason: str, share: float | None, until: date | None, now: datetime
) -> GoldenRenewed:
    """Choose another golden set, judge champion and best once on both, record it, and write model.toml.

    What somebody has changed in `[golden]` by hand is recorded with a generation of its own: without, its
    blocks may be those of before, and a training on equal inputs would be skipped. What was recorded already
    and is not in model.toml, as after a crash, is only written there.

    Raises
    ------
    MissingReasonError, TimelessGoldenError, GoldenInUseError, SpentGoldenError
        If there is no reason, or no time for `until`, a training is under way, or nothing new would judge.
    NewGoldenTooSmallError
        If there is a champion, and too few blocks of the new set judge it.
    """
    if not reason.strip():
        raise MissingReasonError("renewal of the golden set")
    if is_in_hand(model, FlowName.RETRAIN):
        raise GoldenInUseError(model)
    config, history = model_config(model), find_golden_history(model)
    found, last = golden_policy(config.golden), history.renewal
    if last is not None and history.recorded == last.new and found in {last.old, last.written_over}:
        _write(model, last.new)
        return last
    if until is not None and config.data.time is None:
        raise TimelessGoldenError(model)
    new = history.renew(found, share, until.isoformat() if until else None)
    fact = _judge_both(config, history, new, reason, now)
    ledger().append(model, fact, now, current_actor())
    _write(model, new)
    return fact


def _judge_both(
    config: ModelConfig, history: GoldenHistory, new: GoldenPolicy, reason: str, now: datetime
) -> GoldenRenewed:
    found = golden_policy(config.golden)
    old = history.recorded or found
    serving, metric = ledger().serving(config.name), config.gate.metric
    terms, own_loss = name_terms(config), find_own_loss(config)
    best = find_best(config, history, serving, terms)
    dataset = current_dataset(config.name)
    fact = GoldenRenewed(
        reason, old, new, history.count_looks(), dataset.version, metric.value, serving.champion, best,
        written_over=found if found != old else None, terms=terms,
    )  # fmt: skip
    if serving.champion is None:
        return fact
    champion = open_bundle(serving.champion)
    compared = Compared(champion, champion, champion, open_bundle(best) if best else None)
    sets = {}
    for number, (name, policy) in enumerate((("old", old), ("new", new))):
        announce(f"judging on the {name} golden set", number, 2)
        sets[name] = _answer(_with_golden(config, policy), compared, own_loss, now)
    if sets["new"].n_blocks < config.gate.min_blocks:
        raise NewGoldenTooSmallError(config.name, sets["new"].n_blocks, config.gate.min_blocks)
    if np.isin(sets["new"].blocks, sets["old"].blocks).all():
        raise SpentGoldenError(config.name, new)
    return replace(
        fact,
        old_set=sets["old"].set_id,
        new_set=sets["new"].set_id,
        old_blocks=sets["old"].n_blocks,
        new_blocks=sets["new"].n_blocks,
        losses={name: _losses(judged, config) for name, judged in sets.items()},
    )


def _answer(config: ModelConfig, compared: Compared, own_loss: RowLoss | None, now: datetime) -> JudgedSet:
    split = split_rows(config, current_dataset(config.name), now)
    return answer_rows(split.golden, compared, split.all_classes, Marks(own_loss=own_loss))


def _losses(judged: JudgedSet, config: ModelConfig) -> dict[str, float]:
    return {
        role: loss for role, loss in losses_of(judged, config.gate).items() if role in {"champion", "best"}
    }


def _with_golden(config: ModelConfig, policy: GoldenPolicy) -> ModelConfig:
    until = date.fromisoformat(policy.until) if policy.until else None
    section = GoldenSection(share=policy.share, until=until, generation=policy.generation)
    return config.model_copy(update={"golden": section})


def _write(model: str, policy: GoldenPolicy) -> None:
    until = {"until": date.fromisoformat(policy.until)} if policy.until else {}
    values = {"share": policy.share, **until, "generation": policy.generation}
    change_keys(load_settings().models, model, "golden", values)
