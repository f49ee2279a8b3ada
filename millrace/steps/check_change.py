"""Is a change of code, configuration or data worth a full training? Tried on a sample, recorded nowhere."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.dataset_files import find_dataset
from millrace.adapters.scorer import load_scorer, prove
from millrace.domain.blocks import sample_blocks
from millrace.domain.change_report import ChangeReport
from millrace.domain.config import CheckSection, ModelConfig
from millrace.domain.dataset import Dataset
from millrace.domain.gate.change import judge_change, list_differences
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.verdict import Outcome
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.gate import Compared, Marks, answer_rows, find_own_loss
from millrace.steps.rows import SplitRows, learned_first, split_rows, when_all_labels_are_due
from millrace.steps.stores import ledger, model_config
from millrace.steps.train import train_bundles


class NoCheckPolicyError(MillraceError):
    """The model does not say how its changes are checked."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(
            f"models/{model}/model.toml has no [check]: nothing says what a change may cost. Write [check] "
            "with rows (how many are trained on, in seconds) and max_excess_loss (how much more than the "
            "champion's loss is allowed, in units of the gate's metric)"
        )


def check_change(model: str, rows: int | None, on_trial: Callable[[int, int], None]) -> ChangeReport:
    """Train on whole blocks of about `rows` rows and judge the bundle against the champion.

    The bundle lives in a temporary folder: no ledger entry, no claim, nothing in the channel.
    `rows` None means those of `[check]`.

    Raises
    ------
    NoCheckPolicyError
        Without a [check] section: no policy has a default.
    """
    config = model_config(model)
    if config.check is None:
        raise NoCheckPolicyError(model)
    dataset = find_dataset(load_settings().datasets, model)
    champion = ledger().serving(model).champion
    if champion is None:
        return _report_no_champion(config, config.check, dataset)
    split = split_rows(config, dataset, when_all_labels_are_due(config, dataset))
    sample = _sample(config, split, rows or config.check.rows)
    recent = _answer_recent(config, sample, champion, on_trial)
    verdict = judge_change(recent, config.gate, config.check)
    return ChangeReport(
        model=model,
        dataset=dataset.version,
        champion=champion,
        sample_rows=len(sample.training.frame),
        training_rows=len(split.training.frame),
        judged_rows=recent.labels.size,
        judged_blocks=recent.n_blocks,
        max_excess_loss=config.check.max_excess_loss,
        confidence=config.gate.confidence,
        outcome=verdict.outcome,
        reason=verdict.reason,
        differences=list_differences(recent, config.gate, config.model.task),
    )


def _sample(config: ModelConfig, split: SplitRows, rows: int) -> SplitRows:
    """Take whole blocks: rows of one block tell the same, so single rows would flatter the sample."""
    names, counts = np.unique(split.training.blocks, return_counts=True)
    sizes = dict(zip(names.tolist(), counts.tolist(), strict=True))
    chosen = sample_blocks(sizes, rows, f"check:{config.name}:{config.training.seed}")
    # a sample can lack a class that all rows have
    return learned_first(replace(split, training=split.training.in_blocks(chosen)), config)


def _answer_recent(
    config: ModelConfig, sample: SplitRows, champion: str, on_trial: Callable[[int, int], None]
) -> JudgedSet:
    with TemporaryDirectory(prefix="millrace-check-") as folder:
        made = train_bundles(config, sample, Path(folder), on_trial)
        compared = Compared(
            challenger=load_scorer(Path(folder) / made.digest),
            baseline=load_scorer(Path(folder) / made.baseline),
            champion=load_scorer(bundles_folder(load_settings().channel) / champion),
            best=None,
        )
        prove(compared.challenger, compared.challenger.examples)
        marks = Marks(own_loss=find_own_loss(config))
        return answer_rows(sample.recent, compared, sample.all_classes, marks)


def _report_no_champion(config: ModelConfig, limit: CheckSection, dataset: Dataset) -> ChangeReport:
    reason = (
        f"{config.name} has no champion to compare with: `millrace retrain {config.name}` makes the first"
    )
    return ChangeReport(
        model=config.name,
        dataset=dataset.version,
        champion=None,
        sample_rows=0,
        training_rows=0,
        judged_rows=0,
        judged_blocks=0,
        max_excess_loss=limit.max_excess_loss,
        confidence=config.gate.confidence,
        outcome=Outcome.INCONCLUSIVE,
        reason=reason,
        differences=(),
    )
