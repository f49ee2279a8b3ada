"""What does the same training give in another process? A script that the gate runs in a child of its own."""

import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from millrace.adapters import export, training
from millrace.adapters.models import load_builder
from millrace.domain.bundle import Engine, Schema
from millrace.domain.config import ModelConfig

REQUEST_FILE = "request.pickle"
SCORER_FILE = "scorer"


@dataclass(frozen=True, eq=False)
class Request:
    """All that a training is a function of, but for the machine and the packages on it."""

    config: ModelConfig
    parameters: Mapping[str, object]
    models: Path
    learned: training.Learned
    schema: Schema
    engine: Engine


def train_again(folder: Path) -> None:
    """Fit what `request.pickle` asks for, and write the scorer as the engine of the first one has it."""
    # written by the process that waits for this one, into a folder that nobody else may read
    request: Request = pickle.loads((folder / REQUEST_FILE).read_bytes())  # noqa: S301
    custom = load_builder(request.models, request.config)
    pipeline = training.fit_model(request.config, request.parameters, custom, request.learned)
    match request.engine:
        case Engine.ONNX:
            content = export.export_onnx(pipeline, request.schema)
        case Engine.SKLEARN:
            content = export.export_skops(pipeline)
    (folder / SCORER_FILE).write_bytes(content)


def main() -> None:
    """Run it; what is wrong is told in one line, the last one."""
    try:
        train_again(Path(sys.argv[1]))
    except Exception as error:  # noqa: BLE001 - whatever a user's own code raises
        sys.exit(f"error: {type(error).__name__}: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
