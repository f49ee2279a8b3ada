"""How long does the gate take with every rule asked for?

50,000 golden and 50,000 recent rows, 20 features, 10 slices, 3 sensitive columns and their pairs. A champion
answers already; the clock runs from the second version's bundle to its verdicts, in a process of its own.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.process import MILLRACE, environment, output_of
from benchmarks.report import Figure, Report, make_report, run
from millrace.settings import PROJECT_ROOT

ROUNDS = 1
MOST_SECONDS = 60.0
NAME = "court"
DAYS, ROWS_A_DAY = 175, 2_000
NUMBERS = tuple(f"number_{at}" for at in range(18))
WORDS = ("word_0", "word_1")
SENSITIVE = {"sex": "fm", "age": "abcd", "region": "xyz"}
PACKAGES = ("scikit-learn", "onnxruntime", "fairlearn", "numpy", "pandas")

MODEL = """\
[model]
name = "court"
task = "binary"
owner = "benchmarks@example.org"
purpose = "How long does the whole gate take?"

[data]
source = "files"
inbox = "inbox/court/*.parquet"
target = "label"
time = "at"
block = "1d"
key = ["at"]

[features]
numeric = [{numbers}]
categorical = [{words}]

[contract]
min_rows = 1000
max_duplicate_share = 0.0
min_label_share = 1.0

[contract.columns]
at = {{ type = "timestamp" }}
label = {{ type = "int", min = 0, max = 1 }}
{columns}

[training]
estimator = "hist_gradient_boosting"
seed = {seed}

[golden]
share = 0.28
until = 2013-04-01

[recent]
share = 0.35
window = "72d"

[gate]
metric = "auc"
comparison = "non_inferior"
margin = 0.02
golden_margin = 0.02
baseline_margin = 0.0
confidence = 0.95
rounds = 2000
min_blocks = 14
max_looks = 50
agreement_tolerance = 1e-4
max_disagreeing_share = 0.005

[gate.floors]
auc = 0.6

[gate.slices]
columns = ["word_0", "sex"]
floor = 0.6
max_harm = 0.05
min_blocks = 14
min_share = 0.01

[gate.fairness]
columns = ["sex", "age", "region", "sex*age", "sex*region", "age*region"]
max_parity_difference = 0.1
min_impact_ratio = 0.8
max_opportunity_difference = 0.1
max_odds_difference = 0.1
min_rows = 100
min_share = 0.01

[gate.simpler]
min_gain = 0.0

[gate.leakage]
max_single_feature = 0.95
max_copied_share = 0.01

[gate.features]
repeats = 2
min_gain = 0.0005
max_harm = 0.001

[gate.cost]
max_milliseconds_one = 5.0
max_milliseconds_thousand = 50.0
max_megabytes = 20.0
max_memory_megabytes = 300.0
max_latency_ratio = 3.0
max_size_ratio = 3.0
max_memory_ratio = 3.0

[gate.staleness]
horizon = "28d"
max_decay = 0.05
steps = 3
rows = 50_000
max_data_age = "60d"

[gate.stability]
refits = 5
rows = 50_000
max_loss_spread = 0.02
max_answer_spread = 0.2

[gate.reproducibility]
timeout = "5m"
exact = true

[gate.calibration]
max_error = 0.05
max_harm = 0.02

[gate.robustness]
rows = 20_000
noise = {{ share = 0.05, max_excess_loss = 0.02 }}
missing = {{ share = 0.05, max_excess_loss = 0.02 }}
unknown = {{ share = 0.05, max_excess_loss = 0.05 }}

[gate.robustness.monotone]
columns = {{ number_0 = "rising" }}
rows = 500
steps = 10
tolerance = 0.02
max_wrong_share = 0.2

[gate.robustness.attack]
rows = 200
queries = 100
share = 0.1

[retrain]
min_new_rows = 0
cooldown = "0s"
budget_per_day = 100
"""

JUDGE = """
import json, sys, time
from datetime import UTC, datetime
from millrace.domain.decision import Reason
from millrace.steps.claims import held
from millrace.steps.decide import decide_retraining
from millrace.steps.gate import judge_challenger
from millrace.steps.progress import timing
from millrace.steps.rows import load_rows
from millrace.steps.train import train_challenger

