"""What most people write: FastAPI, one pandas frame for each request."""

import sys
from typing import Annotated, Any

import joblib
import pandas as pd
import uvicorn
from fastapi import Body, FastAPI

app = FastAPI()
pipeline = joblib.load(sys.argv[2])


# A plain function, as FastAPI's own pages have it, goes through a thread pool and is slower (measured).
@app.post("/predict")
async def predict(row: Annotated[dict[str, Any], Body()]) -> dict[str, float]:
    return {"answer": float(pipeline.predict_proba(pd.DataFrame([row]))[0, 1])}


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
