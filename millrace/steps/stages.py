"""What does each stage of `dvc.yaml` do? The training of `retrain`, without ledger, claim and channel."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from millrace.adapters.contract import check_batch
from millrace.adapters.dataset_files import find_dataset
from millrace.adapters.parts import read_parts
from millrace.adapters.scorer import load_scorer, prove
from millrace.domain.canonical import readable_json
from millrace.domain.config import ModelConfig
from millrace.domain.contract import Violation
from millrace.domain.dataset import Part
from millrace.domain.evaluation import (
    list_block_points,
    list_calibration_points,
    measure_metrics,
)
from millrace.durable import replace_file
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.gate.comparing import Compared, answer_rows
from millrace.steps.rows import SplitRows, split_rows, when_all_labels_are_due
from millrace.steps.stores import model_config
from millrace.steps.train import train_bundles

VALIDATION_FILE = "validation.json"
TRAINED_FILE = "trained.json"
METRICS_FILE = "metrics.json"
BLOCKS_FILE = "blocks.json"
CALIBRATION_FILE = "calibration.json"

EVOLVED = frozenset({"missing", "extra"})
"""A part keeps the columns the contract had when it came: later ones it cannot have, earlier ones it may."""


class BrokenPartsError(MillraceError):
    """Rows that are pinned break the contract as it stands in model.toml now."""

    def __init__(self, model: str, broken: tuple[tuple[str, Violation], ...]) -> None:
        self.model, self.broken = model, broken
        shown = "; ".join(f"batch {batch}, {one.column}: {one.message}" for batch, one in broken[:5])
        more = f" and {len(broken) - 5} more" if len(broken) > 5 else ""  # noqa: PLR2004
        super().__init__(
            f"{model}: pinned rows break the contract: {shown}{more}. Widen [contract] in model.toml if "
            "they are right, or `millrace data checkout` a version without them"
        )


@dataclass(frozen=True)
class Validation:
    """What was read and found whole; `violations` is empty, or it would not have been written."""

    dataset: str
    parts: int
    rows: int
    violations: int


@dataclass(frozen=True)
class Trained:
    """Which bundle beside this file is which."""

    challenger: str
    baseline: str
    parameters: dict[str, object]


def validate_parts(model: str, folder: Path) -> Validation:
    """Prove every byte of the dataset, and hold its values to the contract of today once more.

    Rules about an arrival (its rows, labels, keys) were judged when it came, and are not asked again.

    Raises
    ------
    MissingPartError, CorruptPartError
        At the first part that is not, byte for byte, what the dataset lists.
    BrokenPartsError
        With all clauses that any part breaks.
    """
    config, dataset = model_config(model), find_dataset(load_settings().datasets, model)
    broken = tuple((part.batch, one) for part in dataset.parts for one in _broken_clauses(config, part))
    if broken:
        raise BrokenPartsError(model, broken)
    found = Validation(dataset.version, len(dataset.parts), dataset.rows, len(broken))
    _write_json(folder / VALIDATION_FILE, found)
    return found


def train_stage(model: str, folder: Path, on_trial: Callable[[int, int], None]) -> Trained:
    """Train challenger and baseline and write their bundles into `folder`, which no service reads."""
    config = model_config(model)
    made = train_bundles(config, _rows_of_file(config), folder, on_trial)
    trained = Trained(made.digest, made.baseline, made.search.parameters)
    _write_json(folder / TRAINED_FILE, trained)
    return trained


def evaluate_stage(model: str, bundles: Path, folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Score challenger and baseline on the judged sets: metrics, and the points of two curves.

    The champion has no part in it: which one serves is the ledger's, and a stage is a function
    of its files. `millrace check-change` compares with it.
    """
    config = model_config(model)
    trained = msgspec.json.decode((bundles / TRAINED_FILE).read_bytes(), type=Trained)
    compared = Compared(
        load_scorer(bundles / trained.challenger), load_scorer(bundles / trained.baseline), None, None
    )
    prove(compared.challenger, compared.challenger.examples)
    rows = _rows_of_file(config)
    classes = rows.all_classes
    sets = {
        "recent": answer_rows(rows.recent, compared, classes),
        "golden": answer_rows(rows.golden, compared, classes),
    }
    metrics = {name: measure_metrics(judged, config.model.task) for name, judged in sets.items()}
    points = [
        point
        for name, judged in sets.items()
        for point in list_block_points(name, judged, config.followed_metric)
    ]
    _write_json(folder / METRICS_FILE, metrics)
    _write_json(folder / BLOCKS_FILE, points)
    tenths = list_calibration_points(sets["recent"], config.model.task)
    _write_json(folder / CALIBRATION_FILE, tenths)
    return metrics


def _rows_of_file(config: ModelConfig) -> SplitRows:
    dataset = find_dataset(load_settings().datasets, config.name)
    return split_rows(config, dataset, when_all_labels_are_due(config, dataset))


def _broken_clauses(config: ModelConfig, part: Part) -> list[Violation]:
    rows = read_parts(load_settings().data / config.name, [part])
    found = check_batch([rows], config.contract, lambda _rows: None)
    return [one for one in found.violations if one.clause not in EVOLVED]


def _write_json(path: Path, value: object) -> None:
    replace_file(path, readable_json(value).encode())