now = datetime.now(UTC)
decided = decide_retraining("court", Reason.BY_HAND, True, now, "bench", "")
with held(decided.claim) as claim:
    rows = load_rows("court", decided.decision.inputs.dataset, now)
    trained = train_challenger("court", rows, decided.decision, claim, now, lambda _done, _all: None)
    with timing() as began:
        start = time.monotonic()
        judged = judge_challenger("court", rows, trained, claim, now)
        end = time.monotonic()
marks = [*began.items(), ("end", end)]
steps = {name: round(after - at, 2) for (name, at), (_, after) in zip(marks, marks[1:])}
print(json.dumps({
    "seconds": end - start, "steps": steps, "rows": [len(rows.recent.labels), len(rows.golden.labels)],
    "verdicts": [[one.rule, one.outcome, one.code, one.reason] for one in judged.verdicts],
}))
"""


def write_model(models: Path, seed: int) -> None:
    """Write the model's folder; another seed makes another version."""
    numbers = [
        f'{name} = {{ type = "float", min = -10, max = 10, max_null_share = 0.1 }}' for name in NUMBERS
    ]
    words = [f'{name} = {{ type = "string", pattern = "[A-H]" }}' for name in WORDS]
    groups = [f'{name} = {{ type = "string", pattern = "[{values}]" }}' for name, values in SENSITIVE.items()]
    folder = models / NAME
    folder.mkdir(parents=True, exist_ok=True)
    text = MODEL.format(
        seed=seed,
        numbers=", ".join(f'"{name}"' for name in NUMBERS),
        words=", ".join(f'"{name}"' for name in WORDS),
        columns="\n".join(numbers + words + groups),
    )
    (folder / "model.toml").write_text(text)


def planted_rows() -> pd.DataFrame:
    """Numbers and words that decide the label, and groups of people that have no part in it."""
    random, rows = np.random.default_rng(7), DAYS * ROWS_A_DAY
    frame = pd.DataFrame({name: random.normal(size=rows) for name in NUMBERS})
    for name in WORDS:
        frame[name] = random.choice(list("ABCDEFGH"), rows)
    for name, values in SENSITIVE.items():
        frame[name] = random.choice(list(values), rows)
    pull = frame["number_0"] + frame["number_1"] * frame["number_2"] + (frame["word_0"] == "C")
    frame["label"] = (pull + random.normal(size=rows) > 0.1).astype("int64")
    frame.loc[random.random(rows) < 0.05, "number_7"] = np.nan
    step = pd.Timedelta(days=DAYS) / rows
    frame["at"] = pd.date_range("2013-01-01", periods=rows, freq=step, tz="UTC").astype("datetime64[us, UTC]")
    return frame


def measure(rounds: int) -> Report:
    with tempfile.TemporaryDirectory(prefix="millrace-gate-") as name:
        folder = Path(name)
        env = environment(MILLRACE_HOME=str(folder / "home"), MILLRACE_MODELS=str(folder / "models"))
        write_model(folder / "models", seed=1)
        inbox = folder / "home" / "inbox" / NAME
        inbox.mkdir(parents=True)
        planted_rows().to_parquet(inbox / "all.parquet", index=False)
        output_of([MILLRACE, "ingest", NAME], env)
        output_of([MILLRACE, "retrain", NAME], env)
        found = []
        for at in range(rounds):
            write_model(folder / "models", seed=2 + at)
            found.append(json.loads(_output_of_child(env)))
    best = min(found, key=lambda one: float(one["seconds"]))
    figures = (
        Figure("the whole gate", round(best["seconds"], 1), "s", MOST_SECONDS),
        Figure("recent rows", best["rows"][0], ""),
        Figure("golden rows", best["rows"][1], ""),
        *(Figure(step, seconds, "s") for step, seconds in best["steps"].items()),
    )
    for rule, outcome, code, reason in best["verdicts"]:
        print(f"{rule}: {outcome} ({code}): {reason}", file=sys.stderr)
    return make_report("gate.speed", "every rule, with a champion to beat", figures, PACKAGES)


def _output_of_child(env: dict[str, str]) -> str:
    command = [sys.executable, "-c", JUDGE]
    done = subprocess.run(command, env=env, cwd=PROJECT_ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
