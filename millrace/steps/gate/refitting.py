"""What would the challenger answer, had it learned from other rows or by another seed?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from millrace.adapters import training
from millrace.adapters.models import load_builder
from millrace.domain.answers import answers_of, spread_shares
from millrace.domain.config import ModelConfig
from millrace.domain.features import feature_frame
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.gate.case import Case
from millrace.steps.train import learn_rows

if TYPE_CHECKING:
    import pandas as pd

Rows = npt.NDArray[np.intp]


class NothingToRefitError(MillraceError):
    """The rows that the challenger learned from are not at hand."""

    def __init__(self, digest: str) -> None:
        self.digest = digest
        super().__init__(
            f"{digest[:12]} cannot be fitted again: found none of its training rows in this dataset version, "
            "needed one at least. Judge it on the version it was trained on"
        )


@dataclass(frozen=True, eq=False)
class Refitting:
    """The challenger's estimator and hyperparameters, what it learned from, and the recent rows to answer.

    `classes` are the names of the labels' positions, of judged rows too.
    """

    config: ModelConfig
    parameters: Mapping[str, object]
    custom: training.CustomBuild | None
    learned: training.Learned
    asked: "pd.DataFrame"
    classes: tuple[str, ...]

    def answer(self, rows: Rows, seed: int | None = None) -> FloatArray:
        """Fit to some rows, each as often as it is named, and answer the recent ones.

        The form is that of `answers_of`; a class that these rows lack has no share.
        """
        config, task = self.config, self.config.model.task
        if seed is not None:
            seeded = config.training.model_copy(update={"seed": seed})
            config = config.model_copy(update={"training": seeded})
        learned, names = _renumbered(self.learned.at(rows), self.classes, task)
        pipeline = training.fit_model(config, self.parameters, self.custom, learned)
        answers = answers_of(pipeline, self.asked, task)
        return spread_shares(answers, names, self.classes) if task is Task.MULTICLASS else answers


def prepare_refits(case: Case) -> Refitting:
    """Make ready to fit the challenger again.

    Raises
    ------
    NothingToRefitError
        If the split has none of the rows it learned from.
    """
    challenger, rows = case.compared.challenger, case.split.training
    own = frozenset(challenger.manifest.training_blocks)
    if not rows.block_names <= own:
        rows = rows.in_blocks(own)
    if not len(rows.labels):
        raise NothingToRefitError(challenger.digest)
    return Refitting(
        config=case.config,
        parameters=case.trained.parameters,
        custom=load_builder(load_settings().models, case.config),
        learned=learn_rows(case.config, replace(case.split, training=rows)),
        asked=feature_frame(case.recent.frame, challenger.schema.inputs),
        classes=case.split.all_classes,
    )


def _renumbered(
    learned: training.Learned, classes: tuple[str, ...], task: Task
) -> tuple[training.Learned, tuple[str, ...]]:
    """Number the classes that are there from 0 on, as estimators want no gaps; of two, both are needed."""
    if task is not Task.MULTICLASS:
        return learned, learned.classes
    present, labels = np.unique(learned.labels, return_inverse=True)
    names = tuple(classes[int(place)] for place in present)
    return replace(learned, labels=labels.astype(np.float64), classes=names), names
