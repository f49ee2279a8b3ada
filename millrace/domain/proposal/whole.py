"""What does the whole model.toml of a draft say, and what are the sample's rows by it?"""

import tomllib
from typing import TYPE_CHECKING

from millrace.domain.columns import convert_column
from millrace.domain.config import ModelConfig
from millrace.domain.features import text_values
from millrace.domain.kinds import Task
from millrace.domain.proposal.bar import bar_blocks
from millrace.domain.proposal.contract import contract_blocks
from millrace.domain.proposal.delivery import retrain_block, rollout_block, rollout_doubts, serving_block
from millrace.domain.proposal.description import data_block, features_block, format_blocks, model_block
from millrace.domain.proposal.findings import Draft, Probe, Proposal
from millrace.domain.proposal.model_file import model_file
from millrace.domain.proposal.watch import watch_blocks
from millrace.domain.schema import label_values

if TYPE_CHECKING:
    import pandas as pd

    from millrace.domain.losses import FloatArray


def complete(draft: Draft, probe: Probe | None) -> Proposal:
    """Write down every section, with numbers from the probe; without one, with placeholders."""
    bar, doubts = bar_blocks(draft, probe)
    blocks = (
        model_block(draft),
        data_block(draft),
        *format_blocks(draft),
        features_block(draft),
        *contract_blocks(draft),
        *bar,
        retrain_block(draft),
        serving_block(draft),
        rollout_block(draft, probe),
        *watch_blocks(draft, probe),
    )
    return Proposal(draft, probe, blocks, (*draft.doubts, *doubts, *rollout_doubts(draft)))


def config_of(proposal: Proposal) -> ModelConfig:
    """Read the proposal as what Millrace will read."""
    return ModelConfig.model_validate(tomllib.loads(model_file(proposal)))


def labelled_sample(draft: Draft, config: ModelConfig) -> "tuple[pd.DataFrame, FloatArray]":
    """Return the sample's rows that have a target, as they would be in the dataset, and their labels.

    Returns
    -------
    frame of n_rows, labels of shape (n_rows,)
    """
    import pandas as pd

    columns = {
        name: convert_column(draft.scan.sample[name], column).values
        for name, column in config.contract.columns.items()
    }
    frame = pd.DataFrame(columns)
    frame = frame[frame[draft.target.column].notna()].reset_index(drop=True)
    classes = _class_names(draft, config)
    return frame, label_values(frame, config, classes)


def _class_names(draft: Draft, config: ModelConfig) -> tuple[str, ...]:
    if draft.target.task is Task.REGRESSION:
        return ()
    name = draft.target.column
    present = draft.scan.sample[name].dropna()
    texts = text_values(
        convert_column(present, config.contract.columns[name]).values,
        name,
        config.contract.columns[name].type,
    )
    is_number = config.contract.columns[name].is_number
    return tuple(sorted(set(texts.tolist()), key=lambda text: (float(text) if is_number else 0.0, text)))
