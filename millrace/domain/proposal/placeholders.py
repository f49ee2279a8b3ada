"""Which numbers of a model.toml come from no data, where nothing could be fitted?"""

from collections.abc import Sequence
from dataclasses import replace

from millrace.domain.kinds import Task
from millrace.domain.proposal.findings import Block

WHY = "a placeholder: nothing was fitted"

_MEASURED = frozenset({
    ("gate", "margin"), ("gate", "golden_margin"), ("gate", "baseline_margin"),
    ("performance", "max_excess_loss"), ("check", "max_excess_loss")})  # fmt: skip


def tell_placeholders(blocks: Sequence[Block], task: Task) -> tuple[Block, ...]:
    """Say beside each number that a probe would have given that it is a placeholder.

    The excess loss of a rollout is among them for a regression; for classes it follows from their shares.
    """
    return tuple(replace(block, entries=tuple(
        replace(entry, why=WHY) if _is_measured(block.name, entry.key, task) else entry
        for entry in block.entries)) for block in blocks)  # fmt: skip


def _is_measured(section: str, key: str, task: Task) -> bool:
    if section == "rollout":
        return key == "max_excess_loss" and task is Task.REGRESSION
    return section == "gate.floors" or (section, key) in _MEASURED
