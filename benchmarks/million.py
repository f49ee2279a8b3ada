"""1,000,000 clean rows by 20 columns, and the thirty rules they are held to."""

from pathlib import Path

import numpy as np
import pandas as pd
import tomlkit

from benchmarks import planted
from millrace.domain.config import ColumnContract, ContractSection
from millrace.domain.kinds import ColumnType

NAME = "million"
ROWS = 1_000_000
CATEGORIES = tuple("ABCDEFGH")


def contract() -> ContractSection:
    """Return twenty columns and thirty rules: ends of ranges, categories, a pattern, shares of nulls."""
    numbers = {f"number_{i}": ColumnContract(type=ColumnType.FLOAT, min=-10, max=10) for i in range(5)}
    sparse = {
        f"sparse_{i}": ColumnContract(type=ColumnType.FLOAT, max_null_share=0.2, max=10) for i in range(5)
    }
    counts = {f"count_{i}": ColumnContract(type=ColumnType.INT, min=0) for i in range(5)}
    words = {f"word_{i}": ColumnContract(type=ColumnType.STRING, categories=CATEGORIES) for i in range(3)}
    others = {
        "code": ColumnContract(type=ColumnType.STRING, pattern="[A-Z]{3}[0-9]{2}", max_null_share=0.01),
        "at": ColumnContract(type=ColumnType.TIMESTAMP),
    }
    columns = {**numbers, **sparse, **counts, **words, **others}
    return ContractSection(min_rows=1, max_duplicate_share=0.0, min_label_share=0.0, columns=columns)


def count_rules(section: ContractSection) -> int:
    """Count what a row or column can break besides its type: both ends, lists, patterns, allowed nulls."""
    return sum(
        (column.min is not None)
        + (column.max is not None)
        + (column.categories is not None)
        + (column.pattern is not None)
        + (column.max_null_share > 0)
        for column in section.columns.values()
    )


def clean_rows(seed: int = 7) -> pd.DataFrame:
    """Return rows that break no rule, and no two of which have the same time."""
    random = np.random.default_rng(seed)
    columns: dict[str, object] = {f"number_{i}": random.uniform(-9, 9, ROWS) for i in range(5)}
    for i in range(5):
        columns[f"sparse_{i}"] = np.where(random.random(ROWS) < 0.1, np.nan, random.uniform(-9, 9, ROWS))
        columns[f"count_{i}"] = random.integers(0, 1_000, ROWS)
    for i in range(3):
        columns[f"word_{i}"] = random.choice(CATEGORIES, ROWS)
    codes = [f"ABC{number:02}" for number in range(100)]
    columns["code"] = random.choice(codes, ROWS)
    columns["at"] = pd.date_range("2013-01-01", periods=ROWS, freq="s", tz="UTC")
    return pd.DataFrame(columns)


def write_model(models: Path) -> None:
    """Write the folder of a model with this contract; its key is a time and a text."""
    planted.write_model(models, seed=1)
    document = tomlkit.parse((models / planted.NAME / "model.toml").read_text("utf-8"))
    document["model"].update(name=NAME, task="regression")
    document["data"].update(target="number_0", key=["at", "code"])
    document["features"] = {"numeric": ["number_1", "count_0"], "categorical": ["word_0"]}
    document["contract"] = contract().model_dump(mode="json", exclude_none=True)
    document["gate"].update(metric="mae", floors={"mae": 10.0})
    (models / NAME).mkdir()
    (models / NAME / "model.toml").write_text(tomlkit.dumps(document), "utf-8")
