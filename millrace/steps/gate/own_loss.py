"""Which loss has a user written for the gate, and what tells it from others?"""

from millrace.adapters.batches import digest_of_file
from millrace.adapters.models import load_loss, locate_code
from millrace.domain.config import Metric, ModelConfig
from millrace.domain.metric_terms import RowLoss
from millrace.settings import load_settings

_SHORT = 12


def find_own_loss(config: ModelConfig) -> RowLoss | None:
    """Import the function that `[gate]` names; None where it names none.

    Raises
    ------
    ModelCodeError
        If there is no such file, or no such function in it.
    """
    return load_loss(load_settings().models, config)


def name_terms(config: ModelConfig) -> str:
    """Say what the gate's metric is defined by besides its name; losses of other terms compare with nothing.

    A quantile, or the user's function and the digest of its file: who edits it has another loss.

    Raises
    ------
    ModelCodeError
        If there is no such file.
    """
    gate = config.gate
    if gate.metric is Metric.PINBALL:
        return f"quantile {gate.quantile:g}"
    if gate.metric is not Metric.OWN or gate.loss is None:
        return ""
    file = locate_code(load_settings().models, config.name, gate.loss)
    return f"{gate.loss} {digest_of_file(file)[:_SHORT]}"
