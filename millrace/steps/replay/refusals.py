"""Which rows of history does the model's own contract refuse? Nobody is scored by them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from millrace.adapters.contract import BatchCheck, check_batch
from millrace.domain.batch_rules import Hashes, judge_duplicates, judge_labels, judge_rows, key_hashes
from millrace.domain.blocks import row_identity
from millrace.domain.config import ModelConfig
from millrace.domain.contract import Violation
from millrace.domain.facts import BatchAccepted
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class OwnContract:
    """The contract of `model.toml` as it is, held to what comes, in order: a key may come once."""

    config: ModelConfig
    released: frozenset[str]
    """Parts that somebody let in, whatever clauses they broke."""
    _known: Hashes = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    """Of the rows that were let in, sorted."""

    def find_broken(self, rows: "pd.DataFrame", check: BatchCheck, part: str) -> Violation | None:
        """Return the first clause that a batch breaks, None where its rows are held to be true."""
        few = judge_rows(check.rows, self.config.contract)
        return self._judge(rows, check, (few,), is_released=self.is_released(part))

    def find_broken_slice(self, rows: "pd.DataFrame", part: str) -> Violation | None:
        """Return the first clause that a slice of a batch breaks; how few rows it has is our own doing."""
        check = check_batch([rows], self.config.contract, lambda _rows: None)
        return self._judge(rows, check, (), is_released=self.is_released(part))

    def is_released(self, part: str) -> bool:
        """Whether somebody let in the part of this name."""
        return part in self.released

    def _judge(
        self,
        rows: "pd.DataFrame",
        check: BatchCheck,
        found: tuple[Violation | None, ...],
        *,
        is_released: bool,
    ) -> Violation | None:
        labelled = check.rows - check.null_counts.get(self.config.data.target, 0)
        found += (*check.violations, judge_labels(labelled, check.rows, self.config.contract))
        hashes = key_hashes(rows, row_identity(self.config))
        found += (judge_duplicates(hashes, self._again(hashes), self.config.contract),)
        broken = next((one for one in found if one is not None), None)
        if broken is not None and not is_released:
            return broken
        self._known = np.sort(np.concatenate([self._known, hashes]), kind="stable")
        return None

    def _again(self, hashes: Hashes) -> Hashes:
        """Return those that are known: to look for a few in many, the many need not be sorted again."""
        places = np.searchsorted(self._known, hashes)
        places[places == len(self._known)] = 0
        return hashes[self._known[places] == hashes] if len(self._known) else hashes[:0]


def own_contract(model: str) -> OwnContract:
    """Read the model's contract, and which of its parts somebody has released."""
    facts = [entry.fact for entry in ledger().entries(model, (BatchAccepted,))]
    released = [one.part.sha256 for one in facts if isinstance(one, BatchAccepted) and one.release_reason]
    return OwnContract(model_config(model), frozenset(released))
