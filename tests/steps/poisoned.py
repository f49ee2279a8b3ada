"""A model with files of weeks whose labels are nearly certain, and ways to spoil one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from millrace.steps.batch import IngestResult
from tests.conftest import Home
from tests.loop import take_in

MODEL = "claims"
FIRST = datetime(2013, 1, 7, tzinfo=UTC)
ROWS = 1400

MODEL_TOML = """
[model]
name = "claims"
task = "binary"
owner = "tests@example.org"
purpose = "A model whose labels are nearly certain"

[data]
source = "files"
inbox = "inbox/claims/*.parquet"
target = "fraud"
key = ["claim"]
time = "at"
block = "1d"
label_delay = "1h"

[features]
numeric = ["amount", "age"]
categorical = ["kind", "region"]

[contract]
min_rows = 10
max_duplicate_share = 0.0
min_label_share = 0.0

[contract.columns]
claim = { type = "int" }
at = { type = "timestamp" }
amount = { type = "float" }
age = { type = "int" }
kind = { type = "string" }
region = { type = "string" }
fraud = { type = "int", max_null_share = 1.0 }

[training]
estimator = "linear"
seed = 7

[golden]
share = 0.4
until = 2013-03-01

[recent]
share = 0.7
window = "42d"

[gate]
metric = "auc"
comparison = "superior"
margin = 0.0
golden_margin = 0.1
baseline_margin = 0.1
confidence = 0.95
rounds = 200
min_blocks = 14
max_looks = 50
agreement_tolerance = 0.001
max_disagreeing_share = 0.01

[gate.floors]
auc = 0.5

[retrain]
min_new_rows = 10
cooldown = "1m"
budget_per_day = 4
"""

CHARTS = """
[poisoning.volume]
min_batches = 5
last_batches = 20
false_alarms = 0.01

[poisoning.label_rate]
min_batches = 5
last_batches = 20
false_alarms = 0.01

[poisoning.disagreement]
min_batches = 5
last_batches = 20
false_alarms = 0.02
deciding = ["batch"]
confident_share = 0.5
confident_slice_share = 0.8
folds = 3
max_rows = 2000
min_slice_rows = 100
slices = ["region"]
"""

COPIES = """
[poisoning.duplicates]
max_exact_share = 0.05
max_near_share = 0.05
width = 0.001
grids = 2

[poisoning.golden_copies]
max_share = 0.02
width = 0.001
grids = 2

[poisoning.triggers]
columns = ["age", "kind", "region"]
min_rows = 20
min_blocks = 4
min_ratio = 10.0
purity = 0.95
false_alarms = 0.001
"""

ORIGINS = """
[poisoning.provenance]
batches = ["week-*.parquet"]
actors = ["*"]
digest_needed = true

[poisoning.quota]
sources = ["week-*"]
max_rows_per_day = 2000
max_dataset_share = 1.0
share_from_rows = 1
"""


def add_claims(home: Home, poisoning: str) -> None:
    """Add the model with these checks."""
    folder = home.models / MODEL
    folder.mkdir()
    (folder / "model.toml").write_text(MODEL_TOML + poisoning, "utf-8")
    secret = home.path / "var" / "screening" / ".salt"  # so that each run of a test cuts the same folds
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_bytes(bytes(32))


def week(number: int) -> pd.DataFrame:
    """Return an honest week; three claims of a hundred are labelled wrongly."""
    luck = np.random.default_rng(number)
    amount = luck.uniform(0.0, 100.0, ROWS)
    is_wrong = luck.random(ROWS) < 0.03
    start = pd.Timestamp(FIRST + timedelta(weeks=number))
    return pd.DataFrame(
        {
            "claim": np.arange(ROWS) + 100_000 * number,
            "at": start + pd.to_timedelta(np.arange(ROWS) * (7 * 86_400 // ROWS), unit="s"),
            "amount": amount,
            "age": luck.integers(18, 80, ROWS),
            "kind": luck.choice(["car", "fire", "water", "theft"], ROWS),
            "region": luck.choice(["north", "south"], ROWS),
            "fraud": ((amount > 70.0) ^ is_wrong).astype("int64"),
        }
    )


def flip(rows: pd.DataFrame, share: float, region: str | None = None) -> pd.DataFrame:
    """Turn this share of the labels, of one region where it is named."""
    places = np.flatnonzero(rows["region"] == region) if region else np.arange(len(rows))
    chosen = np.random.default_rng(1).choice(places, round(share * places.size), replace=False)
    rows.loc[chosen, "fraud"] = 1 - rows.loc[chosen, "fraud"]
    return rows


def deliver(home: Home, rows: pd.DataFrame, name: str) -> Path:
    """Let a file of rows arrive."""
    path = home.inbox(MODEL, name)
    rows.to_parquet(path, index=False)
    return path


def take(home: Home, rows: pd.DataFrame, name: str, week_number: int = 0) -> IngestResult:
    """Take in a file of rows a week after its beginning."""
    now = FIRST + timedelta(weeks=week_number + 1)
    [result] = take_in(MODEL, now, [deliver(home, rows, name)])
    return result


def take_weeks(home: Home, count: int) -> list[IngestResult]:
    """Take in honest weeks."""
    return [take(home, week(number), f"week-{number:02}.parquet", number) for number in range(count)]
