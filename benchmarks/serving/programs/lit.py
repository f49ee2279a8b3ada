"""LitServe with batching, one API server and one worker."""

import sys
from typing import Any

import joblib
import litserve
import pandas as pd


class ServedAPI(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.pipeline = joblib.load(sys.argv[2])

    def decode_request(self, request: dict[str, Any]) -> dict[str, Any]:
        return request

    def batch(self, inputs: list[dict[str, Any]]) -> pd.DataFrame:
        return pd.DataFrame(inputs)

    def predict(self, x: pd.DataFrame) -> list[float]:
        return self.pipeline.predict_proba(x)[:, 1].tolist()

    def unbatch(self, output: list[float]) -> list[float]:
        return output

    def encode_response(self, output: float) -> dict[str, float]:
        return {"answer": output}


if __name__ == "__main__":
    # Sixteen connections fill a batch, so none waits; longer and shorter times were slower or equal.
    api = ServedAPI(max_batch_size=16, batch_timeout=0.02)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )
