"""Which stores does this installation use?"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.ledger import Ledger, StaleGenerationError
from millrace.adapters.models import find_model, is_folder
from millrace.domain.config import ModelConfig
from millrace.settings import load_settings

if TYPE_CHECKING:
    from millrace.adapters.catalogue import Catalogue

__all__ = ["StaleGenerationError", "catalogue", "ensure_known", "is_known", "ledger", "model_config"]


def ledger() -> Ledger:
    """Return the ledger, opened once per process."""
    return _open_ledger(load_settings().ledger_url)


def catalogue() -> "Catalogue":
    """Return the catalogue, opened once per process."""
    settings = load_settings()
    return _open_catalogue(settings.catalogue_url, settings.artifacts)


def model_config(model: str) -> ModelConfig:
    """Return the model's `model.toml`."""
    return find_model(load_settings().models, model)


def is_known(model: str) -> bool:
    """Say whether there is a folder of that name under `models/`, or an entry in the ledger."""
    return is_folder(load_settings().models, model) or model in ledger().newest_by_model()


def ensure_known(model: str) -> None:
    """Refuse a name that is neither a folder under `models/` nor in the ledger.

    Raises
    ------
    UnknownModelError
        With the nearest name there is.
    """
    if not is_known(model):
        model_config(model)


@lru_cache
def _open_ledger(url: str) -> Ledger:
    return Ledger(url)


@lru_cache
def _open_catalogue(url: str, artifacts: Path) -> "Catalogue":
    from millrace.adapters.catalogue import Catalogue

    return Catalogue(url, artifacts)
