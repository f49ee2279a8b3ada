"""What does the whole model.toml of a draft say, and what are the sample's rows by it?"""

import tomllib
from typing import TYPE_CHECKING

from millrace.domain.columns import convert_column
from millrace.domain.config import ModelConfig
from millrace.domain.proposal.bar import bar_blocks
from millrace.domain.proposal.contract import contract_blocks
from millrace.domain.proposal.delivery import retrain_block, rollout_block, rollout_doubts, serving_block
from millrace.domain.proposal.description import data_block, features_block, format_blocks, model_block
from millrace.domain.proposal.findings import Block, Draft, Probe, Proposal
from millrace.domain.proposal.model_file import model_file
from millrace.domain.proposal.placeholders import tell_placeholders
from millrace.domain.proposal.rules import with_rules
from millrace.domain.proposal.screening import poisoning_blocks
from millrace.domain.proposal.watch import watch_blocks
from millrace.domain.schema import label_values, present_classes

if TYPE_CHECKING:
    import pandas as pd

    from millrace.domain.losses import FloatArray


def complete(draft: Draft, probe: Probe | None) -> Proposal:
    """Write down every section, with numbers from the probe; without one, with placeholders."""
    bar, doubts = bar_blocks(draft, probe)
    blocks: tuple[Block, ...] = (
        model_block(draft),
        data_block(draft),
        *format_blocks(draft),
        features_block(draft),
        *contract_blocks(draft),
        *poisoning_blocks(draft),
        *with_rules(bar, draft, probe),
        retrain_block(draft),
        serving_block(draft),
        rollout_block(draft, probe),
        *watch_blocks(draft, probe),
    )
    if probe is None:
        blocks = tell_placeholders(blocks, draft.target.task)
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
    return frame, label_values(frame, config, present_classes(frame, config))
