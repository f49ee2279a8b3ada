"""BentoML with adaptive batching, one worker."""

import os
from typing import Any

import bentoml
import joblib
import pandas as pd


@bentoml.service(workers=1, traffic={"timeout": 30}, logging={"access": {"enabled": False}})
class Served:
    def __init__(self) -> None:
        self.pipeline = joblib.load(os.environ["SERVED_PIPELINE"])

    # With a bound on the latency it refuses requests while it is still learning how long a batch takes.
    @bentoml.api(batchable=True, max_batch_size=64)
    def predict(self, rows: list[dict[str, Any]]) -> list[float]:
        return self.pipeline.predict_proba(pd.DataFrame(rows))[:, 1].tolist()
