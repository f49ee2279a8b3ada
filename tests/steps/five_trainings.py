"""Five trainings in a clone, each of another kind: run as a script, by the code of that clone."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from millrace.domain.decision import Reason
from millrace.settings import PROJECT_ROOT, load_settings
from tests.conftest import NOON
from tests.loop import retrain, take_in

GIT = ("git", "-c", "user.name=any", "-c", "user.email=any@example.org")
DAY = timedelta(days=1)
PIPELINE = """\
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer


def build(config):
    print("a line of whoever trains")  # which is none of reproduce's
    splines = SplineTransformer()  # which no graph has an operator for
    return make_pipeline(ColumnTransformer([("n", splines, list(config.features.numeric))]), Ridge())
"""


def commit(subject: str) -> None:
    for command in (("git", "add", "--all"), (*GIT, "commit", "--quiet", "--message", subject)):
        subprocess.run(command, cwd=PROJECT_ROOT, check=True)


def rewrite(old: str, new: str) -> None:
    path = load_settings().models / "fares" / "model.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def train(days: int, reason: Reason = Reason.BY_HAND) -> str:
    trained = retrain("fares", NOON + days * DAY, reason, force=reason is Reason.BY_HAND).trained
    assert trained is not None
    return trained.digest


def train_all() -> dict[str, str]:
    """Train one of each kind; what is committed last changes nothing that trains."""
    digests: dict[str, str] = {}
    take_in("fares", NOON)
    digests["plain"] = train(0)
    rewrite("seed = 7", "seed = 7\nsearch = { trials = 2, folds = 2 }")
    commit("search for hyperparameters")
    train(1, Reason.SCHEDULE)
    take_in("fares", NOON + 40 * DAY)
    digests["refit"] = train(41, Reason.REFIT)
    rewrite("search = { trials = 2, folds = 2 }\n", "")
    rewrite('numeric = ["distance_km"]', 'numeric = ["distance_km", "luggage"]')
    digests["uncommitted"] = train(42)
    rewrite('"distance_km", "luggage"', '"distance_km", "noise"')
    rewrite('estimator = "linear"', 'estimator = "pipeline:build"')
    (load_settings().models / "fares" / "pipeline.py").write_text(PIPELINE, "utf-8")
    commit("a pipeline of our own")
    digests["skops"] = train(43)
    with (PROJECT_ROOT / "millrace" / "cli" / "status.py").open("a") as file:
        file.write("\n# a line of help\n")
    commit("a line of help")
    return digests


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(train_all()), "utf-8")
