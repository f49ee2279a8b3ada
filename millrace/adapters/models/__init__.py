"""What stands under `models/`: read and checked, its code loaded, and changed where Millrace is asked to."""

from millrace.adapters.models.changes import (
    change_features,
    change_keys,
    change_section,
    kept_file,
    write_model,
)
from millrace.adapters.models.code import (
    ModelCodeError,
    Source,
    load_builder,
    load_loss,
    load_source,
    locate_code,
)
from millrace.adapters.models.reading import (
    MODEL_FILE,
    find_demo,
    find_model,
    is_folder,
    list_models,
    read_model,
    read_policy,
)

__all__ = [
    "MODEL_FILE",
    "ModelCodeError",
    "Source",
    "change_features",
    "change_keys",
    "change_section",
    "find_demo",
    "find_model",
    "is_folder",
    "kept_file",
    "list_models",
    "load_builder",
    "load_loss",
    "load_source",
    "locate_code",
    "read_model",
    "read_policy",
    "write_model",
]
