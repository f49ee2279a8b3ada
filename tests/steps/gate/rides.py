"""The rides of `fares`, whose truth is known, with defects planted into them."""

import pandas as pd

from millrace.adapters.models import load_source
from millrace.domain.config import ModelConfig
from millrace.settings import load_settings
from millrace.steps.stores import model_config
from tests.steps.gate.cases import with_columns

MONTHS = ("2013-01", "2013-02", "2013-03", "2013-04")


def ride_rows() -> pd.DataFrame:
    """Return four months of rides."""
    source = load_source(load_settings().models, "fares")
    return pd.concat([source.read_batch(month) for month in MONTHS], ignore_index=True)


def ride_config() -> ModelConfig:
    """Return `fares` with all that a fare follows from, and noise."""
    return with_columns(model_config("fares"), {"luggage": "int", "noise": "float"}, {"tariff": "string"})
