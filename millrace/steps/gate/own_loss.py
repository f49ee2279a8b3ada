"""Which loss has a user written for the gate?"""

from millrace.adapters.models import load_loss
from millrace.domain.config import ModelConfig
from millrace.domain.metric_terms import RowLoss
from millrace.settings import load_settings


def find_own_loss(config: ModelConfig) -> RowLoss | None:
    """Import the function that `[gate]` names; None where it names none.

    Raises
    ------
    ModelCodeError
        If there is no such file, or no such function in it.
    """
    return load_loss(load_settings().models, config)
