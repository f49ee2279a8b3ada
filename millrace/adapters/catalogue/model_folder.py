"""How must a bundle lie in a run for `mlflow.pyfunc.load_model` to open it?"""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.catalogue.record import TrainingRecord

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType

LOADER_MODULE = "millrace.serving.pyfunc"

# Millrace is on no package index: naming it would install whatever someone uploads under its name
_NEEDED_TO_ANSWER = ("mlflow", "numpy", "pandas", "onnxruntime", "scikit-learn", "skops")
_PYTHON_ENV = "python_env.yaml"
_REQUIREMENTS = "requirements.txt"


def data_path(digest: str) -> str:
    """Return where in the model's folder the bundle lies."""
    return f"data/{digest}"


def write_model_files(folder: Path, run_id: str, record: TrainingRecord) -> None:
    """Write all that stands beside the bundle.

    `mlflow.pyfunc.log_model` would write the same, but only for the process-wide tracking
    address, which it also puts into the environment, and after a walk through every installed
    package (0.3 s).
    """
    from mlflow import pyfunc
    from mlflow.models import Model

    folder.mkdir()
    created = record.at.replace(tzinfo=None)
    model = Model(
        run_id=run_id, signature=_signature(record.example, record.answers), utc_time_created=created
    )
    pyfunc.add_to_model(model, LOADER_MODULE, data=data_path(record.digest), python_env=_PYTHON_ENV)
    model.save(str(folder / "MLmodel"))
    needed = [f"{name}=={version(name)}\n" for name in _NEEDED_TO_ANSWER]
    (folder / _REQUIREMENTS).write_text("".join(needed))
    python = f"python: {platform.python_version()}"
    (folder / _PYTHON_ENV).write_text(f"{python}\ndependencies: [-r {_REQUIREMENTS}]\n")


def _signature(example: "pd.DataFrame", answers: "np.ndarray") -> "ModelSignature":
    """Infer the signature from types alone: MLflow's own takes a column for optional if the example lacks it.

    It would also call a column of whole numbers `long` or `double`, and later refuse it with nulls
    or without. Such a column can be anything here; the bundle's schema is what checks it.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(_column_type(example[name]), str(name)) for name in example.columns
    ]
    outputs = TensorSpec(answers.dtype, (-1, *answers.shape[1:]))
    return ModelSignature(Schema(inputs), Schema([outputs]))


def _column_type(values: "pd.Series") -> "DataType | AnyType":
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType
    from pandas.api import types

    if types.is_bool_dtype(values):
        return DataType.boolean
    if types.is_integer_dtype(values):
        return AnyType()  # type: ignore[no-untyped-call]
    if types.is_numeric_dtype(values):
        return DataType.double
    return DataType.string
