"""In what does the data of two versions differ?"""

import numpy as np

from millrace.adapters.parts import read_parts
from millrace.domain.dataset import Dataset
from millrace.domain.kinds import Task
from millrace.domain.schema import class_names, label_values
from millrace.domain.version_diff import DataDiff, compare_parts, measure_side
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.lineage import Lineage
from millrace.steps.stores import model_config


def find_data(old: Lineage, new: Lineage) -> DataDiff | None:
    """Return what differs, None for the same dataset version, or one whose parts are not known here."""
    if old.dataset is None or new.dataset is None or old.dataset == new.dataset:
        return None
    trouble: str | None = None
    labels: list[dict[str, float] | None] = [None, None]
    try:
        labels = [_measure_labels(dataset) for dataset in (old.dataset, new.dataset)]
    except (MillraceError, KeyError) as error:
        trouble = f"labels cannot be told: {' '.join(str(error).split())}"
    before, after = labels
    return DataDiff(
        measure_side(old.dataset, before),
        measure_side(new.dataset, after),
        *compare_parts(old.dataset, new.dataset),
        trouble,
    )


def _measure_labels(dataset: Dataset) -> dict[str, float]:
    """Return the share of each class among the rows that have a label, of numbers their mean."""
    config = model_config(dataset.model)
    target = config.data.target
    rows = read_parts(load_settings().data / dataset.model, dataset.parts, [target])
    labelled = rows[rows[target].notna()]
    classes = class_names(labelled, config)
    labels = label_values(labelled, config, classes)
    if config.model.task is Task.REGRESSION:
        return {"mean": float(labels.mean())}
    return {name: float(np.mean(labels == position)) for position, name in enumerate(classes)}
