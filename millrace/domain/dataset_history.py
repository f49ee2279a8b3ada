"""Which datasets has a model had, and which one is current?"""

from collections.abc import Iterable

from millrace.domain.dataset import Dataset
from millrace.domain.facts import BatchAccepted, DatasetAdopted, DatasetCheckedOut, Fact


def fold_datasets(model: str, facts: Iterable[Fact]) -> tuple[Dataset, ...]:
    """Return every dataset a model has had, in order; the last one is current.

    The order of acceptance in the ledger is the order of the parts, so that two batches
    accepted at once cannot fork the dataset.
    """
    datasets = [Dataset(model)]
    for fact in facts:
        match fact:
            case BatchAccepted():
                datasets.append(datasets[-1].with_part(fact.part))
            case DatasetAdopted() | DatasetCheckedOut():
                datasets.append(Dataset(model, fact.parts))
            case _:
                pass
    return tuple(datasets)
