"""Bundles with all that a schema can have: every type, nulls, ranges, categories, keys, odd names."""

from typing import Any

from millrace.domain.bundle import EXAMPLES_FILE, SCHEMA_FILE, Schema
from millrace.domain.config import ModelConfig
from millrace.domain.kinds import Task
from tests.adapters.planted import pack, planted_config, planted_rows, train
from tests.serving.service import Packed, changed

ROWS = 300
NAMES = {"label": "größe (µm)", "my column": "my column", "weekday": "week/day's", "carrier": "carrier"}
KEY = [
    {"name": "flight id", "type": "string", "nullable": False},
    {"name": "at", "type": "timestamp", "nullable": False},
]


def packed_model(task: Task, estimator: str = "linear") -> Packed:
    """Return a bundle of the planted model."""
    return pack(train(planted_config(task, estimator), planted_rows(task, ROWS)))


def odd_model() -> Packed:
    """Return a multiclass bundle whose columns have odd names, ranges, categories and a key with a time."""
    config = planted_config(Task.MULTICLASS).model_dump(exclude_none=True)
    named = _renamed({**config, "retrain": {**config["retrain"], "cooldown": "6h"}})
    rows = planted_rows(Task.MULTICLASS, ROWS).rename(columns=NAMES)
    packed = pack(train(ModelConfig.model_validate(named), rows))
    return changed(packed, SCHEMA_FILE, _with_bounds)


def keyed(packed: Packed, *key: dict[str, Any]) -> Packed:
    """Return a bundle that has a key."""
    return changed(packed, SCHEMA_FILE, lambda schema: {**schema, "key": [*key] or KEY})


def example_rows(packed: Packed) -> list[dict[str, Any]]:
    """Return rows that the bundle has answered at its export."""
    import msgspec

    names = [column.name for column in msgspec.json.decode(packed[1][SCHEMA_FILE], type=Schema).inputs]
    rows = msgspec.json.decode(packed[1][EXAMPLES_FILE])["rows"]
    return [{name: row[name] for name in names} for row in rows]


def _renamed(config: Any) -> Any:
    if isinstance(config, dict):
        return {NAMES.get(key, key): _renamed(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [NAMES.get(value, value) if isinstance(value, str) else value for value in config]
    return config


def _with_bounds(schema: dict[str, Any]) -> dict[str, Any]:
    bounds = {
        NAMES["label"]: {"min": -1000.0, "max": 1000.0},
        NAMES["weekday"]: {"min": 0.0, "max": 6.0},
        "carrier": {"categories": ["AA", "Bé", "DL x", ""]},
    }
    inputs = [{**column, **bounds.get(column["name"], {})} for column in schema["inputs"]]
    return {**schema, "inputs": inputs, "key": KEY}
